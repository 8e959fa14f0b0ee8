/* SPDX-License-Identifier: MIT */
/* One READ or WRITE: what goes into it, and its way through the background. */
#include "file/cache.h"
#include "ops/ops.h"

struct vfs_run *vfs_run_get(struct vfs_pool *pool)
{
	struct vfs_run *run = NULL;

	pthread_mutex_lock(&pool->lock);
	if (!vfs_list_empty(&pool->runs)) {
		run = vfs_list_first(&pool->runs, struct vfs_run, link);
		vfs_list_del(&run->link);
	}
	pthread_mutex_unlock(&pool->lock);
	return run;
}

void vfs_run_put(struct vfs_pool *pool, struct vfs_run *run)
{
	pthread_mutex_lock(&pool->lock);
	vfs_list_add_tail(&pool->runs, &run->link);
	pthread_mutex_unlock(&pool->lock);
}

uint32_t vfs_write_flags(const struct vfs_fs *fs)
{
	struct vfs_caller caller;

	if (!(fs->init.flags & FUSE_HANDLE_KILLPRIV_V2))
		return 0;
	vfs_caller_get(&caller);
	return caller.uid ? FUSE_WRITE_KILL_SUIDGID : 0;
}

static void encode_read(struct vfs_run *run)
{
	struct vfs_file *file = run->file;

	vfs_op_read(&run->op, file->node->id, file->fh, run->offset, run->iov, run->count);
	run->op.args.read.flags = (uint32_t)file->sent_flags;
	if (atomic_load_explicit(&file->posix_locked, memory_order_relaxed)) {
		run->op.args.read.read_flags |= FUSE_READ_LOCKOWNER;
		run->op.args.read.lock_owner = vfs_lock_owner(file->fs);
	}
}

static void encode_write(struct vfs_run *run, uint32_t flags)
{
	struct vfs_file *file = run->file;

	vfs_op_write(&run->op, file->node->id, file->fh, run->offset, run->iov, run->count);
	run->op.args.write.flags = (uint32_t)file->sent_flags;
	run->op.args.write.write_flags = flags;
	if (atomic_load_explicit(&file->posix_locked, memory_order_relaxed)) {
		run->op.args.write.write_flags |= FUSE_WRITE_LOCKOWNER;
		run->op.args.write.lock_owner = vfs_lock_owner(file->fs);
	}
}

int64_t vfs_run_read(struct vfs_run *run)
{
	encode_read(run);
	return vfs_fuse_call(run->file->fs->fuse, &run->op);
}

int64_t vfs_run_write(struct vfs_run *run, uint32_t flags)
{
	encode_write(run, flags);
	return vfs_fuse_call(run->file->fs->fuse, &run->op);
}

static void answered(struct vfs_op *op, void *ctx)
{
	struct vfs_run *run = ctx;

	run->done(run, op->result);
}

static void submit(struct vfs_run *run, unsigned int queue)
{
	int r = vfs_fuse_submit_on(run->file->fs->fuse, queue, &run->op, answered, run);

	if (r < 0)
		run->done(run, r);
}

void vfs_run_submit_read(struct vfs_run *run, unsigned int queue)
{
	encode_read(run);
	submit(run, queue);
}

void vfs_run_submit_write(struct vfs_run *run, unsigned int queue, uint32_t flags)
{
	encode_write(run, flags);
	submit(run, queue);
}
