/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/fuse.h>

#include "server_dax.h"

/* Its own descriptor: what the driver opened may not be for reading and writing, or not be. */
static int open_node(struct tree *tree, uint64_t node, bool writable)
{
	int fd = tree_fd(tree, node);
	char path[40];

	if (fd < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0 || writable)
		return fd < 0 ? -errno : fd;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

typedef int (*mapper)(struct dax *dax, int fd, const struct dax_mapping *mapping);

static int set_up(struct tree *tree, struct dax *dax, const void *message, mapper map)
{
	const struct fuse_in_header *header = message;
	struct fuse_setupmapping_in in;
	struct dax_mapping mapping;
	int fd, r;

	memcpy(&in, header + 1, sizeof(in));
	mapping = (struct dax_mapping){.window_offset = in.moffset,
		.file_offset = in.foffset,
		.size = in.len,
		.writable = in.flags & FUSE_SETUPMAPPING_FLAG_WRITE};
	fd = open_node(tree, header->nodeid, mapping.writable);
	if (fd < 0)
		return fd;
	r = map(dax, fd, &mapping);
	close(fd);
	return r;
}

int server_setup_mapping(struct tree *tree, struct dax *dax, const void *message)
{
	return set_up(tree, dax, message, dax_map);
}

static int map_padded(struct dax *dax, int fd, const struct dax_mapping *mapping)
{
	uint64_t end = mapping->file_offset + mapping->size;
	struct stat stat;
	int r;

	if (fstat(fd, &stat) < 0)
		return -errno;
	if ((uint64_t)stat.st_size >= end || end > INT64_MAX || ftruncate(fd, (off_t)end) < 0)
		return -EIO;
	r = dax_map(dax, fd, mapping);
	if (ftruncate(fd, stat.st_size) < 0)
		r = -errno;
	futimens(fd, (const struct timespec[]){stat.st_atim, stat.st_mtim});
	return r;
}

int server_setup_padded_mapping(struct tree *tree, struct dax *dax, const void *message)
{
	return set_up(tree, dax, message, map_padded);
}

int server_remove_mapping(struct dax *dax, const void *message)
{
	const struct fuse_in_header *header = message;
	const char *p = (const char *)(header + 1);
	struct fuse_removemapping_one one;
	struct fuse_removemapping_in in;
	uint32_t i;
	int r = 0;

	memcpy(&in, p, sizeof(in));
	p += sizeof(in);
	for (i = 0; i < in.count && r == 0; i++, p += sizeof(one)) {
		memcpy(&one, p, sizeof(one));
		r = dax_unmap(dax, one.moffset, one.len);
	}
	return r;
}

int server_sync(struct tree *tree, struct dax *dax)
{
	int r = dax_collect(dax, -1);
	int fd = openat(tree_fd(tree, TREE_ROOT), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (r == 0 && (fd < 0 || syncfs(fd) < 0))
		r = -errno;
	if (fd >= 0)
		close(fd);
	return r;
}
