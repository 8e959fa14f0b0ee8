/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing past what is kept. What is larger than a request goes in several, which are
 * under way together; each beyond the first takes one of the mount's runs, or is waited for.
 */
#include <errno.h>
#include <sched.h>

#include "file/cache.h"
#include "fuse/sync.h"

static size_t max_bytes(const struct vfs_transfer *transfer)
{
	const struct vfs_fs *fs = transfer->file->fs;

	return transfer->write ? fs->max_write : fs->max_read;
}

/* The next request's part. */
static void cut(
	struct vfs_transfer *transfer, struct vfs_run *run, struct vfs_iter *iter, size_t start)
{
	size_t left = iter->left;

	run->file = transfer->file;
	run->transfer = transfer;
	run->start = start;
	run->offset = transfer->offset + start;
	run->count = vfs_iter_slice(iter, run->iov, VFS_REQUEST_DATA_MAX, max_bytes(transfer));
	run->size = left - iter->left;
}

/* With the pool's lock: one request has come back. */
static void note(struct vfs_transfer *transfer, const struct vfs_run *run, int64_t result)
{
	size_t end = run->start + (result > 0 ? (size_t)result : 0);

	if (result == (int64_t)run->size || end >= transfer->end)
		return;
	transfer->end = end;
	transfer->error = result < 0 ? (int)result : 0;
}

static void note_locked(struct vfs_transfer *transfer, const struct vfs_run *run, int64_t result)
{
	struct vfs_pool *pool = transfer->file->fs->pool;

	pthread_mutex_lock(&pool->lock);
	note(transfer, run, result);
	pthread_mutex_unlock(&pool->lock);
}

/* After the last one nobody may look at it any more. */
static void finish_one(struct vfs_transfer *transfer)
{
	void (*complete)(struct vfs_transfer * transfer) = transfer->complete;

	if (atomic_fetch_sub(&transfer->pending, 1) == 1 && complete)
		complete(transfer);
}

static void done_in_background(struct vfs_run *run, int64_t result)
{
	struct vfs_transfer *transfer = run->transfer;
	struct vfs_pool *pool = transfer->file->fs->pool;

	note_locked(transfer, run, result);
	if (run != transfer->first)
		vfs_run_put(pool, run);
	finish_one(transfer);
}

static void send(struct vfs_transfer *transfer, struct vfs_run *run)
{
	run->done = done_in_background;
	atomic_fetch_add(&transfer->pending, 1);
	if (transfer->write)
		vfs_run_submit_write(run, transfer->queue, vfs_write_flags(transfer->file->fs));
	else
		vfs_run_submit_read(run, transfer->queue);
}

static void send_and_wait(struct vfs_transfer *transfer, struct vfs_run *run)
{
	int64_t r = transfer->write ? vfs_run_write(run, vfs_write_flags(transfer->file->fs))
				    : vfs_run_read(run);

	note_locked(transfer, run, r);
}

static bool goes_on(struct vfs_transfer *transfer, size_t start)
{
	struct vfs_pool *pool = transfer->file->fs->pool;
	bool good;

	pthread_mutex_lock(&pool->lock);
	good = transfer->end > start;
	pthread_mutex_unlock(&pool->lock);
	return good;
}

/* One request that is waited for, as all others are in use or this is the last. */
static void step_and_wait(struct vfs_transfer *transfer, struct vfs_iter *iter, size_t start)
{
	struct vfs_run run;

	cut(transfer, &run, iter, start);
	send_and_wait(transfer, &run);
}

static bool is_last(const struct vfs_transfer *transfer, const struct vfs_iter *iter)
{
	return iter->left <= max_bytes(transfer);
}

static void step(struct vfs_transfer *transfer, struct vfs_iter *iter, size_t start)
{
	struct vfs_run *run = NULL;

	if (!start && transfer->first)
		run = transfer->first;
	else if (!transfer->in_order && (transfer->complete || !is_last(transfer, iter)))
		run = vfs_run_get(transfer->file->fs->pool);
	if (!run) {
		step_and_wait(transfer, iter, start);
		return;
	}
	cut(transfer, run, iter, start);
	send(transfer, run);
}

void vfs_transfer_begin(struct vfs_transfer *transfer, struct vfs_iter *iter)
{
	size_t size = iter->left;

	atomic_store(&transfer->pending, 1);
	transfer->end = size;
	transfer->error = 0;
	while (iter->left && goes_on(transfer, size - iter->left))
		step(transfer, iter, size - iter->left);
	finish_one(transfer);
}

ssize_t vfs_transfer_result(const struct vfs_transfer *transfer)
{
	return transfer->end ? (ssize_t)transfer->end : transfer->error;
}

/* Any queue will do, as long as the answers can be collected while waiting. */
static unsigned int pick_queue(const struct vfs_fs *fs)
{
	int cpu = sched_getcpu();

	return (cpu < 0 ? 0 : (unsigned int)cpu) % vfs_sync_num_queues(vfs_fuse_sync(fs->fuse));
}

static ssize_t transfer_all(struct vfs_transfer *transfer, struct vfs_iter *iter)
{
	struct vfs_fs *fs = transfer->file->fs;
	uint32_t pending;

	transfer->queue = pick_queue(fs);
	vfs_transfer_begin(transfer, iter);
	while ((pending = atomic_load(&transfer->pending)))
		(void)vfs_sync_watch(vfs_fuse_sync(fs->fuse), transfer->queue, &transfer->pending,
			pending, UINT64_MAX);
	return vfs_transfer_result(transfer);
}

ssize_t vfs_read_past(struct vfs_file *file, struct vfs_iter *to, uint64_t offset)
{
	struct vfs_transfer transfer = {.file = file, .offset = offset};
	struct vfs_iter iter = *to;
	ssize_t r = transfer_all(&transfer, &iter);

	if (r > 0)
		vfs_iter_advance(to, (size_t)r);
	return r;
}

static ssize_t write_some(
	struct vfs_file *file, const struct vfs_iter *from, uint64_t offset, bool in_order)
{
	struct vfs_transfer transfer = {
		.file = file, .write = true, .in_order = in_order, .offset = offset};
	struct vfs_iter iter = *from;
	ssize_t r = transfer_all(&transfer, &iter);

	return r ? r : vfs_error(-EIO, "the server has taken none of %zu bytes", from->left);
}

/* A server may take less than it was given. */
ssize_t vfs_write_past(
	struct vfs_file *file, const struct vfs_iter *from, uint64_t offset, bool in_order)
{
	struct vfs_iter iter = *from;
	ssize_t done = 0;

	while (iter.left) {
		ssize_t r = write_some(file, &iter, offset + (uint64_t)done, in_order);

		if (r < 0)
			return done ? done : r;
		vfs_iter_advance(&iter, (size_t)r);
		done += r;
	}
	return done;
}
