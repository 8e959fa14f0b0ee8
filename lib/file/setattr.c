/* SPDX-License-Identifier: MIT */
/* chmod, chown, utimens, truncate. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/data.h"
#include "file/walk.h"
#include "file/window.h"

#define NS_PER_S 1000000000l

static int send(struct vfs_node *node, struct fuse_setattr_in *in)
{
	uint64_t asked;
	struct vfs_op op;
	int r;

	vfs_attr_expire(node);
	asked = vfs_attr_version(node->fs);
	vfs_op_setattr(&op, node->id, in);
	r = (int)vfs_fuse_call(node->fs->fuse, &op);
	if (r == 0)
		vfs_attr_store(node, &op.answer.attr.attr, op.answer.attr.attr_valid,
			op.answer.attr.attr_valid_nsec, asked);
	return r;
}

/* ---- chmod ---- */

/* Who is not in the file's group cannot have a program run as that group. */
static int mode_for(struct vfs_node *node, mode_t *mode)
{
	struct vfs_caller caller;
	struct fuse_attr attr;
	int r;

	if (!(*mode & S_ISGID))
		return 0;
	r = vfs_attr_to_judge(node, &caller, &attr);
	if (r > 0 && !vfs_caller_in_group(&caller, attr.gid))
		*mode &= ~(mode_t)S_ISGID;
	return r < 0 ? r : 0;
}

static int change_mode(struct vfs_node *node, mode_t mode)
{
	struct fuse_setattr_in in = {.valid = FATTR_MODE};
	int r = vfs_may_write_here(node->fs);

	if (r == 0 && S_ISLNK(node->type))
		r = -EOPNOTSUPP;
	if (r == 0)
		r = vfs_may_own(node);
	if (r == 0)
		r = mode_for(node, &mode);
	if (r < 0)
		return r;
	in.mode = node->type | (mode & 07777);
	return send(node, &in);
}

/* ---- chown ---- */

static int check_owner(
	const struct fuse_attr *attr, const struct vfs_caller *caller, uid_t uid, gid_t gid)
{
	if (attr->uid != caller->uid || (uid != (uid_t)-1 && uid != attr->uid))
		return uid == (uid_t)-1 && gid == (gid_t)-1 ? 0 : -EPERM;
	return gid == (gid_t)-1 || gid == attr->gid || vfs_caller_in_group(caller, gid) ? 0
											: -EPERM;
}

/* A server takes set-ID bits away by its own rights: to it nobody is outside of the file's group.
 */
static void drop_privileges(const struct vfs_node *node, const struct fuse_attr *attr,
	const struct vfs_caller *caller, struct fuse_setattr_in *in)
{
	mode_t bits = S_ISDIR(node->type) ? 0 : vfs_privileges(attr, caller);

	if (!bits)
		return;
	in->valid |= FATTR_MODE;
	in->mode = attr->mode & ~bits;
}

/* Nothing changes but set-ID bits, which are taken away. The server does that if it is asked at
 * all. */
static int keep_owner(struct vfs_node *node)
{
	struct fuse_setattr_in in = {.valid = FATTR_UID};
	struct vfs_caller caller;
	struct fuse_attr attr;
	int r = S_ISDIR(node->type) ? 0 : vfs_attr_get(node, NULL, false, &attr);

	vfs_caller_get(&caller);
	if (r < 0 || S_ISDIR(node->type) || !vfs_privileges(&attr, &caller))
		return r;
	r = vfs_may_own(node);
	in.uid = attr.uid;
	return r < 0 ? r : send(node, &in);
}

static int change_owner(struct vfs_node *node, uid_t uid, gid_t gid)
{
	struct fuse_setattr_in in = {.uid = uid, .gid = gid};
	struct vfs_caller caller;
	struct fuse_attr attr;
	bool judged;
	int r = vfs_may_write_here(node->fs);

	if (r == 0)
		r = vfs_attr_to_judge(node, &caller, &attr);
	judged = r > 0;
	if (judged)
		r = check_owner(&attr, &caller, uid, gid);
	if (r < 0)
		return r;
	if (uid != (uid_t)-1)
		in.valid |= FATTR_UID;
	if (gid != (gid_t)-1)
		in.valid |= FATTR_GID;
	if (!in.valid)
		return keep_owner(node);
	if (judged)
		drop_privileges(node, &attr, &caller, &in);
	return send(node, &in);
}

/* ---- utimens ---- */

static bool is_time(const struct timespec *time)
{
	return time->tv_nsec == UTIME_NOW || time->tv_nsec == UTIME_OMIT ||
	       (time->tv_nsec >= 0 && time->tv_nsec < NS_PER_S);
}

