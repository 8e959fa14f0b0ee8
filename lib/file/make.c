/* SPDX-License-Identifier: MIT */
/* New names: mkdir, mknod, symlink, link. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/walk.h"

/* Something is there already, or cannot be: that is said before anything about rights. */
static int refuse(const struct vfs_walk *walk, int error)
{
	struct vfs_found found;
	int r = vfs_lookup(walk->parent, walk->name, false, false, &found);

	if (r == -ENOENT && !vfs_was_removed(walk->parent))
		return error;
	if (r < 0)
		return r;
	vfs_node_put(found.node);
	return -EEXIST;
}

/* May something be made where a path leads? A slash at its end is for directories. */
static int check_place(const struct vfs_walk *walk, bool directory)
{
	int r;

	if (walk->last != VFS_WALK_NAME)
		return -EEXIST;
	if (walk->slash && !directory)
		return refuse(walk, -ENOENT);
	r = vfs_may_change(walk->parent);
	return r < 0 ? refuse(walk, r) : 0;
}

/* Send @op, which makes walk->name. */
static int make(const struct vfs_walk *walk, struct vfs_op *op)
{
	struct vfs_fs *fs = walk->parent->fs;
	uint64_t asked;
	int r;

	vfs_names_begin_change(walk->parent, NULL);
	asked = vfs_attr_version(fs);
	r = (int)vfs_fuse_call(fs->fuse, op);
	if (r == 0)
		return vfs_names_made(walk->parent, walk->name, &op->answer.entry, asked, NULL);
	vfs_names_end_change(walk->parent, NULL);
	return r;
}

/* ---- mkdir ---- */

static int make_directory(struct vfs_fs *fs, struct vfs_file *dir, const char *path, mode_t mode)
{
	struct vfs_walk walk;
	struct vfs_op op;
	int r = vfs_walk(fs, dir, path, VFS_WALK_PARENT, 0, &walk);

	if (r < 0)
		return r;
	r = check_place(&walk, true);
	if (r == 0) {
		vfs_op_mkdir(&op, walk.parent->id, walk.name, mode & 01777);
		r = make(&walk, &op);
	}
	vfs_walk_end(&walk);
	return r;
}

VFS_EXPORT int vfs_mkdirat(struct vfs_fs *fs, struct vfs_file *dir, const char *path, mode_t mode)
{
	struct vfs_call call = vfs_call_begin(fs, "mkdir", path);

	return (int)vfs_call_end(&call, make_directory(fs, dir, path, mode));
}

VFS_EXPORT int vfs_mkdir(struct vfs_fs *fs, const char *path, mode_t mode)
{
	return vfs_mkdirat(fs, NULL, path, mode);
}

/* ---- mknod ---- */

