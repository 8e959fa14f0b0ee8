/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "file/walk.h"

/* As of <linux/limits.h>. */
#define NAME_SIZE_MAX  255u
#define VALUE_SIZE_MAX 65536u

/* What is to be done with attributes of a node. */
struct request {
	int64_t (*run)(struct vfs_node *node, const struct request *request);
	const char *name;
	const void *value; /* set */
	void *buffer;	   /* get, list */
	size_t size;
	int flags;
};

static int check_name(const char *name)
{
	size_t length = strlen(name);

	return length == 0 || length > NAME_SIZE_MAX ? -ERANGE : 0;
}

static bool is_in(const char *name, const char *space)
{
	return !strncmp(name, space, strlen(space));
}

/* Ordinary users' attributes are for files and directories, and a sticky directory's are its
 * owner's. */
static int check_user_space(struct vfs_node *node, bool change)
{
	struct fuse_attr attr;
	int r;

	if (!S_ISREG(node->type) && !S_ISDIR(node->type))
		return change ? -EPERM : -ENODATA;
	if (!S_ISDIR(node->type) || !change)
		return 0;
	r = vfs_attr_get(node, NULL, false, &attr);
	if (r < 0)
		return r;
	return attr.mode & S_ISVTX ? vfs_may_own(node) : 0;
}

static int check_rights(struct vfs_node *node, const char *name, bool change)
{
	struct vfs_caller caller;
	int r = change ? vfs_may_write_here(node->fs) : 0;

	vfs_caller_get(&caller);
	/* These the server checks, by the file's own rules. */
	if (r < 0 || is_in(name, "security.") || is_in(name, "system."))
		return r;
	if (is_in(name, "trusted.") && caller.uid != 0)
		return change ? -EPERM : -ENODATA;
	if (is_in(name, "user."))
		r = check_user_space(node, change);
	return r < 0 ? r : vfs_may(node, change ? W_OK : R_OK);
}

/* A server without attributes says that it does not know the message. */
static int64_t send(struct vfs_node *node, struct vfs_op *op)
{
	int64_t r = vfs_fuse_call(node->fs->fuse, op);

	return r == -ENOSYS ? -EOPNOTSUPP : r;
}

static int64_t set(struct vfs_node *node, const struct request *request)
{
	struct iovec iov = {
		.iov_base = (void *)(uintptr_t)request->value, .iov_len = request->size};
	struct vfs_op op;
	int64_t r = check_rights(node, request->name, true);

	if (r < 0)
		return r;
	vfs_op_setxattr(&op, node->id, request->name, &iov, request->flags);
	r = send(node, &op);
	vfs_attr_expire(node);
	return r;
}

static int64_t get(struct vfs_node *node, const struct request *request)
{
	size_t size = min_size(request->size, VALUE_SIZE_MAX);
	struct iovec iov = {.iov_base = request->buffer, .iov_len = size};
	struct vfs_op op;
	int64_t r = check_rights(node, request->name, false);

	if (r < 0)
		return r;
	vfs_op_getxattr(&op, node->id, request->name, &iov);
	return send(node, &op);
}

static int64_t list(struct vfs_node *node, const struct request *request)
{
	size_t size = min_size(request->size, VALUE_SIZE_MAX);
	struct iovec iov = {.iov_base = request->buffer, .iov_len = size};
	struct vfs_op op;
	int64_t r;

	vfs_op_listxattr(&op, node->id, &iov);
	r = send(node, &op);
	return r == -EOPNOTSUPP ? 0 : r;
}

static int64_t take_away(struct vfs_node *node, const struct request *request)
{
	struct vfs_op op;
	int64_t r = check_rights(node, request->name, true);

	if (r < 0)
		return r;
	vfs_op_removexattr(&op, node->id, request->name);
	r = send(node, &op);
	vfs_attr_expire(node);
	return r;
}

static int check(const struct request *request)
{
	if (request->flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	if (request->name && check_name(request->name) < 0)
		return -ERANGE;
	return request->run == set && request->size > VALUE_SIZE_MAX ? -E2BIG : 0;
}

static int64_t run_at(
	struct vfs_fs *fs, const char *path, int at_flags, const char *what, struct request request)
{
	struct vfs_call call = vfs_call_begin(fs, what, path);
	unsigned int how = at_flags & AT_SYMLINK_NOFOLLOW ? 0 : VFS_WALK_FOLLOW;
	struct vfs_walk walk;
	int64_t r = at_flags & ~AT_SYMLINK_NOFOLLOW ? -EINVAL : check(&request);

	if (r == 0)
		r = vfs_walk(fs, NULL, path, how, 0, &walk);
	if (r == 0) {
		r = request.run(walk.node, &request);
		vfs_walk_end(&walk);
	}
	return vfs_call_end(&call, r);
}

static int64_t run_on(struct vfs_file *file, const char *what, struct request request)
{
	struct vfs_call call = vfs_call_begin(file->fs, what, file->path);
	int64_t r = check(&request);

	if (r == 0 && (file->flags & O_PATH))
		r = -EBADF;
	if (r == 0)
		r = request.run(file->node, &request);
	return vfs_call_end(&call, r);
}

VFS_EXPORT int vfs_setxattr(struct vfs_fs *fs, const char *path, const char *name,
	const void *value, size_t size, int flags, int at_flags)
{
	return (int)run_at(fs, path, at_flags, "setxattr",
		(struct request){
			.run = set, .name = name, .value = value, .size = size, .flags = flags});
}

VFS_EXPORT ssize_t vfs_getxattr(struct vfs_fs *fs, const char *path, const char *name, void *value,
	size_t size, int at_flags)
{
	return (ssize_t)run_at(fs, path, at_flags, "getxattr",
		(struct request){.run = get, .name = name, .buffer = value, .size = size});
}

VFS_EXPORT ssize_t vfs_listxattr(
	struct vfs_fs *fs, const char *path, char *names, size_t size, int at_flags)
{
	return (ssize_t)run_at(fs, path, at_flags, "listxattr",
		(struct request){.run = list, .buffer = names, .size = size});
}

VFS_EXPORT int vfs_removexattr(struct vfs_fs *fs, const char *path, const char *name, int at_flags)
{
	return (int)run_at(fs, path, at_flags, "removexattr",
		(struct request){.run = take_away, .name = name});
}

VFS_EXPORT int vfs_fsetxattr(
	struct vfs_file *file, const char *name, const void *value, size_t size, int flags)
{
	return (int)run_on(file, "setxattr",
		(struct request){
			.run = set, .name = name, .value = value, .size = size, .flags = flags});
}

VFS_EXPORT ssize_t vfs_fgetxattr(struct vfs_file *file, const char *name, void *value, size_t size)
{
	return (ssize_t)run_on(file, "getxattr",
		(struct request){.run = get, .name = name, .buffer = value, .size = size});
}

VFS_EXPORT ssize_t vfs_flistxattr(struct vfs_file *file, char *names, size_t size)
{
	return (ssize_t)run_on(
		file, "listxattr", (struct request){.run = list, .buffer = names, .size = size});
}

VFS_EXPORT int vfs_fremovexattr(struct vfs_file *file, const char *name)
{
	return (int)run_on(file, "removexattr", (struct request){.run = take_away, .name = name});
}