static void set_atime(struct fuse_setattr_in *in, const struct timespec *time)
{
	if (time->tv_nsec == UTIME_OMIT)
		return;
	in->valid |= FATTR_ATIME | (time->tv_nsec == UTIME_NOW ? FATTR_ATIME_NOW : 0);
	in->atime = (uint64_t)time->tv_sec;
	in->atimensec = time->tv_nsec == UTIME_NOW ? 0 : (uint32_t)time->tv_nsec;
}

static void set_mtime(struct fuse_setattr_in *in, const struct timespec *time)
{
	if (time->tv_nsec == UTIME_OMIT)
		return;
	in->valid |= FATTR_MTIME | (time->tv_nsec == UTIME_NOW ? FATTR_MTIME_NOW : 0);
	in->mtime = (uint64_t)time->tv_sec;
	in->mtimensec = time->tv_nsec == UTIME_NOW ? 0 : (uint32_t)time->tv_nsec;
}

/* Both to the present anybody may set who may write; any other time its owner only. */
static int check_times(struct vfs_node *node, const struct timespec times[2])
{
	int r = vfs_may_write_here(node->fs);

	if (r < 0)
		return r;
	r = vfs_may_own(node);
	if (r == -EPERM && times[0].tv_nsec == UTIME_NOW && times[1].tv_nsec == UTIME_NOW)
		return vfs_may(node, W_OK);
	return r;
}

/* Then there is nothing to do, and nobody looks whether the file is there. */
static bool omits_both(const struct timespec *times)
{
	return times && times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT;
}

static int change_times(struct vfs_node *node, const struct timespec given[2])
{
	static const struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
	const struct timespec *times = given ? given : now;
	struct fuse_setattr_in in = {0};
	int r;

	if (!is_time(&times[0]) || !is_time(&times[1]))
		return -EINVAL;
	set_atime(&in, &times[0]);
	set_mtime(&in, &times[1]);
	r = check_times(node, times);
	if (r < 0)
		return r;
	/* What is written back later would be a later change. */
	(void)vfs_data_flush(node);
	vfs_window_tell(node, NULL);
	/* Nor is it to be told after this, if it was not heard. */
	if (in.valid & FATTR_MTIME)
		atomic_store(&node->dax_written, false);
	return send(node, &in);
}

/* ---- truncate ---- */

static bool server_drops_privileges(const struct vfs_fs *fs)
{
	struct vfs_caller caller;

	vfs_caller_get(&caller);
	return (fs->init.flags & FUSE_HANDLE_KILLPRIV_V2) && caller.uid != 0;
}

static int change_size(struct vfs_node *node, struct vfs_file *file, off_t length)
{
	struct fuse_setattr_in in = {.valid = FATTR_SIZE, .size = (uint64_t)length};
	uint64_t size;
	int r = vfs_data_begin_change(node);

	size = vfs_attr_size(node);
	if (server_drops_privileges(node->fs))
		in.valid |= FATTR_KILL_SUIDGID;
	/* As it was opened for writing, whatever its mode has become. */
	if (file && file->has_handle) {
		in.valid |= FATTR_FH;
		in.fh = file->fh;
	}
	if (r == 0)
		r = vfs_node_remove_privileges(node, file);
	if (r == 0)
		r = send(node, &in);
	if (r == 0)
		vfs_attr_resize(node, in.size);
	vfs_data_end_change(node, size < in.size ? size : in.size, UINT64_MAX);
	return r;
}

static int truncate_node(struct vfs_node *node, off_t length)
{
	int r = 0;

	if (!S_ISREG(node->type))
		return S_ISDIR(node->type) ? -EISDIR : -EINVAL;
	r = vfs_may(node, W_OK);
	if (r == 0)
		r = vfs_may_write_here(node->fs);
	return r < 0 ? r : change_size(node, NULL, length);
}

VFS_EXPORT int vfs_ftruncate(struct vfs_file *file, off_t length)
{
	struct vfs_call call = vfs_call_begin(file->fs, "truncate", file->path);
	int r = 0;

	if (length < 0)
		r = -EINVAL;
	else if (file->flags & O_PATH)
		r = -EBADF;
	else if (!S_ISREG(file->node->type) || vfs_file_check_write(file) < 0)
		r = -EINVAL;
	if (r == 0)
		r = change_size(file->node, file, length);
	return (int)vfs_call_end(&call, r);
}

/* ---- by path ---- */

