/* SPDX-License-Identifier: MIT */
#include "lock.h"

struct fuse_lk_in lock_in(const struct lock *lock)
{
	return (struct fuse_lk_in){
		.fh = lock->file->fh,
		.owner = lock->owner,
		/* As kernels do, which name a process only where they set a lock. */
		.lk = {.start = 0, .end = 99, .type = lock->type},
		.lk_flags = lock->flags,
	};
}

struct vfs_request *lock_build(struct client *client, uint32_t opcode, const struct lock *lock)
{
	const struct fuse_lk_in in = lock_in(lock);
	const struct op op = {.opcode = opcode, .node = lock->file->node, .in = {PART(in)}};

	return op_build(client->queue, &op);
}
