/* SPDX-License-Identifier: MIT */
/* Attributes, extended ones, locks. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <linux/stat.h>

#include "differences.h"
#include "side.h"

static void say_stat_result(int r, const struct stat *stat, struct outcome *out)
{
	say_result(out, r);
	if (r == 0)
		say_stat(out, stat);
}

void apply_stat(struct side *side, const struct op *op, struct outcome *out)
{
	struct stat stat;
	int r = side->calls->stat(side->fs, side_dir(side, op->dir), op->path, &stat, op->at);

	say_stat_result(r, &stat, out);
}

void apply_fstat(struct side *side, const struct op *op, struct outcome *out)
{
	struct stat stat;

	if (side->files[op->slot])
		say_stat_result(side->calls->fstat(side->files[op->slot], &stat), &stat, out);
}

void apply_statx(struct side *side, const struct op *op, struct outcome *out)
{
	struct statx statx = {0};
	struct stat stat = {0};
	int r = side->calls->statx(
		side->fs, side_dir(side, op->dir), op->path, op->at, STATX_BASIC_STATS, &statx);

	stat.st_mode = statx.stx_mode;
	stat.st_nlink = statx.stx_nlink;
	stat.st_uid = statx.stx_uid;
	stat.st_gid = statx.stx_gid;
	stat.st_size = (off_t)statx.stx_size;
	stat.st_rdev = makedev(statx.stx_rdev_major, statx.stx_rdev_minor);
	stat.st_mtim.tv_sec = statx.stx_mtime.tv_sec;
	stat.st_mtim.tv_nsec = statx.stx_mtime.tv_nsec;
	say_stat_result(r, &stat, out);
}

void apply_statvfs(struct side *side, const struct op *op, struct outcome *out)
{
	struct statvfs statvfs;
	int r = side->calls->statvfs(side->fs, op->path, &statvfs);

	say_result(out, r);
	if (r == 0)
		say(out, "names of %lu", statvfs.f_namemax);
}

void apply_chmod(struct side *side, const struct op *op, struct outcome *out)
{
	int r = side->calls->chmod(side->fs, side_dir(side, op->dir), op->path, op->mode, op->at);

	out->not_compared = differs_chmod(op, r);
	say_result(out, r);
}

void apply_fchmod(struct side *side, const struct op *op, struct outcome *out)
{
	if (side->files[op->slot])
		say_result(out, side->calls->fchmod(side->files[op->slot], op->mode));
}

void apply_chown(struct side *side, const struct op *op, struct outcome *out)
{
	say_result(out, side->calls->chown(side->fs, side_dir(side, op->dir), op->path, op->uid,
				op->gid, op->at));
}

void apply_fchown(struct side *side, const struct op *op, struct outcome *out)
{
	if (side->files[op->slot])
		say_result(out, side->calls->fchown(side->files[op->slot], op->uid, op->gid));
}

static bool is_given(const struct timespec *time)
{
	return time->tv_nsec != UTIME_NOW && time->tv_nsec != UTIME_OMIT;
}

void apply_utimens(struct side *side, const struct op *op, struct outcome *out)
{
	const struct timespec *times = op->kind->fields & OP_TIMES ? op->times : NULL;
	void *dir = side_dir(side, op->dir);
	int r = side->calls->utimens(side->fs, dir, op->path, times, op->at);
	struct stat stat;

	say_result(out, r);
	/* Later, reading has changed it, or has not. */
	if (r == 0 && times && is_given(&times[0]) &&
		side->calls->stat(side->fs, dir, op->path, &stat, op->at) == 0)
		say_time(out, "atime", &stat.st_atim);
}

void apply_futimens(struct side *side, const struct op *op, struct outcome *out)
{
	struct stat stat;
	int r;

	if (!side->files[op->slot])
		return;
	r = side->calls->futimens(side->files[op->slot], op->times);
	say_result(out, r);
	if (r == 0 && is_given(&op->times[0]) &&
		side->calls->fstat(side->files[op->slot], &stat) == 0)
		say_time(out, "atime", &stat.st_atim);
}

void apply_access(struct side *side, const struct op *op, struct outcome *out)
{
	say_result(out, side->calls->access(
				side->fs, side_dir(side, op->dir), op->path, op_flags(op), op->at));
}

/* Of a root that others may not enter there is no way back but this. */
void apply_open_to_all(struct side *side, const struct op *op, struct outcome *out)
{
	(void)op;
	side->calls->become(&op_callers[0]);
	say_result(out, side->calls->chown(side->fs, NULL, "/", 0, 0, 0));
	say_result(out, side->calls->chmod(side->fs, NULL, "/", 0777, 0));
}

