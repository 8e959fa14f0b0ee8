/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "file/data.h"
#include "file/stat.h"
#include "file/walk.h"
#include "file/window.h"

#define BLOCK_SIZE_DEFAULT 4096

/* What is not written back yet the server could not know of. */
static void write_back(struct vfs_node *node)
{
	bool dirty;

	pthread_mutex_lock(&node->fs->lock);
	dirty = node->changing > 0;
	pthread_mutex_unlock(&node->fs->lock);
	/* Whoever wrote it is told if it fails. */
	if (dirty)
		(void)vfs_data_flush(node);
	vfs_window_tell(node, NULL);
}

int vfs_stat_node(struct vfs_node *node, struct vfs_file *file, bool fresh, struct fuse_attr *attr)
{
	write_back(node);
	return vfs_attr_get(node, file, fresh, attr);
}

/* The walk may have asked just now. */
static int stat_walked(const struct vfs_walk *walk, struct fuse_attr *attr)
{
	bool changing;

	pthread_mutex_lock(&walk->node->fs->lock);
	changing = walk->node->changing > 0;
	pthread_mutex_unlock(&walk->node->fs->lock);
	if (!walk->asked || changing || atomic_load(&walk->node->dax_written))
		return vfs_stat_node(walk->node, NULL, false, attr);
	*attr = walk->attr;
	return 0;
}

static struct timespec time_of(uint64_t seconds, uint32_t nanoseconds)
{
	return (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)nanoseconds};
}

void vfs_stat_from_attr(const struct vfs_fs *fs, const struct fuse_attr *attr, struct stat *stat)
{
	*stat = (struct stat){
		.st_dev = fs->number,
		.st_ino = attr->ino,
		.st_mode = attr->mode,
		.st_nlink = attr->nlink,
		.st_uid = attr->uid,
		.st_gid = attr->gid,
		.st_rdev = makedev(attr->rdev >> 8 & 0xfff,
			(attr->rdev & 0xff) | (attr->rdev >> 12 & 0xfff00)),
		.st_size = (off_t)attr->size,
		.st_blksize = attr->blksize ? (blksize_t)attr->blksize : BLOCK_SIZE_DEFAULT,
		.st_blocks = (blkcnt_t)attr->blocks,
		.st_atim = time_of(attr->atime, attr->atimensec),
		.st_mtim = time_of(attr->mtime, attr->mtimensec),
		.st_ctim = time_of(attr->ctime, attr->ctimensec),
	};
}

static int walk_to(
	struct vfs_fs *fs, struct vfs_file *dir, const char *path, int flags, struct vfs_walk *walk)
{
	unsigned int how = flags & AT_SYMLINK_NOFOLLOW ? 0 : VFS_WALK_FOLLOW;

	if (flags & AT_EMPTY_PATH)
		how |= VFS_WALK_EMPTY;
	return vfs_walk(fs, dir, path, how, 0, walk);
}

static int stat_at(struct vfs_fs *fs, struct vfs_file *dir, const char *path, int flags,
	struct fuse_attr *attr)
{
	struct vfs_walk walk;
	int r;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
		return -EINVAL;
	r = walk_to(fs, dir, path, flags, &walk);
	if (r < 0)
		return r;
	r = stat_walked(&walk, attr);
	vfs_walk_end(&walk);
	return r;
}

VFS_EXPORT int vfs_fstatat(
	struct vfs_fs *fs, struct vfs_file *dir, const char *path, struct stat *stat, int flags)
{
	struct vfs_call call = vfs_call_begin(fs, "stat", path);
	struct fuse_attr attr;
	int r = stat_at(fs, dir, path, flags, &attr);

	if (r == 0)
		vfs_stat_from_attr(fs, &attr, stat);
	return (int)vfs_call_end(&call, r);
}

VFS_EXPORT int vfs_stat(struct vfs_fs *fs, const char *path, struct stat *stat)
{
	return vfs_fstatat(fs, NULL, path, stat, 0);
}

VFS_EXPORT int vfs_lstat(struct vfs_fs *fs, const char *path, struct stat *stat)
{
	return vfs_fstatat(fs, NULL, path, stat, AT_SYMLINK_NOFOLLOW);
}

VFS_EXPORT int vfs_fstat(struct vfs_file *file, struct stat *stat)
{
	struct vfs_call call = vfs_call_begin(file->fs, "stat", file->path);
	struct fuse_attr attr;
	int r = vfs_stat_node(file->node, file, false, &attr);

	if (r == 0)
		vfs_stat_from_attr(file->fs, &attr, stat);
	return (int)vfs_call_end(&call, r);
}

/* ---- statx ---- */

static struct statx_timestamp timestamp_of(struct timespec time)
{
	return (struct statx_timestamp){.tv_sec = time.tv_sec, .tv_nsec = (uint32_t)time.tv_nsec};
}

static void statx_from_stat(const struct stat *stat, struct statx *statx)
{
	*statx = (struct statx){
		.stx_mask = STATX_BASIC_STATS,
		.stx_blksize = (uint32_t)stat->st_blksize,
		.stx_nlink = (uint32_t)stat->st_nlink,
		.stx_uid = stat->st_uid,
		.stx_gid = stat->st_gid,
		.stx_mode = (uint16_t)stat->st_mode,
		.stx_ino = stat->st_ino,
		.stx_size = (uint64_t)stat->st_size,
		.stx_blocks = (uint64_t)stat->st_blocks,
		.stx_atime = timestamp_of(stat->st_atim),
		.stx_ctime = timestamp_of(stat->st_ctim),
		.stx_mtime = timestamp_of(stat->st_mtim),
		.stx_rdev_major = major(stat->st_rdev),
		.stx_rdev_minor = minor(stat->st_rdev),
		.stx_dev_major = major(stat->st_dev),
		.stx_dev_minor = minor(stat->st_dev),
	};
}

