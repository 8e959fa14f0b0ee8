/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/data.h"
#include "file/open.h"
#include "file/walk.h"

/* O_LARGEFILE as the kernel has it; the C library says 0 on 64 bits. */
#define LARGEFILE 0100000

#define KNOWN_FLAGS                                                                            \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC | \
		O_ASYNC | O_DIRECT | LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME |        \
		O_CLOEXEC | O_SYNC | O_PATH | O_TMPFILE)

/* What is the server's business; the others are dealt with here. */
#define SENT_FLAGS \
	(O_ACCMODE | O_APPEND | O_TRUNC | O_EXCL | O_SYNC | O_DSYNC | O_NOATIME | O_DIRECTORY)

/* How often a file may come and go between looking for it and making it. */
#define TRIES 8u

static bool is_tmpfile(int flags)
{
	return (flags & O_TMPFILE) == O_TMPFILE;
}

static bool reads(int flags)
{
	return (flags & O_ACCMODE) != O_WRONLY;
}

static bool writes(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY;
}

static int check_how(const struct vfs_open_how *how)
{
	int flags = how->flags;

	if ((flags & O_ACCMODE) == O_ACCMODE && !(flags & O_PATH))
		return -EINVAL;
	if (is_tmpfile(flags))
		return writes(flags) && !(flags & O_CREAT) ? 0 : -EINVAL;
	if ((flags & O_CREAT) && (flags & O_DIRECTORY))
		return -EINVAL;
	return 0;
}

/*
 * Writing back may have to read first, and puts data where it belongs by itself. The server opens
 * files with its own rights, so it will.
 */
static int flags_to_send(const struct vfs_fs *fs, int flags)
{
	int sent = flags & SENT_FLAGS;

	if (is_tmpfile(flags))
		sent = flags & (O_ACCMODE | O_EXCL | O_APPEND);
	if (!(fs->init.flags & FUSE_ATOMIC_O_TRUNC))
		sent &= ~O_TRUNC;
	if (!fs->options.writeback)
		return sent;
	sent &= ~O_APPEND;
	if ((sent & O_ACCMODE) == O_WRONLY)
		sent = (sent & ~O_ACCMODE) | O_RDWR;
	return sent;
}

static int check_type(const struct vfs_node *node, int flags)
{
	if ((flags & O_DIRECTORY) && !S_ISDIR(node->type))
		return -ENOTDIR;
	if (S_ISLNK(node->type))
		return -ELOOP;
	return S_ISDIR(node->type) && (writes(flags) || (flags & (O_CREAT | O_TRUNC))) ? -EISDIR
										       : 0;
}

/* Pipes, sockets and devices are this machine's, not the server's. */
static int check_openable(const struct vfs_node *node)
{
	if (S_ISREG(node->type) || S_ISDIR(node->type))
		return 0;
	return S_ISSOCK(node->type) ? -ENXIO : -EOPNOTSUPP;
}

static int check_access(struct vfs_node *node, int flags)
{
	unsigned int mask = 0;
	int r = 0;

	if (reads(flags))
		mask |= R_OK;
	if (writes(flags) || (flags & O_TRUNC))
		mask |= W_OK;
	if (mask & W_OK)
		r = vfs_may_write_here(node->fs);
	if (r == 0)
		r = vfs_may(node, mask);
	if (r == 0 && (flags & O_NOATIME))
		r = vfs_may_own(node);
	return r;
}

static int cut(struct vfs_file *file, struct vfs_node *node)
{
	struct fuse_setattr_in in = {.valid = FATTR_SIZE};
	struct vfs_op op;

	vfs_op_setattr(&op, node->id, &in);
	return (int)vfs_fuse_call(file->fs->fuse, &op);
}

/* By OPEN, or after it if the server's OPEN does not. */
static int open_and_cut(struct vfs_file *file, struct vfs_node *node)
{
	int r = vfs_data_begin_change(node);

	if (r == 0)
		r = vfs_node_remove_privileges(node, NULL);
	if (r == 0)
		r = vfs_file_send_open(file, node);
	if (r == 0 && !(file->sent_flags & O_TRUNC)) {
		r = cut(file, node);
		if (r < 0)
			vfs_file_release(file, node);
	}
	if (r == 0)
		vfs_attr_resize(node, 0);
	vfs_data_end_change(node, 0, UINT64_MAX);
	return r;
}

