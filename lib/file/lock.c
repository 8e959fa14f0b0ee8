/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/file.h>
#include <unistd.h>

#include "file/data.h"
#include "file/open.h"

/* As the protocol has "to the end". */
#define TO_THE_END INT64_MAX

/* Where l_start counts from. */
static int base_of(struct vfs_file *file, const struct flock *lock, off_t *base)
{
	struct fuse_attr attr;
	int r;

	switch (lock->l_whence) {
	case SEEK_SET:
		*base = 0;
		return 0;
	case SEEK_CUR:
		pthread_mutex_lock(&file->position_lock);
		*base = file->position;
		pthread_mutex_unlock(&file->position_lock);
		return 0;
	case SEEK_END:
		r = vfs_attr_get(file->node, file, false, &attr);
		*base = r < 0 ? 0 : (off_t)attr.size;
		return r;
	default:
		return -EINVAL;
	}
}

/* First and last byte of a lock. */
static int range_of(struct vfs_file *file, const struct flock *lock, struct fuse_file_lock *range)
{
	off_t start;
	int r = base_of(file, lock, &start);

	if (r < 0)
		return r;
	if (__builtin_add_overflow(start, lock->l_start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	range->start = (uint64_t)start;
	range->end = TO_THE_END;
	if (lock->l_len > 0) {
		off_t end;

		if (__builtin_add_overflow(start, lock->l_len - 1, &end))
			return -EOVERFLOW;
		range->end = (uint64_t)end;
	} else if (lock->l_len < 0) {
		/* Backwards from where it starts. */
		if (start + lock->l_len < 0)
			return -EINVAL;
		range->end = (uint64_t)start - 1;
		range->start = (uint64_t)(start + lock->l_len);
	}
	return 0;
}

static int check_type(const struct vfs_file *file, short type, bool ask)
{
	int mode = file->flags & O_ACCMODE;

	switch (type) {
	case F_RDLCK:
		return ask || mode != O_WRONLY ? 0 : -EBADF;
	case F_WRLCK:
		return ask || mode != O_RDONLY ? 0 : -EBADF;
	case F_UNLCK:
		return ask ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

/* A server that has no locks says so only when it is asked. */
static int no_locks(int r)
{
	return r == -ENOSYS ? -EOPNOTSUPP : r;
}

static bool is_ofd(int command)
{
	return command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
}

static uint64_t owner_of(const struct vfs_file *file, int command)
{
	return is_ofd(command) ? (uint64_t)(uintptr_t)file : vfs_lock_owner(file->fs);
}

static void take_answer(const struct fuse_file_lock *range, bool ofd, struct flock *lock)
{
	lock->l_type = (short)range->type;
	if (range->type == F_UNLCK)
		return;
	lock->l_whence = SEEK_SET;
	lock->l_start = (off_t)range->start;
	lock->l_len = range->end >= TO_THE_END ? 0 : (off_t)(range->end - range->start + 1);
	lock->l_pid = ofd ? -1 : (pid_t)range->pid;
}

static int ask(struct vfs_file *file, int command, struct fuse_file_lock *range, struct flock *lock)
{
	struct vfs_op op;
	int r;

	vfs_op_getlk(&op, file->node->id, file->fh, owner_of(file, command), range);
	r = (int)vfs_fuse_call(file->fs->fuse, &op);
	if (r == 0)
		take_answer(&op.answer.lock, is_ofd(command), lock);
	return no_locks(r);
}

/* What this client has not sent yet others could not know; what they did, it does not. */
static void after_lock(struct vfs_file *file, bool unlock)
{
	if (unlock)
		return;
	(void)vfs_data_flush(file->node);
	vfs_attr_expire(file->node);
	vfs_data_drop(file->node, 0, UINT64_MAX);
}

/* Some servers have locks, but none to wait for: those are asked to wait if that is needed only. */
static int send(struct vfs_file *file, struct vfs_op *op, bool waits)
{
	int r = (int)vfs_fuse_call(file->fs->fuse, op);

	if (r == -EAGAIN && waits) {
		op->opcode = FUSE_SETLKW;
		r = (int)vfs_fuse_call(file->fs->fuse, op);
	}
	return no_locks(r);
}

static int set(struct vfs_file *file, struct vfs_op *op, bool waits)
{
	bool unlock = op->args.lock.lk.type == F_UNLCK;
	int r;

	/* It ends in any case: what cannot be written back is told by fsync and close. */
	if (unlock)
		(void)vfs_data_flush(file->node);
	r = send(file, op, waits);
	if (r == 0)
		after_lock(file, unlock);
	return r;
}

void vfs_file_end_locks(struct vfs_file *file)
{
	struct fuse_file_lock all = {.end = TO_THE_END, .type = F_UNLCK};
	struct vfs_op op;

	if (!atomic_load(&file->ofd_locked))
		return;
	vfs_op_setlk(&op, file->node->id, file->fh, (uint64_t)(uintptr_t)file, &all, false);
	(void)vfs_fuse_call(file->fs->fuse, &op);
}

static int lock_range(struct vfs_file *file, int command, struct flock *lock)
{
	bool asks = command == F_GETLK || command == F_OFD_GETLK;
	bool waits = command == F_SETLKW || command == F_OFD_SETLKW;
	struct vfs_caller caller;
	struct fuse_file_lock range = {0};
	struct vfs_op op;
	int r;

	if (file->flags & O_PATH)
		return -EBADF;
	if (is_ofd(command) && lock->l_pid)
		return -EINVAL;
	r = check_type(file, lock->l_type, asks);
	if (r == 0)
		r = range_of(file, lock, &range);
	if (r < 0)
		return r;
	if (!(file->fs->init.flags & FUSE_POSIX_LOCKS))
		return -EOPNOTSUPP;
	vfs_caller_get(&caller);
	range.type = (uint32_t)lock->l_type;
	range.pid = (uint32_t)caller.pid;
	if (asks)
		return ask(file, command, &range, lock);
	vfs_op_setlk(&op, file->node->id, file->fh, owner_of(file, command), &range, false);
	/* Before, as the server may have it although nobody hears of that. */
	if (lock->l_type != F_UNLCK)
		atomic_store(is_ofd(command) ? &file->ofd_locked : &file->posix_locked, true);
	return set(file, &op, waits);
}

VFS_EXPORT int vfs_lock(struct vfs_file *file, int command, struct flock *lock)
{
	struct vfs_call call = vfs_call_begin(file->fs, "lock", file->path);
	int r = -EINVAL;

	switch (command) {
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		r = lock_range(file, command, lock);
		break;
	default:
		break;
	}
	return (int)vfs_call_end(&call, r);
}

static int flock_type(int operation)
{
	switch (operation & ~LOCK_NB) {
	case LOCK_SH:
		return F_RDLCK;
	case LOCK_EX:
		return F_WRLCK;
	case LOCK_UN:
		return F_UNLCK;
	default:
		return -EINVAL;
	}
}

static int lock_whole(struct vfs_file *file, int operation)
{
	struct fuse_file_lock range = {.end = TO_THE_END};
	int type = flock_type(operation);
	struct vfs_op op;

	if (type < 0)
		return type;
	if (file->flags & O_PATH)
		return -EBADF;
	if (!(file->fs->init.flags & FUSE_FLOCK_LOCKS))
		return -EOPNOTSUPP;
	range.type = (uint32_t)type;
	vfs_op_setlk(&op, file->node->id, file->fh, (uint64_t)(uintptr_t)file, &range, false);
	op.args.lock.lk_flags = FUSE_LK_FLOCK;
	if (type != F_UNLCK)
		atomic_store(&file->flocked, true);
	return set(file, &op, !(operation & LOCK_NB));
}

VFS_EXPORT int vfs_flock(struct vfs_file *file, int operation)
{
	struct vfs_call call = vfs_call_begin(file->fs, "flock", file->path);

	return (int)vfs_call_end(&call, lock_whole(file, operation));
}
