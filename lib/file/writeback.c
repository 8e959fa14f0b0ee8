/* SPDX-License-Identifier: MIT */
/*
 * Writing back what is dirty, the oldest first, neighbours together. As with Linux, what the server
 * refuses is dropped, and each file that is open then is told of it once.
 */
#include <errno.h>

#include "file/cache.h"

/* ---- which blocks ---- */

static bool can_be_written(const struct vfs_block *block)
{
	return block && vfs_block_dirty(block) && block->busy == VFS_BLOCK_IDLE;
}

/* Where the dirty bytes begin that lead to this block without a gap. */
static struct vfs_block *find_start(const struct vfs_node_data *data, struct vfs_block *block)
{
	unsigned int i;

	for (i = 1; i < VFS_REQUEST_DATA_MAX && block->index && !block->dirty_from; i++) {
		struct vfs_block *before = vfs_block_find(data, block->index - 1);

		if (!can_be_written(before) || before->dirty_to != VFS_BLOCK_SIZE)
			break;
		block = before;
	}
	return block;
}

static void add_to_run(struct vfs_run *run, struct vfs_block *block, size_t room)
{
	size_t size = min_size(block->dirty_to - block->dirty_from, room);

	if (!run->count) {
		run->offset = vfs_block_offset(block) + block->dirty_from;
		run->file = block->file;
	}
	block->busy = VFS_BLOCK_WRITING;
	block->doomed = false;
	run->blocks[run->count] = block;
	run->iov[run->count].iov_base = block->memory + block->dirty_from;
	run->iov[run->count].iov_len = size;
	run->count++;
	run->size += size;
}

static void gather_from(
	struct vfs_run *run, const struct vfs_node_data *data, struct vfs_block *block)
{
	size_t max = data->pool->fs->max_write;
	uint64_t end;

	do {
		add_to_run(run, block, max - run->size);
		end = run->offset + run->size;
		block = vfs_block_find(data, block->index + 1);
	} while (end % VFS_BLOCK_SIZE == 0 && run->count < VFS_REQUEST_DATA_MAX &&
		 run->size < max && can_be_written(block) && !block->dirty_from &&
		 vfs_block_offset(block) == end);
}

/*
 * With the lock: a run of what has become dirty before that time. Returns whether there is any
 * such, if it is being written already too.
 */
static bool gather(struct vfs_run *run, struct vfs_node_data *data, uint64_t before)
{
	struct vfs_block *block;

	run->data = data;
	run->count = 0;
	run->size = 0;
	vfs_list_for_each(block, &data->dirty, struct vfs_block, of_data)
	{
		if (block->dirty_since >= before)
			break;
		if (can_be_written(block)) {
			gather_from(run, data, find_start(data, block));
			break;
		}
	}
	return !vfs_list_empty(&data->dirty) &&
	       vfs_list_first(&data->dirty, struct vfs_block, of_data)->dirty_since < before;
}

/* ---- when it was written ---- */

/* Whether somebody else has written after this, who has said so meanwhile, nobody knows. */
static void written(struct vfs_block *block, size_t size, struct vfs_list *removed)
{
	block->busy = VFS_BLOCK_IDLE;
	block->dirty_from += (uint32_t)size;
	if (block->doomed) {
		block->from = block->dirty_from;
		block->to = block->dirty_to;
	}
	if (!vfs_block_dirty(block))
		vfs_block_clean(block);
	if (block->from == block->to)
		vfs_block_remove(block->data, block, removed);
}

/* What the server has instead is read when it is wanted. */
static void lost(struct vfs_block *block, struct vfs_list *removed)
{
	block->busy = VFS_BLOCK_IDLE;
	vfs_block_clean(block);
	vfs_block_remove(block->data, block, removed);
}

static void remember(struct vfs_node_data *data, int error)
{
	data->error = error;
	data->errors++;
}

static void finish(struct vfs_run *run, int64_t result)
{
	struct vfs_node_data *data = run->data;
	size_t taken = result > 0 ? (size_t)result : 0;
	struct vfs_list removed;
	unsigned int i;

	vfs_list_init(&removed);
	pthread_rwlock_wrlock(&data->lock);
	if (result <= 0)
		remember(data, result ? (int)result : -EIO);
	for (i = 0; i < run->count; i++) {
		size_t size = min_size(taken, run->iov[i].iov_len);

		if (result <= 0)
			lost(run->blocks[i], &removed);
		else
			written(run->blocks[i], size, &removed);
		taken -= size;
	}
	vfs_data_changed(data);
	pthread_rwlock_unlock(&data->lock);
	vfs_pool_give(data->pool, &removed);
}

static void done_in_background(struct vfs_run *run, int64_t result)
{
	struct vfs_node_data *data = run->data;
	struct vfs_pool *pool = data->pool;

	finish(run, result);
	vfs_run_put(pool, run);
	vfs_data_release(data);
}

/* ---- writing ---- */

