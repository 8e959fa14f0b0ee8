/* SPDX-License-Identifier: MIT */
/* What paths are: the targets of links, and paths without them. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "file/tree.h"
#include "file/walk.h"

static ssize_t read_link(struct vfs_node *node, char *target, size_t size)
{
	char whole[PATH_MAX];
	struct iovec iov = {.iov_base = whole, .iov_len = sizeof(whole) - 1};
	struct vfs_op op;
	int64_t n;

	if (!S_ISLNK(node->type))
		return -EINVAL;
	vfs_op_readlink(&op, node->id, &iov);
	n = vfs_fuse_call(node->fs->fuse, &op);
	if (n < 0)
		return (ssize_t)n;
	n = (int64_t)min_size((size_t)n, size);
	memcpy(target, whole, (size_t)n);
	return (ssize_t)n;
}

static ssize_t read_link_at(
	struct vfs_fs *fs, struct vfs_file *dir, const char *path, char *target, size_t size)
{
	struct vfs_walk walk;
	ssize_t r;

	if (!size)
		return -EINVAL;
	/* Of a link that is open itself (O_PATH). */
	r = vfs_walk(fs, dir, path, dir ? VFS_WALK_EMPTY : 0, 0, &walk);
	if (r < 0)
		return r;
	r = read_link(walk.node, target, size);
	if (r == -EINVAL && path && !*path)
		r = -ENOENT;
	vfs_walk_end(&walk);
	return r;
}

VFS_EXPORT ssize_t vfs_readlinkat(
	struct vfs_fs *fs, struct vfs_file *dir, const char *path, char *target, size_t size)
{
	struct vfs_call call = vfs_call_begin(fs, "readlink", path);

	return (ssize_t)vfs_call_end(&call, read_link_at(fs, dir, path, target, size));
}

VFS_EXPORT ssize_t vfs_readlink(struct vfs_fs *fs, const char *path, char *target, size_t size)
{
	return vfs_readlinkat(fs, NULL, path, target, size);
}

/* ---- realpath ---- */

/* A path that is written from its end. */
struct written {
	char text[PATH_MAX];
	size_t at;
};

static bool put_in_front(struct written *path, const char *name)
{
	size_t length = strlen(name);

	if (path->at < length + 1)
		return false;
	path->at -= length;
	memcpy(path->text + path->at, name, length);
	path->text[--path->at] = '/';
	return true;
}

/* With the tree's lock. */
static int write_path(const struct vfs_node *directory, struct written *path)
{
	while (directory != directory->fs->root) {
		const struct vfs_name *name;

		if (vfs_list_empty(&directory->names))
			return -ENOENT;
		name = vfs_list_first(&directory->names, struct vfs_name, of_node);
		if (!put_in_front(path, name->text))
			return -ENAMETOOLONG;
		directory = name->parent;
	}
	return 0;
}

static int resolve(struct vfs_fs *fs, const char *given, struct written *path)
{
	struct vfs_walk walk;
	int r = vfs_walk(fs, NULL, given, VFS_WALK_FOLLOW, 0, &walk);

	if (r < 0)
		return r;
	path->at = sizeof(path->text) - 1;
	path->text[path->at] = '\0';
	if (walk.parent && !put_in_front(path, walk.name))
		r = -ENAMETOOLONG;
	if (r == 0) {
		pthread_mutex_lock(&fs->lock);
		r = write_path(walk.parent ? walk.parent : walk.node, path);
		pthread_mutex_unlock(&fs->lock);
	}
	if (r == 0 && !path->text[path->at])
		path->text[--path->at] = '/';
	vfs_walk_end(&walk);
	return r;
}

VFS_EXPORT int vfs_realpath(struct vfs_fs *fs, const char *path, char *resolved, size_t size)
{
	struct vfs_call call = vfs_call_begin(fs, "realpath", path);
	struct written written;
	int r = resolve(fs, path, &written);

	if (r == 0 && sizeof(written.text) - written.at > size)
		r = -ERANGE;
	if (r == 0)
		memcpy(resolved, written.text + written.at, sizeof(written.text) - written.at);
	return (int)vfs_call_end(&call, r);
}
