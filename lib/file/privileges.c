/* SPDX-License-Identifier: MIT */
/*
 * Who writes to a program that runs with somebody else's rights takes these rights away. A server
 * that has agreed to does so by itself.
 */
#include <sys/stat.h>

#include "file/cache.h"

static mode_t privileges(mode_t mode)
{
	mode_t bits = mode & S_ISUID;

	/* Without permission to execute it once meant mandatory locks. */
	if ((mode & S_ISGID) && (mode & S_IXGRP))
		bits |= S_ISGID;
	return bits;
}

static int set_mode(struct vfs_node *node, mode_t mode)
{
	const struct fuse_setattr_in in = {.valid = FATTR_MODE, .mode = mode};
	struct vfs_op op;
	int64_t r;

	vfs_op_setattr(&op, node->id, &in);
	r = vfs_fuse_call(node->fs->fuse, &op);
	vfs_attr_expire(node);
	return (int)r;
}

int vfs_remove_privileges(struct vfs_file *file)
{
	struct vfs_caller caller;
	struct fuse_attr attr;
	int r;

	if (file->fs->init.flags & VFS_DATA_KILLPRIV)
		return 0;
	vfs_caller_get(&caller);
	if (caller.uid == 0)
		return 0;
	r = vfs_attr_get(file->node, file, false, &attr);
	if (r < 0 || !privileges(attr.mode))
		return r;
	return set_mode(file->node, attr.mode & ~privileges(attr.mode));
}
