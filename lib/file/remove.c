/* SPDX-License-Identifier: MIT */
/* Names that go: unlink, rmdir. */
#include <errno.h>
#include <sys/stat.h>

#include "file/tree.h"
#include "file/walk.h"

static int check_last(const struct vfs_walk *walk, bool directory)
{
	switch (walk->last) {
	case VFS_WALK_NAME:
		return 0;
	case VFS_WALK_DOT:
		return directory ? -EINVAL : -EISDIR;
	case VFS_WALK_DOT_DOT:
		return directory ? -ENOTEMPTY : -EISDIR;
	default:
		return directory ? -EBUSY : -EISDIR;
	}
}

static int check_node(const struct vfs_walk *walk, struct vfs_node *node, bool directory)
{
	int r;

	/* A slash is for directories, and those are not for unlink. */
	if (!directory && walk->slash)
		return S_ISDIR(node->type) ? -EISDIR : -ENOTDIR;
	r = vfs_may_remove(walk->parent, node);
	if (r < 0)
		return r;
	if (directory)
		return S_ISDIR(node->type) ? 0 : -ENOTDIR;
	return S_ISDIR(node->type) ? -EISDIR : 0;
}

/* The node has a name less; a directory is gone. */
static void forget_name(const struct vfs_walk *walk, struct vfs_node *node)
{
	vfs_attr_expire(node);
	(void)vfs_names_made(walk->parent, walk->name, NULL, 0, NULL);
	if (!S_ISDIR(node->type))
		return;
	pthread_mutex_lock(&node->fs->lock);
	vfs_name_end_directory(node, walk->parent);
	pthread_mutex_unlock(&node->fs->lock);
}

static int send(const struct vfs_walk *walk, struct vfs_node *node, bool directory)
{
	struct vfs_fs *fs = walk->parent->fs;
	struct vfs_op op;
	int r;

	if (directory)
		vfs_op_rmdir(&op, walk->parent->id, walk->name);
	else
		vfs_op_unlink(&op, walk->parent->id, walk->name);
	vfs_names_begin_change(walk->parent, NULL);
	r = (int)vfs_fuse_call(fs->fuse, &op);
	if (r == 0)
		forget_name(walk, node);
	else
		vfs_names_end_change(walk->parent, NULL);
	return r;
}

static int remove_walked(const struct vfs_walk *walk, bool directory)
{
	struct vfs_found found;
	int r = check_last(walk, directory);

	if (r == 0)
		r = vfs_lookup(walk->parent, walk->name, false, false, &found);
	if (r < 0)
		return r;
	r = check_node(walk, found.node, directory);
	if (r == 0)
		r = send(walk, found.node, directory);
	vfs_node_put(found.node);
	return r;
}

static int remove_at(struct vfs_fs *fs, struct vfs_file *dir, const char *path, bool directory)
{
	struct vfs_walk walk;
	int r = vfs_walk(fs, dir, path, VFS_WALK_PARENT, 0, &walk);

	if (r < 0)
		return r;
	r = remove_walked(&walk, directory);
	vfs_walk_end(&walk);
	return r;
}

VFS_EXPORT int vfs_unlinkat(struct vfs_fs *fs, struct vfs_file *dir, const char *path, int flags)
{
	bool directory = (flags & AT_REMOVEDIR) != 0;
	struct vfs_call call = vfs_call_begin(fs, directory ? "rmdir" : "unlink", path);
	int r = flags & ~AT_REMOVEDIR ? -EINVAL : remove_at(fs, dir, path, directory);

	return (int)vfs_call_end(&call, r);
}

VFS_EXPORT int vfs_unlink(struct vfs_fs *fs, const char *path)
{
	return vfs_unlinkat(fs, NULL, path, 0);
}

VFS_EXPORT int vfs_rmdir(struct vfs_fs *fs, const char *path)
{
	return vfs_unlinkat(fs, NULL, path, AT_REMOVEDIR);
}