struct progress {
	bool sent;
	bool left; /* also what is under way */
	uint32_t events;
};

static struct progress write_some(struct vfs_node_data *data, struct vfs_run *run, uint64_t before)
{
	struct progress progress;

	pthread_rwlock_wrlock(&data->lock);
	progress.events = atomic_load(&data->events);
	progress.left = gather(run, data, before);
	pthread_rwlock_unlock(&data->lock);
	progress.sent = run->count > 0;
	return progress;
}

static struct progress write_in_background(
	struct vfs_node_data *data, struct vfs_run *run, uint64_t before)
{
	struct progress progress = write_some(data, run, before);

	if (!progress.sent) {
		vfs_run_put(data->pool, run);
		return progress;
	}
	run->done = done_in_background;
	vfs_data_hold(data);
	vfs_run_submit_write(run, data->queue, FUSE_WRITE_CACHE);
	return progress;
}

static struct progress write_and_wait(struct vfs_node_data *data, uint64_t before)
{
	struct vfs_run run;
	struct progress progress = write_some(data, &run, before);

	if (progress.sent)
		finish(&run, vfs_run_write(&run, FUSE_WRITE_CACHE));
	return progress;
}

static struct progress write_next(struct vfs_node_data *data, uint64_t before)
{
	struct vfs_run *run = vfs_run_get(data->pool);

	return run ? write_in_background(data, run, before) : write_and_wait(data, before);
}

static void flush(struct vfs_node_data *data, uint64_t before)
{
	struct progress progress;

	do {
		progress = write_next(data, before);
		if (!progress.sent && progress.left)
			vfs_data_wait(data, progress.events);
	} while (progress.sent || progress.left);
}

/* What becomes dirty from now on is left to others. */
static int flush_data(struct vfs_node_data *data)
{
	uint64_t errors;
	uint64_t before;
	int r;

	pthread_rwlock_rdlock(&data->lock);
	errors = data->errors;
	before = data->dirty_clock;
	pthread_rwlock_unlock(&data->lock);
	flush(data, before);
	pthread_rwlock_rdlock(&data->lock);
	r = data->errors == errors ? 0 : data->error;
	pthread_rwlock_unlock(&data->lock);
	return r;
}

int vfs_data_flush(struct vfs_node *node)
{
	struct vfs_node_data *data = atomic_load(&node->data);

	if (!data || !atomic_load(&data->num_dirty))
		return 0;
	return flush_data(data);
}

/* ---- of all nodes ---- */

/* The data that has been dirty for longest; to be released. NULL: none is. */
static struct vfs_node_data *oldest_dirty(struct vfs_pool *pool)
{
	struct vfs_node_data *data = NULL;

	pthread_mutex_lock(&pool->lock);
	if (!vfs_list_empty(&pool->dirty)) {
		data = vfs_list_first(&pool->dirty, struct vfs_node_data, of_pool);
		vfs_data_hold(data);
	}
	pthread_mutex_unlock(&pool->lock);
	return data;
}

/* Without waiting. */
static void write_oldest(struct vfs_pool *pool)
{
	struct vfs_node_data *data = oldest_dirty(pool);
	struct vfs_run *run;

	if (!data)
		return;
	while ((run = vfs_run_get(pool)) && write_in_background(data, run, UINT64_MAX).sent)
		;
	vfs_data_release(data);
}

/* What has become dirty again meanwhile is the newest. */
static void put_behind(struct vfs_pool *pool, struct vfs_node_data *data)
{
	pthread_mutex_lock(&pool->lock);
	if (!vfs_list_empty(&data->of_pool)) {
		vfs_list_del(&data->of_pool);
		vfs_list_add_tail(&pool->dirty, &data->of_pool);
	}
	pthread_mutex_unlock(&pool->lock);
}

/* False: nothing is dirty. */
static bool flush_oldest(struct vfs_pool *pool, int *error)
{
	struct vfs_node_data *data = oldest_dirty(pool);
	int r;

	if (!data)
		return false;
	r = flush_data(data);
	*error = *error ? *error : r;
	put_behind(pool, data);
	vfs_data_release(data);
	return true;
}

void vfs_pool_throttle(struct vfs_pool *pool)
{
	int error = 0;

	if (atomic_load(&pool->num_dirty) > pool->max_blocks / 4)
		write_oldest(pool);
	while (atomic_load(&pool->num_dirty) > pool->max_blocks / 2 && flush_oldest(pool, &error))
		;
}

int vfs_pool_flush(struct vfs_fs *fs)
{
	struct vfs_pool *pool = fs->pool;
	const struct vfs_node_data *data;
	size_t nodes = 0;
	int error = 0;

	pthread_mutex_lock(&pool->lock);
	vfs_list_for_each(data, &pool->dirty, struct vfs_node_data, of_pool) nodes++;
	pthread_mutex_unlock(&pool->lock);
	for (; nodes && flush_oldest(pool, &error); nodes--)
		;
	return error;
}
