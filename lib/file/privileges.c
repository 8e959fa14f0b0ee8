/* SPDX-License-Identifier: MIT */
/*
 * Who writes to a program that runs with somebody else's rights takes these rights away. A server
 * that has agreed to does so by itself.
 */
#include <sys/stat.h>

#include "file/cache.h"
#include "file/walk.h"

mode_t vfs_privileges(const struct fuse_attr *attr, const struct vfs_caller *caller)
{
	mode_t bits = attr->mode & S_ISUID;

	/* Without permission to execute it once meant mandatory locks, for those of its group. */
	if ((attr->mode & S_ISGID) &&
		((attr->mode & S_IXGRP) ||
			(caller->uid != 0 && !vfs_caller_in_group(caller, attr->gid))))
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

int vfs_node_remove_privileges(struct vfs_node *node, struct vfs_file *file)
{
	struct vfs_caller caller;
	struct fuse_attr attr;
	mode_t bits;
	int r;

	if (node->fs->init.flags & VFS_DATA_KILLPRIV)
		return 0;
	vfs_caller_get(&caller);
	if (caller.uid == 0)
		return 0;
	r = vfs_attr_get(node, file, false, &attr);
	if (r < 0)
		return r;
	bits = vfs_privileges(&attr, &caller);
	return bits ? set_mode(node, attr.mode & ~bits) : 0;
}

int vfs_remove_privileges(struct vfs_file *file)
{
	return vfs_node_remove_privileges(file->node, file);
}
