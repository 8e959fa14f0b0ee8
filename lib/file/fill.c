/* SPDX-License-Identifier: MIT */
/*
 * Reading into blocks. The blocks of a READ are neighbours, and busy until it is answered; so what
 * several threads want is asked for once. What is dropped meanwhile does not become known: those
 * who want it ask again.
 */
#include <errno.h>
#include <string.h>

#include "file/cache.h"

#define PAGE 4096u

/* ---- which blocks ---- */

/*
 * What is missing of a block in front of @to, at @from first of all, and next to what is known:
 * @room bytes at most. False: nothing.
 */
static bool find_missing(const struct vfs_block *block, uint32_t *from, uint32_t *to, uint32_t room)
{
	if (block->from < block->to && *from < block->from) {
		*to = block->from;
		if (*to - *from > room)
			*from = *to - room;
		return true;
	}
	if (block->from < block->to) {
		if (block->to >= *to)
			return false;
		*from = block->to;
	}
	if (*to - *from > room)
		*to = *from + room;
	return true;
}

static void add_to_run(struct vfs_run *run, struct vfs_block *block, uint32_t from, uint32_t to)
{
	if (!run->count)
		run->offset = vfs_block_offset(block) + from;
	block->busy = VFS_BLOCK_FILLING;
	block->doomed = false;
	run->blocks[run->count] = block;
	run->iov[run->count].iov_base = block->memory + from;
	run->iov[run->count].iov_len = to - from;
	run->count++;
	run->size += to - from;
}

/* One more block, for bytes from @offset on. False: the run ends here. */
static bool gather_one(struct vfs_run *run, struct vfs_node_data *data, uint64_t offset,
	uint64_t end, struct vfs_list *spares)
{
	uint64_t start = offset - offset % VFS_BLOCK_SIZE;
	uint32_t room = data->pool->fs->max_read - (uint32_t)run->size;
	uint32_t from = (uint32_t)(offset - start);
	uint32_t to = (uint32_t)(end - start < VFS_BLOCK_SIZE ? end - start : VFS_BLOCK_SIZE);
	struct vfs_block *block = vfs_block_take(data, offset / VFS_BLOCK_SIZE, spares);

	if (!block || block->busy || !find_missing(block, &from, &to, room))
		return false;
	/* What follows in a run begins where this block ends. */
	if (run->count && from > 0)
		return false;
	add_to_run(run, block, from, to);
	return to == VFS_BLOCK_SIZE;
}

/* With the lock. */
static void gather(struct vfs_run *run, struct vfs_node_data *data, uint64_t offset, uint64_t end,
	struct vfs_list *spares)
{
	offset -= offset % PAGE;
	end = align_up(end, PAGE);
	while (offset < end && run->count < VFS_REQUEST_DATA_MAX &&
		run->size < data->pool->fs->max_read) {
		if (!gather_one(run, data, offset, end, spares))
			break;
		offset = run->offset + run->size;
	}
}

static void init_run(struct vfs_run *run, struct vfs_node_data *data, struct vfs_file *file)
{
	run->data = data;
	run->file = file;
	run->count = 0;
	run->size = 0;
	vfs_list_init(&run->link);
}

static unsigned int blocks_between(const struct vfs_node_data *data, uint64_t offset, uint64_t end)
{
	uint64_t most = data->pool->fs->max_read / VFS_BLOCK_SIZE + 2;
	uint64_t count = (end - 1) / VFS_BLOCK_SIZE - offset / VFS_BLOCK_SIZE + 1;

	if (count > most)
		count = most;
	return count < VFS_REQUEST_DATA_MAX ? (unsigned int)count : VFS_REQUEST_DATA_MAX;
}

static void take_spares(
	struct vfs_node_data *data, uint64_t offset, uint64_t end, struct vfs_list *spares)
{
	unsigned int missing;

	vfs_list_init(spares);
	pthread_rwlock_rdlock(&data->lock);
	missing = vfs_blocks_missing(
		data, offset / VFS_BLOCK_SIZE, blocks_between(data, offset, end));
	pthread_rwlock_unlock(&data->lock);
	if (missing)
		vfs_pool_take(data->pool, missing, spares);
}

/* ---- when it has come ---- */

/* How much of a piece is known now: what came, and zeros up to there. */
static uint32_t received(
	const struct vfs_block *block, const struct iovec *piece, size_t got, uint64_t zero_to)
{
	uint64_t start = vfs_block_offset(block) +
			 (uint64_t)((char *)piece->iov_base - block->memory);
	size_t known = min_size(got, piece->iov_len);
	size_t wanted;

	if (zero_to <= start + known)
		return (uint32_t)known;
	wanted = min_size(piece->iov_len, zero_to - start);
	memset((char *)piece->iov_base + known, 0, wanted - known);
	return (uint32_t)wanted;
}

static void finish_block(struct vfs_block *block, const struct iovec *piece, size_t got,
	uint64_t zero_to, struct vfs_list *removed)
{
	uint32_t from = (uint32_t)((char *)piece->iov_base - block->memory);
	uint32_t size = received(block, piece, got, zero_to);

	block->busy = VFS_BLOCK_IDLE;
	if (size && !block->doomed && !vfs_block_apart(block, from, from + size))
		vfs_block_know(block, from, from + size);
	if (block->from == block->to)
		vfs_block_remove(block->data, block, removed);
}