/* What is to be done to a node. */
struct change {
	int (*apply)(struct vfs_node *node, const struct change *change);
	mode_t mode;
	uid_t uid;
	gid_t gid;
	const struct timespec *times;
	off_t length;
};

static int apply_mode(struct vfs_node *node, const struct change *change)
{
	return change_mode(node, change->mode);
}

static int apply_owner(struct vfs_node *node, const struct change *change)
{
	return change_owner(node, change->uid, change->gid);
}

static int apply_times(struct vfs_node *node, const struct change *change)
{
	return change_times(node, change->times);
}

static int apply_length(struct vfs_node *node, const struct change *change)
{
	return truncate_node(node, change->length);
}

static int change_at(struct vfs_fs *fs, struct vfs_file *dir, const char *path, int flags,
	const struct change *change)
{
	unsigned int how = flags & AT_SYMLINK_NOFOLLOW ? 0 : VFS_WALK_FOLLOW;
	struct vfs_walk walk;
	int r;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		how |= VFS_WALK_EMPTY;
	r = vfs_walk(fs, dir, path, how, 0, &walk);
	if (r < 0)
		return r;
	r = change->apply(walk.node, change);
	vfs_walk_end(&walk);
	return r;
}

VFS_EXPORT int vfs_fchmodat(
	struct vfs_fs *fs, struct vfs_file *dir, const char *path, mode_t mode, int flags)
{
	struct vfs_call call = vfs_call_begin(fs, "chmod", path);
	struct change change = {.apply = apply_mode, .mode = mode};

	return (int)vfs_call_end(&call, change_at(fs, dir, path, flags, &change));
}

VFS_EXPORT int vfs_chmod(struct vfs_fs *fs, const char *path, mode_t mode)
{
	return vfs_fchmodat(fs, NULL, path, mode, 0);
}

VFS_EXPORT int vfs_fchownat(
	struct vfs_fs *fs, struct vfs_file *dir, const char *path, uid_t uid, gid_t gid, int flags)
{
	struct vfs_call call = vfs_call_begin(fs, "chown", path);
	struct change change = {.apply = apply_owner, .uid = uid, .gid = gid};

	return (int)vfs_call_end(&call, change_at(fs, dir, path, flags, &change));
}

VFS_EXPORT int vfs_chown(struct vfs_fs *fs, const char *path, uid_t uid, gid_t gid)
{
	return vfs_fchownat(fs, NULL, path, uid, gid, 0);
}

VFS_EXPORT int vfs_lchown(struct vfs_fs *fs, const char *path, uid_t uid, gid_t gid)
{
	return vfs_fchownat(fs, NULL, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

VFS_EXPORT int vfs_utimensat(struct vfs_fs *fs, struct vfs_file *dir, const char *path,
	const struct timespec times[2], int flags)
{
	struct vfs_call call = vfs_call_begin(fs, "utimens", path);
	struct change change = {.apply = apply_times, .times = times};

	int r = omits_both(times) ? 0 : change_at(fs, dir, path, flags, &change);

	return (int)vfs_call_end(&call, r);
}

VFS_EXPORT int vfs_truncate(struct vfs_fs *fs, const char *path, off_t length)
{
	struct vfs_call call = vfs_call_begin(fs, "truncate", path);
	struct change change = {.apply = apply_length, .length = length};
	int r = length < 0 ? -EINVAL : change_at(fs, NULL, path, 0, &change);

	return (int)vfs_call_end(&call, r);
}

/* ---- of an open file ---- */

static int check_open(const struct vfs_file *file)
{
	return file->flags & O_PATH ? -EBADF : 0;
}

VFS_EXPORT int vfs_fchmod(struct vfs_file *file, mode_t mode)
{
	struct vfs_call call = vfs_call_begin(file->fs, "chmod", file->path);
	int r = check_open(file);

	return (int)vfs_call_end(&call, r < 0 ? r : change_mode(file->node, mode));
}

VFS_EXPORT int vfs_fchown(struct vfs_file *file, uid_t uid, gid_t gid)
{
	struct vfs_call call = vfs_call_begin(file->fs, "chown", file->path);
	int r = check_open(file);

	return (int)vfs_call_end(&call, r < 0 ? r : change_owner(file->node, uid, gid));
}

VFS_EXPORT int vfs_futimens(struct vfs_file *file, const struct timespec times[2])
{
	struct vfs_call call = vfs_call_begin(file->fs, "utimens", file->path);
	int r = omits_both(times) ? 0 : check_open(file);

	if (r == 0 && !omits_both(times))
		r = change_times(file->node, times);
	return (int)vfs_call_end(&call, r);
}