/* ---- extended attributes ---- */

#define XATTR_ROOM 65536

static char value[XATTR_ROOM];

static const void *make_value(const struct op *op, size_t *size)
{
	/* Some too large for ext4's, which has a block for all of them. */
	*size = op->length % 16 ? op->length % 300 : op->length % 6000;
	memset(value, 'a' + (int)(op->number % 26), *size);
	return value;
}

void apply_setxattr(struct side *side, const struct op *op, struct outcome *out)
{
	size_t size;
	const void *data = make_value(op, &size);

	say_result(out, side->calls->setxattr(
				side->fs, op->path, op->xattr, data, size, op_flags(op), op->at));
}

void apply_fsetxattr(struct side *side, const struct op *op, struct outcome *out)
{
	size_t size;
	const void *data = make_value(op, &size);

	if (side->files[op->slot])
		say_result(out, side->calls->fsetxattr(side->files[op->slot], op->xattr, data, size,
					op_flags(op)));
}

/* With no room the result is the size, and there is no data. */
static void say_value(ssize_t r, const struct op *op, struct outcome *out)
{
	if (op_flags(op))
		say_data(out, value, r);
	else
		say_result(out, r);
}

void apply_getxattr(struct side *side, const struct op *op, struct outcome *out)
{
	size_t room = (size_t)op_flags(op);

	say_value(
		side->calls->getxattr(side->fs, op->path, op->xattr, value, room, op->at), op, out);
}

void apply_fgetxattr(struct side *side, const struct op *op, struct outcome *out)
{
	if (side->files[op->slot])
		say_value(side->calls->fgetxattr(
				  side->files[op->slot], op->xattr, value, (size_t)op_flags(op)),
			op, out);
}

void apply_listxattr(struct side *side, const struct op *op, struct outcome *out)
{
	size_t room = (size_t)op_flags(op);

	say_value(side->calls->listxattr(side->fs, op->path, value, room, op->at), op, out);
}

void apply_flistxattr(struct side *side, const struct op *op, struct outcome *out)
{
	if (side->files[op->slot])
		say_value(
			side->calls->flistxattr(side->files[op->slot], value, (size_t)op_flags(op)),
			op, out);
}

void apply_removexattr(struct side *side, const struct op *op, struct outcome *out)
{
	say_result(out, side->calls->removexattr(side->fs, op->path, op->xattr, op->at));
}

void apply_fremovexattr(struct side *side, const struct op *op, struct outcome *out)
{
	if (side->files[op->slot])
		say_result(out, side->calls->fremovexattr(side->files[op->slot], op->xattr));
}

/* ---- locks ---- */

#define OF_OPEN_FILE 0x100

static struct flock make_lock(const struct op *op)
{
	return (struct flock){.l_type = (short)(op->choice->value & ~OF_OPEN_FILE),
		.l_whence = SEEK_SET,
		.l_start = op->offset,
		.l_len = (off_t)op->length};
}

/* false: there is nothing to lock, or nothing to compare. */
static bool can_lock(struct side *side, const struct op *op, struct outcome *out)
{
	struct stat stat;

	if (!side->files[op->slot])
		return false;
	if (side->calls->fstat(side->files[op->slot], &stat) == 0 && differs_locked(&stat))
		out->not_compared = true;
	return !out->not_compared;
}

void apply_setlk(struct side *side, const struct op *op, struct outcome *out)
{
	struct flock lock = make_lock(op);
	bool own = op->choice->value & OF_OPEN_FILE;

	if (can_lock(side, op, out))
		say_result(out, side->calls->lock(
					side->files[op->slot], own ? F_OFD_SETLK : F_SETLK, &lock));
}

void apply_getlk(struct side *side, const struct op *op, struct outcome *out)
{
	struct flock lock = make_lock(op);
	bool own = op->choice->value & OF_OPEN_FILE;
	int r;

	if (!can_lock(side, op, out))
		return;
	r = side->calls->lock(side->files[op->slot], own ? F_OFD_GETLK : F_GETLK, &lock);
	say_result(out, r);
	if (r == 0)
		say(out, "type %d", lock.l_type);
	if (r == 0 && lock.l_type != F_UNLCK)
		say(out, "from %lld length %lld", (long long)lock.l_start, (long long)lock.l_len);
}

void apply_flock(struct side *side, const struct op *op, struct outcome *out)
{
	if (can_lock(side, op, out))
		say_result(out, side->calls->flock(side->files[op->slot], op->choice->value));
}