static void finish(struct vfs_run *run, int64_t result, uint64_t zero_to)
{
	struct vfs_node_data *data = run->data;
	size_t got = result > 0 ? (size_t)result : 0;
	struct vfs_list removed;
	unsigned int i;

	vfs_list_init(&removed);
	pthread_rwlock_wrlock(&data->lock);
	for (i = 0; i < run->count; i++) {
		finish_block(run->blocks[i], &run->iov[i], got, result < 0 ? 0 : zero_to, &removed);
		got -= min_size(got, run->iov[i].iov_len);
	}
	vfs_list_del(&run->link);
	vfs_data_changed(data);
	pthread_rwlock_unlock(&data->lock);
	vfs_pool_give(data->pool, &removed);
}

/* ---- and waiting for it ---- */

/* Why is there nothing to read at @offset? With the lock. */
static int nothing_gathered(const struct vfs_node_data *data, uint64_t offset, bool *busy)
{
	const struct vfs_block *block = vfs_block_find(data, offset / VFS_BLOCK_SIZE);

	*busy = block && block->busy;
	return block ? -EAGAIN : -ENOBUFS;
}

/* 0: there is something to read. */
static int claim(struct vfs_run *run, struct vfs_node_data *data, uint64_t offset, uint64_t end)
{
	struct vfs_list spares;
	uint32_t events;
	bool busy = false;
	int r = 0;

	take_spares(data, offset, end, &spares);
	pthread_rwlock_wrlock(&data->lock);
	events = atomic_load(&data->events);
	gather(run, data, offset, end, &spares);
	if (!run->count)
		r = nothing_gathered(data, offset, &busy);
	pthread_rwlock_unlock(&data->lock);
	vfs_pool_give(data->pool, &spares);
	if (busy)
		vfs_data_wait(data, events);
	return r;
}

int vfs_fill(struct vfs_node_data *data, struct vfs_file *file, uint64_t offset, uint64_t end,
	uint64_t zero_to)
{
	struct vfs_run run;
	int64_t result;
	int r;

	init_run(&run, data, file);
	r = claim(&run, data, offset, end);
	if (r < 0)
		return r;
	atomic_fetch_add_explicit(&data->pool->misses, run.count, memory_order_relaxed);
	result = vfs_run_read(&run);
	finish(&run, result, zero_to);
	if (result < 0)
		return (int)result;
	return run.offset + (uint64_t)result <
	       (end < run.offset + run.size ? end : run.offset + run.size);
}

int vfs_fill_gap(struct vfs_block *block, struct vfs_file *file, uint32_t from, uint32_t to)
{
	struct vfs_node_data *data = block->data;
	struct vfs_run run;
	int64_t result;

	init_run(&run, data, file);
	add_to_run(&run, block, from, to);
	pthread_rwlock_unlock(&data->lock);
	result = vfs_run_read(&run);
	finish(&run, result, UINT64_MAX);
	return result < 0 ? (int)result : 0;
}

/* ---- ahead ---- */

static void ahead_done(struct vfs_run *run, int64_t result)
{
	struct vfs_node_data *data = run->data;
	struct vfs_pool *pool = data->pool;

	finish(run, result, 0);
	vfs_run_put(pool, run);
	vfs_data_release(data);
}

/* The first byte of the first block that is not there. With the lock. */
static uint64_t first_missing(const struct vfs_node_data *data, uint64_t offset, uint64_t end)
{
	while (offset < end && vfs_block_find(data, offset / VFS_BLOCK_SIZE))
		offset = align_up(offset + 1, VFS_BLOCK_SIZE);
	return offset;
}

/* Returns how far it goes, @end if nothing more can be done. */
static uint64_t read_ahead_once(
	struct vfs_node_data *data, struct vfs_file *file, uint64_t offset, uint64_t end)
{
	struct vfs_run *run = vfs_run_get(data->pool);
	struct vfs_list spares;

	if (!run)
		return end;
	init_run(run, data, file);
	run->done = ahead_done;
	take_spares(data, offset, end, &spares);
	pthread_rwlock_wrlock(&data->lock);
	offset = first_missing(data, offset, end);
	if (offset < end)
		gather(run, data, offset, end, &spares);
	if (run->count)
		vfs_list_add_tail(&data->runs, &run->link);
	pthread_rwlock_unlock(&data->lock);
	vfs_pool_give(data->pool, &spares);
	if (!run->count) {
		vfs_run_put(data->pool, run);
		return end;
	}
	offset = run->offset + run->size;
	vfs_data_hold(data);
	vfs_run_submit_read(run, data->queue);
	return offset;
}

void vfs_read_ahead(
	struct vfs_node_data *data, struct vfs_file *file, uint64_t offset, uint64_t end)
{
	while (offset < end) {
		pthread_rwlock_rdlock(&data->lock);
		offset = first_missing(data, offset, end);
		pthread_rwlock_unlock(&data->lock);
		if (offset < end)
			offset = read_ahead_once(data, file, offset, end);
	}
}