/* The time of birth is asked for in a message of its own, which few servers know. */
static void add_birth(struct vfs_node *node, struct statx *statx)
{
	struct vfs_op op;

	vfs_op_statx(&op, node->id, 0, STATX_BTIME);
	if (vfs_fuse_call(node->fs->fuse, &op) < 0 || !(op.answer.statx.stat.mask & STATX_BTIME))
		return;
	statx->stx_mask |= STATX_BTIME;
	statx->stx_btime.tv_sec = op.answer.statx.stat.btime.tv_sec;
	statx->stx_btime.tv_nsec = op.answer.statx.stat.btime.tv_nsec;
}

static int statx_walked(
	const struct vfs_walk *walk, int flags, unsigned int mask, struct statx *statx)
{
	struct fuse_attr attr;
	struct stat stat;
	int r;

	if (flags & AT_STATX_FORCE_SYNC)
		r = vfs_stat_node(walk->node, NULL, true, &attr);
	else
		r = stat_walked(walk, &attr);
	if (r < 0)
		return r;
	vfs_stat_from_attr(walk->node->fs, &attr, &stat);
	statx_from_stat(&stat, statx);
	if (mask & STATX_BTIME)
		add_birth(walk->node, statx);
	return 0;
}

static int check_statx(int flags, unsigned int mask)
{
	const int known = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT |
			  AT_STATX_SYNC_TYPE;

	if ((flags & ~known) || (mask & STATX__RESERVED))
		return -EINVAL;
	return (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ? -EINVAL : 0;
}

VFS_EXPORT int vfs_statx(struct vfs_fs *fs, struct vfs_file *dir, const char *path, int flags,
	unsigned int mask, struct statx *statx)
{
	struct vfs_call call = vfs_call_begin(fs, "statx", path);
	struct vfs_walk walk;
	int r = check_statx(flags, mask);

	if (r == 0)
		r = walk_to(fs, dir, path, flags, &walk);
	if (r == 0) {
		r = statx_walked(&walk, flags, mask, statx);
		vfs_walk_end(&walk);
	}
	return (int)vfs_call_end(&call, r);
}

/* ---- access ---- */

static int ask_access(struct vfs_node *node, int mode)
{
	struct vfs_op op;
	int r;

	vfs_op_access(&op, node->id, mode);
	r = (int)vfs_fuse_call(node->fs->fuse, &op);
	return r == -ENOSYS ? 0 : r;
}

static int access_walked(struct vfs_node *node, int mode)
{
	int r;

	if ((mode & W_OK) && vfs_may_write_here(node->fs) < 0)
		return -EROFS;
	r = vfs_may(node, (unsigned int)mode);
	return r == 0 && node->fs->options.server_checks ? ask_access(node, mode) : r;
}

VFS_EXPORT int vfs_faccessat(
	struct vfs_fs *fs, struct vfs_file *dir, const char *path, int mode, int flags)
{
	struct vfs_call call = vfs_call_begin(fs, "access", path);
	struct vfs_walk walk;
	int r = 0;

	if ((mode & ~(R_OK | W_OK | X_OK)) ||
		(flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_EACCESS)))
		r = -EINVAL;
	if (r == 0)
		r = walk_to(fs, dir, path, flags, &walk);
	if (r == 0) {
		r = access_walked(walk.node, mode);
		vfs_walk_end(&walk);
	}
	return (int)vfs_call_end(&call, r);
}

VFS_EXPORT int vfs_access(struct vfs_fs *fs, const char *path, int mode)
{
	return vfs_faccessat(fs, NULL, path, mode, 0);
}

/* ---- the file system ---- */

static void take_statfs(const struct vfs_fs *fs, const struct fuse_kstatfs *st, struct statvfs *out)
{
	*out = (struct statvfs){
		.f_bsize = st->bsize,
		.f_frsize = st->frsize ? st->frsize : st->bsize,
		.f_blocks = st->blocks,
		.f_bfree = st->bfree,
		.f_bavail = st->bavail,
		.f_files = st->files,
		.f_ffree = st->ffree,
		.f_favail = st->ffree,
		.f_namemax = st->namelen,
		.f_flag = fs->options.readonly ? ST_RDONLY : 0,
	};
}

VFS_EXPORT int vfs_statvfs(struct vfs_fs *fs, const char *path, struct statvfs *statvfs)
{
	struct vfs_call call = vfs_call_begin(fs, "statvfs", path);
	struct vfs_walk walk;
	struct vfs_op op;
	int r = walk_to(fs, NULL, path, 0, &walk);

	if (r == 0) {
		vfs_op_statfs(&op, walk.node->id);
		r = (int)vfs_fuse_call(fs->fuse, &op);
		vfs_walk_end(&walk);
	}
	if (r == 0)
		take_statfs(fs, &op.answer.statfs, statvfs);
	return (int)vfs_call_end(&call, r);
}
