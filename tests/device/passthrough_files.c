/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "passthrough.h"

#define READ_MAX (1u << 20)

/*
 * Buffers of the driver are not aligned as O_DIRECT wants them, and what creates a file has its
 * flags already applied.
 */
static int open_flags(fuse_req_t request, const struct fuse_file_info *file)
{
	int flags = (file->flags & ~(O_NOFOLLOW | O_DIRECT | O_CREAT | O_EXCL)) | O_CLOEXEC;

	if (!served_by(request)->writeback)
		return flags;
	/* The driver says where, and reads what it writes to a part of. */
	if ((flags & O_ACCMODE) == O_WRONLY)
		flags ^= O_WRONLY ^ O_RDWR;
	return flags & ~O_APPEND;
}

/* The handle into @file; 0 or an errno, then @fd is closed. */
static int add_open(struct tree *tree, int fd, struct fuse_file_info *file)
{
	int64_t handle = tree_add_open(tree, fd, NULL);

	if (handle < 0) {
		close(fd);
		return ENOMEM;
	}
	file->fh = (uint64_t)handle;
	return 0;
}

void op_open(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file)
{
	struct tree *tree = tree_of(request);
	int fd = tree_fd(tree, node);
	int error;

	if (fd >= 0)
		fd = open(fd_path(fd).name, open_flags(request, file));
	window_opened(request, fd, file->flags & O_TRUNC);
	error = fd < 0 ? errno : add_open(tree, fd, file);
	if (error)
		answer(request, error);
	else
		fuse_reply_open(request, file);
}

/* Opened before it is looked up, since its mode may not allow that afterwards. 0 or an errno. */
static int create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *file, struct fuse_entry_param *entry)
{
	struct tree *tree = tree_of(request);
	int directory = tree_fd(tree, parent), fd, error;

	if (directory < 0)
		return errno;
	if (!name_is_good(name))
		return EINVAL;
	become(fuse_req_ctx(request));
	fd = openat(directory, name,
		open_flags(request, file) | O_CREAT | O_NOFOLLOW | (file->flags & O_EXCL), mode);
	error = errno;
	become_ourselves();
	if (fd < 0)
		return error;
	window_opened(request, fd, file->flags & O_TRUNC);
	error = enter(tree, parent, name, entry);
	if (error) {
		close(fd);
		return error;
	}
	error = add_open(tree, fd, file);
	if (error)
		tree_forget(tree, entry->ino, 1);
	return error;
}

void op_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *file)
{
	struct fuse_entry_param entry;
	int error = create(request, parent, name, mode, file, &entry);

	if (error)
		answer(request, error);
	else
		fuse_reply_create(request, &entry, file);
}

void op_release(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file)
{
	(void)node;
	window_collect(request, tree_open_fd(tree_of(request), file->fh));
	lock_owners_release(served_by(request)->locks, file->fh);
	answer(request, -tree_remove_open(tree_of(request), file->fh));
}

void op_flush(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file)
{
	int fd = tree_open_fd(tree_of(request), file->fh);

	(void)node;
	window_collect(request, fd);
	/* A process that closes any descriptor of a file has no lock on it any more. */
	if (fd >= 0)
		lock_owners_drop(served_by(request)->locks, fd, file->lock_owner);
	/* What a file system says when a file is closed, it says when any copy of it is. */
	if (fd >= 0)
		fd = dup(fd);
	answer(request, fd < 0 || close(fd) < 0 ? errno : 0);
}

void op_fsync(fuse_req_t request, fuse_ino_t node, int datasync, struct fuse_file_info *file)
{
	int fd = tree_open_fd(tree_of(request), file->fh);

	(void)node;
	window_collect(request, fd);
	answer(request, fd < 0 || (datasync ? fdatasync(fd) : fsync(fd)) < 0 ? errno : 0);
}

void op_read(
	fuse_req_t request, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *file)
{
	int fd = tree_open_fd(tree_of(request), file->fh);
	size_t room = size < READ_MAX ? size : READ_MAX;
	char *buffer = malloc(room + 1);
	ssize_t n = -1;

	(void)node;
	window_collect(request, fd);
	if (!buffer)
		errno = ENOMEM;
	else if (fd >= 0)
		n = pread(fd, buffer, room, offset);
	if (n < 0)
		answer(request, errno);
	else
		fuse_reply_buf(request, buffer, (size_t)n);
	free(buffer);
}

void op_write(fuse_req_t request, fuse_ino_t node, const char *data, size_t size, off_t offset,
	struct fuse_file_info *file)
{
	int fd = tree_open_fd(tree_of(request), file->fh);
	uint64_t old_size = window_before_change(request, fd);
	ssize_t n = fd < 0 ? -1 : pwrite(fd, data, size, offset);

	(void)node;
	window_after_change(request, fd, old_size, (uint64_t)offset, (uint64_t)offset + size);
	if (n < 0)
		answer(request, errno);
	else
		fuse_reply_write(request, (size_t)n);
}

void op_fallocate(fuse_req_t request, fuse_ino_t node, int mode, off_t offset, off_t length,
	struct fuse_file_info *file)
{
	int fd = tree_open_fd(tree_of(request), file->fh);
	uint64_t old_size = window_before_change(request, fd);
	/* These replace what is there, and may move what is behind it. */
	uint64_t from = mode & ~FALLOC_FL_KEEP_SIZE ? (uint64_t)offset : old_size;
	int r = fd < 0 ? -1 : fallocate(fd, mode, offset, length);

	(void)node;
	window_after_change(request, fd, old_size, from, UINT64_MAX);
	answer(request, r < 0 ? errno : 0);
}

void op_lseek(
	fuse_req_t request, fuse_ino_t node, off_t offset, int whence, struct fuse_file_info *file)
{
	int fd = tree_open_fd(tree_of(request), file->fh);
	off_t found;

	(void)node;
	window_collect(request, fd);
	found = fd < 0 ? -1 : lseek(fd, offset, whence);
	if (found < 0)
		answer(request, errno);
	else
		fuse_reply_lseek(request, found);
}

void op_copy_file_range(fuse_req_t request, fuse_ino_t node_in, off_t offset_in,
	struct fuse_file_info *in, fuse_ino_t node_out, off_t offset_out,
	struct fuse_file_info *out, size_t length, int flags)
{
	struct tree *tree = tree_of(request);
	int from = tree_open_fd(tree, in->fh), to = tree_open_fd(tree, out->fh);
	uint64_t old_size = window_before_change(request, to), start = (uint64_t)offset_out;
	ssize_t n = -1;

	(void)node_in;
	(void)node_out;
	window_collect(request, from);
	if (from >= 0 && to >= 0)
		n = copy_file_range(from, &offset_in, to, &offset_out, length, (unsigned int)flags);
	window_after_change(request, to, old_size, start, start + length);
	if (n < 0)
		answer(request, errno);
	else
		fuse_reply_write(request, (size_t)n);
}
