/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "passthrough.h"

/* More than a driver asks for at once. */
#define LISTING_MAX (1u << 20)

void op_opendir(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file)
{
	struct tree *tree = tree_of(request);
	int directory = tree_fd(tree, node), fd = -1;
	int64_t handle;
	DIR *stream;

	if (directory >= 0)
		fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	stream = fd < 0 ? NULL : fdopendir(fd);
	if (!stream) {
		answer(request, errno);
		if (fd >= 0)
			close(fd);
		return;
	}
	handle = tree_add_open(tree, fd, stream);
	if (handle < 0) {
		closedir(stream);
		answer(request, ENOMEM);
		return;
	}
	file->fh = (uint64_t)handle;
	fuse_reply_open(request, file);
}

struct listing {
	fuse_req_t request;
	fuse_ino_t node;
	bool plus;
	char *buffer;
	size_t size;
	size_t used;
};

/* false: no room for it. */
static bool add_plain(struct listing *listing, const struct dirent *d)
{
	struct stat stat = {.st_ino = d->d_ino, .st_mode = (mode_t)d->d_type << 12};
	size_t left = listing->size - listing->used;
	size_t n = fuse_add_direntry(listing->request, listing->buffer + listing->used, left,
		d->d_name, &stat, d->d_off);

	if (n <= left)
		listing->used += n;
	return n <= left;
}

static bool add_plus(struct listing *listing, const struct dirent *d)
{
	struct tree *tree = tree_of(listing->request);
	struct fuse_entry_param entry = {.attr = {.st_ino = d->d_ino}};
	size_t left = listing->size - listing->used;
	size_t n = fuse_add_direntry_plus(listing->request, NULL, 0, d->d_name, NULL, 0);

	if (n > left)
		return false;
	/* The two that every directory has are not looked up, nor is what has gone meanwhile. */
	entry.attr.st_mode = (mode_t)d->d_type << 12;
	if (name_is_good(d->d_name) && enter(tree, listing->node, d->d_name, &entry) != 0)
		entry = (struct fuse_entry_param){
			.attr = {.st_ino = d->d_ino, .st_mode = (mode_t)d->d_type << 12}};
	listing->used += fuse_add_direntry_plus(listing->request, listing->buffer + listing->used,
		left, d->d_name, &entry, d->d_off);
	return true;
}

/* 0 or an errno; what was listed before an error is listed. */
static int list(struct listing *listing, DIR *stream)
{
	const struct dirent *d;

	for (;;) {
		errno = 0;
		d = readdir(stream);
		if (!d)
			return errno;
		if (listing->plus ? !add_plus(listing, d) : !add_plain(listing, d))
			return 0;
	}
}

/* A stream has one position; two threads may list it. */
static pthread_mutex_t stream_lock = PTHREAD_MUTEX_INITIALIZER;

static void read_directory(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset,
	const struct fuse_file_info *file, bool plus)
{
	DIR *stream = tree_open_directory(tree_of(request), file->fh);
	struct listing listing = {.request = request, .node = node, .plus = plus};
	int error;

	if (!stream) {
		answer(request, errno);
		return;
	}
	listing.size = size < LISTING_MAX ? size : LISTING_MAX;
	listing.buffer = malloc(listing.size + 1);
	if (!listing.buffer) {
		answer(request, ENOMEM);
		return;
	}
	pthread_mutex_lock(&stream_lock);
	if (offset != telldir(stream))
		seekdir(stream, offset);
	error = list(&listing, stream);
	pthread_mutex_unlock(&stream_lock);
	if (error && !listing.used)
		answer(request, error);
	else
		fuse_reply_buf(request, listing.buffer, listing.used);
	free(listing.buffer);
}

void op_readdir(
	fuse_req_t request, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *file)
{
	read_directory(request, node, size, offset, file, false);
}

void op_readdirplus(
	fuse_req_t request, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *file)
{
	read_directory(request, node, size, offset, file, true);
}

void op_fsyncdir(fuse_req_t request, fuse_ino_t node, int datasync, struct fuse_file_info *file)
{
	int fd = tree_open_fd(tree_of(request), file->fh);

	(void)node;
	answer(request, fd < 0 || (datasync ? fdatasync(fd) : fsync(fd)) < 0 ? errno : 0);
}
