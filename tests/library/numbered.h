/* SPDX-License-Identifier: MIT */
/* A file of numbered blocks, and reading them so that each answer shows which it is. */
#ifndef LIBRARY_NUMBERED_H
#define LIBRARY_NUMBERED_H

#include "fuse.h"

#define BLOCK_SIZE 512u

struct numbered {
	struct file file;
	unsigned int blocks;
	struct fuse_read_in in;
};

/* "numbered" in the client's directory. */
int numbered_create(struct client *client, unsigned int blocks, struct numbered *numbered);

/* For a stream: the i-th operation reads block i modulo the number of blocks. */
void numbered_make(void *numbered, unsigned int i, struct op *op);
int numbered_compare(void *numbered, unsigned int i, const struct vfs_request *request);

#endif
