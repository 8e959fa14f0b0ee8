/* SPDX-License-Identifier: MIT */
/*
 * A server with one file in memory, in place of the connection: what is asked is done when somebody
 * waits, in any order. It takes less than it is given, or fails, as told; so does the allocator.
 */
#ifndef STUB_FUSE_H
#define STUB_FUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "file/data.h"

#define STUB_NODE     2u
#define STUB_FILE_MAX (16u << 20)

struct stub {
	/* The file as the server has it. */
	unsigned char *bytes;
	uint64_t size;
	uint64_t mtime; /* counted up by each change */

	/* What was asked. */
	unsigned int asked[64]; /* by opcode */
	uint64_t bytes_read;
	uint32_t write_flags; /* of the last WRITE */

	/* What goes wrong. */
	bool short_writes; /* every now and then less is taken */
	bool no_writes;	   /* nothing is */
	int write_error;   /* of each WRITE; 0: none */
	int read_error;
	bool lacks_lseek;
	bool lacks_copy;
	unsigned int alloc_fails; /* one allocation in so many; 0: none */
	uint64_t attr_valid_s;

	/* After a WRITE was done, before anybody knows: with the stub's lock. NULL: nothing. */
	void (*after_write)(void);

	unsigned int seed;
};

extern struct stub stub;

/* A mount of that server, with these options. */
struct vfs_fs *stub_mount(const struct vfs_mount_options *options);
void stub_umount(struct vfs_fs *fs);

struct vfs_file *stub_open(struct vfs_fs *fs, int flags);
int stub_close(struct vfs_file *file);

/* vfs_ftruncate(), in short. */
int stub_truncate(struct vfs_file *file, uint64_t size);

/* Somebody else changes the file on the server. */
void stub_change(uint64_t offset, const void *data, size_t size);

#endif
