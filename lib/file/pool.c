/* SPDX-License-Identifier: MIT */
/*
 * The memory of all blocks of a mount. It is limited; when all is in use the block is replaced that
 * has not been used for longest, or about so: who was used since he was looked at last has a second
 * chance. Dirty and busy ones are not replaced.
 */
#include <errno.h>
#include <stdlib.h>

#include "file/cache.h"
#include "fuse/fuse.h"

#define DEFAULT_BYTES (64u << 20)

/* ---- blocks ---- */

static void block_free(struct vfs_block *block)
{
	free(block->memory);
	free(block);
}

static struct vfs_block *block_new(void)
{
	struct vfs_block *block = calloc(1, sizeof(*block));

	if (!block)
		return NULL;
	block->memory = aligned_alloc(4096, VFS_BLOCK_SIZE);
	if (block->memory)
		return block;
	free(block);
	return NULL;
}

/* Take it from its node, if it is not in use. */
static bool detach(struct vfs_block *block)
{
	struct vfs_node_data *data = block->data;
	bool idle;

	if (pthread_rwlock_trywrlock(&data->lock))
		return false;
	idle = block->busy == VFS_BLOCK_IDLE && !vfs_block_dirty(block);
	if (idle) {
		vfs_block_unhash(data, block);
		vfs_list_del(&block->of_pool);
	}
	pthread_rwlock_unlock(&data->lock);
	return idle;
}

/* With the lock. NULL: all are in use. */
static struct vfs_block *replace(struct vfs_pool *pool)
{
	size_t tries;

	for (tries = 2 * pool->num_blocks; tries && !vfs_list_empty(&pool->blocks); tries--) {
		struct vfs_block *block = vfs_list_first(&pool->blocks, struct vfs_block, of_pool);

		if (!atomic_exchange(&block->used, false) && detach(block))
			return block;
		vfs_list_del(&block->of_pool);
		vfs_list_add_tail(&pool->blocks, &block->of_pool);
	}
	return NULL;
}

static struct vfs_block *take_one(struct vfs_pool *pool)
{
	struct vfs_block *block = NULL;

	if (pool->num_blocks < pool->max_blocks)
		block = block_new();
	if (block)
		pool->num_blocks++;
	else
		block = replace(pool);
	return block;
}

unsigned int vfs_pool_take(struct vfs_pool *pool, unsigned int count, struct vfs_list *blocks)
{
	unsigned int taken;

	pthread_mutex_lock(&pool->lock);
	for (taken = 0; taken < count; taken++) {
		struct vfs_block *block = take_one(pool);

		if (!block)
			break;
		vfs_list_add_tail(blocks, &block->of_pool);
	}
	pthread_mutex_unlock(&pool->lock);
	return taken;
}

struct vfs_block *vfs_block_pop(struct vfs_list *blocks)
{
	struct vfs_block *block;

	if (vfs_list_empty(blocks))
		return NULL;
	block = vfs_list_first(blocks, struct vfs_block, of_pool);
	vfs_list_del(&block->of_pool);
	return block;
}

void vfs_pool_give(struct vfs_pool *pool, struct vfs_list *blocks)
{
	struct vfs_block *block;
	size_t count = 0;

	while ((block = vfs_block_pop(blocks))) {
		block_free(block);
		count++;
	}
	if (!count)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->num_blocks -= count;
	pthread_mutex_unlock(&pool->lock);
}

void vfs_pool_trim(struct vfs_fs *fs, size_t keep)
{
	struct vfs_pool *pool = fs->pool;
	struct vfs_list replaced;
	struct vfs_block *block;
	size_t left;

	vfs_list_init(&replaced);
	pthread_mutex_lock(&pool->lock);
	for (left = pool->num_blocks; left * VFS_BLOCK_SIZE > keep; left--) {
		block = replace(pool);
		if (!block)
			break;
		vfs_list_add_tail(&replaced, &block->of_pool);
	}
	pthread_mutex_unlock(&pool->lock);
	vfs_pool_give(pool, &replaced);
}

void vfs_pool_stats(struct vfs_fs *fs, struct vfs_cache_stats *stats)
{
	struct vfs_pool *pool = fs->pool;

	pthread_mutex_lock(&pool->lock);
	stats->bytes = (uint64_t)pool->num_blocks * VFS_BLOCK_SIZE;
	pthread_mutex_unlock(&pool->lock);
	stats->dirty_bytes = (uint64_t)atomic_load(&pool->num_dirty) * VFS_BLOCK_SIZE;
	stats->data_hits = atomic_load(&pool->hits);
	stats->data_misses = atomic_load(&pool->misses);
}

/* ---- the pool ---- */

/* It is in the session's page. */
static void show(struct vfs_fs *fs)
{
	const struct vfs_pool *pool = fs->pool;

	vfs_observe_figure(
		fs->session, VFS_OBSERVE_DATA_BLOCKS, &pool->num_blocks, sizeof(pool->num_blocks));
	vfs_observe_figure(
		fs->session, VFS_OBSERVE_DIRTY_BLOCKS, &pool->num_dirty, sizeof(pool->num_dirty));
	vfs_observe_figure(fs->session, VFS_OBSERVE_DATA_HITS, &pool->hits, sizeof(pool->hits));
	vfs_observe_figure(
		fs->session, VFS_OBSERVE_DATA_MISSES, &pool->misses, sizeof(pool->misses));
}

int vfs_pool_create(struct vfs_fs *fs)
{
	size_t bytes = fs->options.cache_bytes ? fs->options.cache_bytes : DEFAULT_BYTES;
	struct vfs_pool *pool = vfs_observe_alloc(fs->session, sizeof(*pool));
	unsigned int i;

	if (!pool)
		return -ENOMEM;
	pool->all_runs = calloc(VFS_POOL_RUNS, sizeof(pool->all_runs[0]));
	if (!pool->all_runs)
		return vfs_error(-ENOMEM, "out of memory");
	pool->fs = fs;
	pool->max_blocks = bytes / VFS_BLOCK_SIZE;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_mutex_init(&pool->threads_lock, NULL);
	vfs_list_init(&pool->blocks);
	vfs_list_init(&pool->dirty);
	vfs_list_init(&pool->runs);
	for (i = 0; i < VFS_POOL_RUNS; i++)
		vfs_list_add_tail(&pool->runs, &pool->all_runs[i].link);
	fs->pool = pool;
	show(fs);
	return 0;
}

void vfs_pool_destroy(struct vfs_fs *fs)
{
	struct vfs_pool *pool = fs->pool;

	if (!pool)
		return;
	pthread_mutex_destroy(&pool->threads_lock);
	pthread_mutex_destroy(&pool->lock);
	free(pool->all_runs);
	fs->pool = NULL;
}