static int open_node(struct vfs_file *file, struct vfs_node *node)
{
	bool truncates = (file->flags & O_TRUNC) && S_ISREG(node->type);
	int r = check_type(node, file->flags);

	if (r == 0)
		r = check_access(node, file->flags);
	if (r == 0)
		r = check_openable(node);
	if (r == 0)
		r = truncates ? open_and_cut(file, node) : vfs_file_send_open(file, node);
	if (r < 0)
		return r;
	vfs_file_add(file, vfs_node_get(node));
	return S_ISREG(node->type) ? vfs_data_open(file, truncates) : 0;
}

static int open_path(struct vfs_file *file, const struct vfs_walk *walk)
{
	if ((file->flags & O_DIRECTORY) && !S_ISDIR(walk->node->type))
		return -ENOTDIR;
	file->flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW;
	vfs_file_add(file, vfs_node_get(walk->node));
	return 0;
}

static int make_there(struct vfs_file *file, const struct vfs_walk *walk, mode_t mode)
{
	int r = vfs_may_change(walk->parent);

	if (r == 0)
		r = vfs_mode_of_new(walk->parent, &mode);
	if (r == 0)
		r = vfs_file_make(file, walk, mode);
	return r < 0 ? r : vfs_data_open(file, true);
}

static int create_there(struct vfs_file *file, const struct vfs_walk *walk, mode_t mode)
{
	if (!walk->node)
		return make_there(file, walk, mode);
	return file->flags & O_EXCL ? -EEXIST : open_node(file, walk->node);
}

static int make_unnamed(struct vfs_file *file, const struct vfs_walk *walk, mode_t mode)
{
	int r;

	if (!S_ISDIR(walk->node->type))
		return -ENOTDIR;
	r = vfs_may_change(walk->node);
	if (r == 0)
		r = vfs_mode_of_new(walk->node, &mode);
	if (r == 0)
		r = vfs_file_make_unnamed(file, walk->node, mode);
	return r < 0 ? r : vfs_data_open(file, true);
}

static unsigned int walk_flags(int flags)
{
	unsigned int walk = flags & O_NOFOLLOW ? 0 : VFS_WALK_FOLLOW;

	if (!(flags & O_CREAT) || (flags & O_PATH))
		return walk;
	/* With O_EXCL a link is something that is there. */
	return (flags & O_EXCL ? 0 : walk) | VFS_WALK_MAY_MISS;
}

static int open_once(struct vfs_file *file, struct vfs_file *dir, const char *path,
	const struct vfs_open_how *how)
{
	struct vfs_walk walk;
	int r = vfs_walk(file->fs, dir, path, walk_flags(how->flags), how->resolve, &walk);

	if (r < 0)
		return r;
	if (how->flags & O_PATH)
		r = open_path(file, &walk);
	else if (is_tmpfile(how->flags))
		r = make_unnamed(file, &walk, how->mode);
	else if (how->flags & O_CREAT)
		r = create_there(file, &walk, how->mode);
	else
		r = open_node(file, walk.node);
	vfs_walk_end(&walk);
	return r;
}

/* Somebody else has made the file in between, or has removed it. */
static bool is_worth_another_try(const struct vfs_open_how *how, int error)
{
	if (!(how->flags & O_CREAT) || (how->flags & (O_EXCL | O_PATH)))
		return false;
	return error == -EEXIST;
}

int vfs_file_open(struct vfs_fs *fs, struct vfs_file *dir, const char *path,
	const struct vfs_open_how *how, struct vfs_file **result)
{
	struct vfs_file *file;
	unsigned int i;
	int r = check_how(how);

	if (r < 0)
		return r;
	file = vfs_file_create(fs, path ? path : "", how->flags & KNOWN_FLAGS);
	if (!file)
		return -ENOMEM;
	file->sent_flags = flags_to_send(fs, how->flags);
	r = open_once(file, dir, path, how);
	for (i = 1; i < TRIES && is_worth_another_try(how, r); i++)
		r = open_once(file, dir, path, how);
	if (r < 0 && file->node)
		(void)vfs_close(file);
	else if (r < 0)
		vfs_file_destroy(file);
	else
		*result = file;
	return r;
}

