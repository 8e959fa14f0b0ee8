/* SPDX-License-Identifier: MIT */
/* Messages about locks. */
#ifndef LIBRARY_LOCK_H
#define LIBRARY_LOCK_H

#include "fuse.h"

struct lock {
	const struct file *file;
	uint64_t owner;
	uint32_t flags;
	uint32_t type;
};

/* Of the first bytes of the file, or as flock() has it. */
struct fuse_lk_in lock_in(const struct lock *lock);

/* A prepared SETLK or SETLKW; NULL: none is free, or it cannot be prepared. */
struct vfs_request *lock_build(struct client *client, uint32_t opcode, const struct lock *lock);

#endif