static int check_type(mode_t mode, dev_t device)
{
	struct vfs_caller caller;

	switch (mode & S_IFMT) {
	case 0:
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	case S_IFCHR:
	case S_IFBLK:
		vfs_caller_get(&caller);
		/* Of device 0 anybody may make one: it marks what an overlay hides. */
		return caller.uid && !((mode & S_IFMT) == S_IFCHR && !device) ? -EPERM : 0;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

static int make_node(
	struct vfs_fs *fs, struct vfs_file *dir, const char *path, mode_t mode, dev_t device)
{
	struct vfs_walk walk;
	struct vfs_op op;
	int error = check_type(mode, device);
	int r;

	/* Whoever is not allowed to make devices hears of the path first. */
	if (error < 0 && ((mode & S_IFMT) == S_IFDIR || error == -EINVAL))
		return error;
	r = vfs_walk(fs, dir, path, VFS_WALK_PARENT, 0, &walk);
	if (r < 0)
		return r;
	r = check_place(&walk, false);
	if (r == 0 && error < 0)
		r = refuse(&walk, error);
	if (r == 0)
		r = vfs_mode_of_new(walk.parent, &mode);
	if (r == 0) {
		mode_t type = mode & S_IFMT ? mode & S_IFMT : S_IFREG;

		vfs_op_mknod(&op, walk.parent->id, walk.name, type | (mode & 07777), device);
		r = make(&walk, &op);
	}
	vfs_walk_end(&walk);
	return r;
}

VFS_EXPORT int vfs_mknodat(
	struct vfs_fs *fs, struct vfs_file *dir, const char *path, mode_t mode, dev_t device)
{
	struct vfs_call call = vfs_call_begin(fs, "mknod", path);

	return (int)vfs_call_end(&call, make_node(fs, dir, path, mode, device));
}

VFS_EXPORT int vfs_mknod(struct vfs_fs *fs, const char *path, mode_t mode, dev_t device)
{
	return vfs_mknodat(fs, NULL, path, mode, device);
}

/* ---- symlink ---- */

static int make_link(struct vfs_fs *fs, const char *target, struct vfs_file *dir, const char *path)
{
	struct vfs_walk walk;
	struct vfs_op op;
	int r;

	if (!*target)
		return -ENOENT;
	if (strlen(target) >= PATH_MAX)
		return -ENAMETOOLONG;
	r = vfs_walk(fs, dir, path, VFS_WALK_PARENT, 0, &walk);
	if (r < 0)
		return r;
	r = check_place(&walk, false);
	if (r == 0) {
		vfs_op_symlink(&op, walk.parent->id, walk.name, target);
		r = make(&walk, &op);
	}
	vfs_walk_end(&walk);
	return r;
}

VFS_EXPORT int vfs_symlinkat(
	struct vfs_fs *fs, const char *target, struct vfs_file *dir, const char *path)
{
	struct vfs_call call = vfs_call_begin(fs, "symlink", path);

	return (int)vfs_call_end(&call, make_link(fs, target, dir, path));
}

VFS_EXPORT int vfs_symlink(struct vfs_fs *fs, const char *target, const char *path)
{
	return vfs_symlinkat(fs, target, NULL, path);
}

/* ---- link ---- */

/*
 * As Linux with fs.protected_hardlinks: who does not own a file has to be able to read and write
 * it, and it must not be one that runs as somebody else.
 */
static int check_source(struct vfs_node *node)
{
	struct fuse_attr attr;
	int r;

	if (vfs_may_own(node) == 0)
		return 0;
	r = vfs_attr_get(node, NULL, false, &attr);
	if (r < 0)
		return r;
	if (!S_ISREG(attr.mode) || (attr.mode & S_ISUID) ||
		(attr.mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		return -EPERM;
	return vfs_may(node, R_OK | W_OK) < 0 ? -EPERM : 0;
}

static int link_node(struct vfs_node *node, const struct vfs_walk *to)
{
	struct vfs_op op;
	int r = to->last == VFS_WALK_NAME ? 0 : -EEXIST;

	if (r == 0 && to->slash)
		r = refuse(to, -ENOENT);
	if (r == 0 && (r = check_source(node)) < 0)
		r = refuse(to, r);
	if (r == 0)
		r = check_place(to, false);
	if (r == 0 && S_ISDIR(node->type))
		r = refuse(to, -EPERM);
	if (r < 0)
		return r;
	vfs_op_link(&op, node->id, to->parent->id, to->name);
	vfs_attr_expire(node);
	r = make(to, &op);
	return r;
}

static int link_at(struct vfs_fs *fs, struct vfs_file *from_dir, const char *from,
	struct vfs_file *to_dir, const char *to, int flags)
{
	unsigned int how = flags & AT_SYMLINK_FOLLOW ? VFS_WALK_FOLLOW : 0;
	struct vfs_walk source;
	struct vfs_walk walk;
	int r;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		how |= VFS_WALK_EMPTY;
	r = vfs_walk(fs, from_dir, from, how, 0, &source);
	if (r < 0)
		return r;
	r = vfs_walk(fs, to_dir, to, VFS_WALK_PARENT, 0, &walk);
	if (r == 0) {
		r = link_node(source.node, &walk);
		vfs_walk_end(&walk);
	}
	vfs_walk_end(&source);
	return r;
}

VFS_EXPORT int vfs_linkat(struct vfs_fs *fs, struct vfs_file *from_dir, const char *from,
	struct vfs_file *to_dir, const char *to, int flags)
{
	struct vfs_call call = vfs_call_begin(fs, "link", to);

	return (int)vfs_call_end(&call, link_at(fs, from_dir, from, to_dir, to, flags));
}

VFS_EXPORT int vfs_link(struct vfs_fs *fs, const char *from, const char *to)
{
	return vfs_linkat(fs, NULL, from, NULL, to, 0);
}
