/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include <vfs/fuse.h>

#include "between.h"

static uint32_t awaited;
static void (*next)(void);

void between(uint32_t opcode, void (*happens)(void))
{
	awaited = opcode;
	next = happens;
}

int64_t __real_vfs_fuse_call(struct vfs_fuse *fuse, struct vfs_op *op);
int64_t __wrap_vfs_fuse_call(struct vfs_fuse *fuse, struct vfs_op *op);

int64_t __wrap_vfs_fuse_call(struct vfs_fuse *fuse, struct vfs_op *op)
{
	int64_t r = __real_vfs_fuse_call(fuse, op);
	void (*happens)(void) = next;

	if (!happens || op->opcode != awaited)
		return r;
	next = NULL;
	happens();
	return r;
}