VFS_EXPORT int vfs_openat(struct vfs_fs *fs, struct vfs_file *dir, const char *path, int flags,
	mode_t mode, struct vfs_file **result)
{
	struct vfs_call call = vfs_call_begin(fs, "open", path);
	struct vfs_open_how how = {.flags = flags, .mode = mode};

	return (int)vfs_call_end(&call, vfs_file_open(fs, dir, path, &how, result));
}

VFS_EXPORT int vfs_open(
	struct vfs_fs *fs, const char *path, int flags, mode_t mode, struct vfs_file **result)
{
	return vfs_openat(fs, NULL, path, flags, mode, result);
}

VFS_EXPORT int vfs_creat(struct vfs_fs *fs, const char *path, mode_t mode, struct vfs_file **result)
{
	return vfs_open(fs, path, O_CREAT | O_WRONLY | O_TRUNC, mode, result);
}

#define KNOWN_RESOLVE                                                                      \
	(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | \
		RESOLVE_IN_ROOT | RESOLVE_CACHED)

/* It refuses what open(2) takes no notice of. */
static int check_openat2(const struct open_how *how, size_t size)
{
	bool makes = (how->flags & O_CREAT) || (how->flags & O_TMPFILE) == O_TMPFILE;

	if (size < sizeof(*how))
		return -EINVAL;
	if (size > sizeof(*how))
		return -E2BIG;
	if (how->flags & ~(uint64_t)KNOWN_FLAGS || how->resolve & ~(uint64_t)KNOWN_RESOLVE)
		return -EINVAL;
	if ((how->resolve & RESOLVE_BENEATH) && (how->resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	return how->mode & ~07777ull || (how->mode && !makes) ? -EINVAL : 0;
}

VFS_EXPORT int vfs_openat2(struct vfs_fs *fs, struct vfs_file *dir, const char *path,
	const struct open_how *how, size_t size, struct vfs_file **result)
{
	struct vfs_call call = vfs_call_begin(fs, "open", path);
	struct vfs_open_how checked;
	int r = check_openat2(how, size);

	if (r == 0) {
		checked = (struct vfs_open_how){.flags = (int)how->flags,
			.mode = (mode_t)how->mode,
			.resolve = how->resolve};
		r = vfs_file_open(fs, dir, path, &checked, result);
	}
	return (int)vfs_call_end(&call, r);
}

static bool is_posix_locked(struct vfs_node *node)
{
	struct vfs_file *file;
	bool locked = false;

	pthread_mutex_lock(&node->fs->lock);
	vfs_list_for_each(file, &node->files, struct vfs_file, of_node)
		locked = locked || atomic_load(&file->posix_locked);
	pthread_mutex_unlock(&node->fs->lock);
	return locked;
}

/* So that the server can say what went wrong with what was written, and ends POSIX locks. */
static int send_flush(struct vfs_file *file)
{
	struct vfs_op op;
	int r;

	if (!file->has_handle || !S_ISREG(file->node->type))
		return 0;
	if (!writes(file->sent_flags) && !is_posix_locked(file->node))
		return 0;
	vfs_op_flush(&op, file->node->id, file->fh, vfs_lock_owner(file->fs));
	r = (int)vfs_fuse_call(file->fs->fuse, &op);
	return r == -ENOSYS ? 0 : r;
}

static int close_file(struct vfs_file *file)
{
	int r = S_ISREG(file->node->type) && file->has_handle ? vfs_data_close(file) : 0;
	int flushed = send_flush(file);

	vfs_file_end_locks(file);
	vfs_file_release(file, file->node);
	return r < 0 ? r : flushed;
}

VFS_EXPORT int vfs_close(struct vfs_file *file)
{
	struct vfs_call call;
	int r;

	if (!file)
		return 0;
	call = vfs_call_begin(file->fs, "close", file->path);
	r = (int)vfs_call_end(&call, close_file(file));
	vfs_file_destroy(file);
	return r;
}
