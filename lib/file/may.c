/* SPDX-License-Identifier: MIT */
/*
 * The server does what it is told: as in a kernel, it is the client who looks whether its caller
 * may.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/walk.h"

bool vfs_caller_in_group(const struct vfs_caller *caller, gid_t gid)
{
	size_t i;

	if (caller->gid == gid)
		return true;
	for (i = 0; i < caller->num_groups; i++)
		if (caller->groups[i] == gid)
			return true;
	return false;
}

bool vfs_caller_may_all(const struct vfs_fs *fs, struct vfs_caller *caller)
{
	vfs_caller_get(caller);
	return caller->uid == 0 || fs->options.server_checks;
}

int vfs_attr_to_judge(struct vfs_node *node, struct vfs_caller *caller, struct fuse_attr *attr)
{
	int r;

	if (vfs_caller_may_all(node->fs, caller))
		return 0;
	r = vfs_attr_get(node, NULL, false, attr);
	return r < 0 ? r : 1;
}

static unsigned int granted(const struct vfs_caller *caller, const struct fuse_attr *attr)
{
	if (caller->uid == attr->uid)
		return attr->mode >> 6 & 7;
	if (vfs_caller_in_group(caller, attr->gid))
		return attr->mode >> 3 & 7;
	return attr->mode & 7;
}

/* He may all, but for executing what nobody may. */
static unsigned int granted_to_root(const struct vfs_node *node, const struct fuse_attr *attr)
{
	if (S_ISDIR(node->type) || (attr->mode & 0111))
		return R_OK | W_OK | X_OK;
	return R_OK | W_OK;
}

int vfs_may(struct vfs_node *node, unsigned int mask)
{
	struct vfs_caller caller;
	struct fuse_attr attr;
	int r;

	vfs_caller_get(&caller);
	if (!mask || node->fs->options.server_checks)
		return 0;
	if (caller.uid == 0 && (S_ISDIR(node->type) || !(mask & X_OK)))
		return 0;
	r = vfs_attr_get(node, NULL, false, &attr);
	if (r < 0)
		return r;
	if (caller.uid == 0)
		return mask & ~granted_to_root(node, &attr) ? -EACCES : 0;
	return mask & ~granted(&caller, &attr) ? -EACCES : 0;
}

int vfs_may_write_here(const struct vfs_fs *fs)
{
	return fs->options.readonly ? -EROFS : 0;
}

int vfs_may_change(struct vfs_node *directory)
{
	int r = vfs_may_write_here(directory->fs);

	return r < 0 ? r : vfs_may(directory, W_OK | X_OK);
}

int vfs_mode_of_new(struct vfs_node *directory, mode_t *mode)
{
	const mode_t runs = S_ISGID | S_IXGRP;
	struct vfs_caller caller;
	struct fuse_attr attr;
	int r;

	if ((*mode & runs) != runs)
		return 0;
	r = vfs_attr_to_judge(directory, &caller, &attr);
	if (r > 0 && (attr.mode & S_ISGID) && !vfs_caller_in_group(&caller, attr.gid))
		*mode &= ~(mode_t)S_ISGID;
	return r < 0 ? r : 0;
}

int vfs_may_own(struct vfs_node *node)
{
	struct vfs_caller caller;
	struct fuse_attr attr;
	int r = vfs_attr_to_judge(node, &caller, &attr);

	if (r <= 0)
		return r;
	return attr.uid == caller.uid ? 0 : -EPERM;
}

/* Who owns the directory may remove from it whatever he likes. */
static int check_sticky(struct vfs_node *directory, struct vfs_node *node)
{
	struct fuse_attr attr;
	int r = vfs_attr_get(directory, NULL, false, &attr);

	if (r < 0)
		return r;
	if (!(attr.mode & S_ISVTX) || vfs_may_own(directory) == 0)
		return 0;
	return vfs_may_own(node);
}

int vfs_may_remove(struct vfs_node *directory, struct vfs_node *node)
{
	struct vfs_caller caller;
	int r = vfs_may_change(directory);

	if (r < 0 || vfs_caller_may_all(directory->fs, &caller))
		return r;
	return check_sticky(directory, node);
}
