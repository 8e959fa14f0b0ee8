/* SPDX-License-Identifier: MIT */
/* The blocks of a node. All with the lock of its data. */
#include <stdlib.h>

#include "file/cache.h"

/* ---- the table ---- */

static struct vfs_block **bucket_of(const struct vfs_node_data *data, uint64_t index)
{
	return &data->buckets[index & (data->num_buckets - 1)];
}

struct vfs_block *vfs_block_find(const struct vfs_node_data *data, uint64_t index)
{
	struct vfs_block *block = *bucket_of(data, index);

	while (block && block->index != index)
		block = block->hash_next;
	return block;
}

static void put_into_bucket(struct vfs_node_data *data, struct vfs_block *block)
{
	struct vfs_block **bucket = bucket_of(data, block->index);

	block->hash_next = *bucket;
	*bucket = block;
}

/* Without memory the chains become longer, and that is all. */
static void grow(struct vfs_node_data *data)
{
	size_t old_buckets = data->num_buckets;
	struct vfs_block **old = data->buckets;
	struct vfs_block **buckets = calloc(old_buckets * 4, sizeof(struct vfs_block *));
	size_t i;

	if (!buckets)
		return;
	data->buckets = buckets;
	data->num_buckets = old_buckets * 4;
	for (i = 0; i < old_buckets; i++) {
		while (old[i]) {
			struct vfs_block *block = old[i];

			old[i] = block->hash_next;
			put_into_bucket(data, block);
		}
	}
	if (old != data->few)
		free(old);
}

void vfs_block_insert(struct vfs_node_data *data, struct vfs_block *block, uint64_t index)
{
	if (data->num_blocks >= 2 * data->num_buckets)
		grow(data);
	block->data = data;
	block->index = index;
	block->from = block->to = 0;
	block->dirty_from = block->dirty_to = 0;
	block->busy = VFS_BLOCK_IDLE;
	block->doomed = false;
	atomic_store_explicit(&block->used, false, memory_order_relaxed);
	vfs_list_init(&block->of_data);
	put_into_bucket(data, block);
	data->num_blocks++;
	pthread_mutex_lock(&data->pool->lock);
	vfs_list_add_tail(&data->pool->blocks, &block->of_pool);
	pthread_mutex_unlock(&data->pool->lock);
}

struct vfs_block *vfs_block_take(
	struct vfs_node_data *data, uint64_t index, struct vfs_list *spares)
{
	struct vfs_block *block = vfs_block_find(data, index);

	if (block)
		return block;
	block = vfs_block_pop(spares);
	if (block)
		vfs_block_insert(data, block, index);
	return block;
}

void vfs_block_unhash(struct vfs_node_data *data, struct vfs_block *block)
{
	struct vfs_block **at = bucket_of(data, block->index);

	while (*at != block)
		at = &(*at)->hash_next;
	*at = block->hash_next;
	data->num_blocks--;
}

void vfs_block_remove(struct vfs_node_data *data, struct vfs_block *block, struct vfs_list *removed)
{
	vfs_block_unhash(data, block);
	pthread_mutex_lock(&data->pool->lock);
	vfs_list_del(&block->of_pool);
	pthread_mutex_unlock(&data->pool->lock);
	vfs_list_add_tail(removed, &block->of_pool);
}

unsigned int vfs_blocks_missing(const struct vfs_node_data *data, uint64_t index, unsigned int max)
{
	unsigned int missing = 0;
	unsigned int i;

	for (i = 0; i < max; i++)
		missing += !vfs_block_find(data, index + i);
	return missing;
}

/* ---- what is known of a block, and what of that is dirty ---- */

bool vfs_block_apart(const struct vfs_block *block, uint32_t from, uint32_t to)
{
	return block->from < block->to && (from > block->to || to < block->from);
}

void vfs_block_know(struct vfs_block *block, uint32_t from, uint32_t to)
{
	if (block->from == block->to) {
		block->from = from;
		block->to = to;
		return;
	}
	if (from < block->from)
		block->from = from;
	if (to > block->to)
		block->to = to;
}

static void become_dirty(struct vfs_block *block)
{
	struct vfs_node_data *data = block->data;

	block->dirty_since = data->dirty_clock++;
	vfs_list_add_tail(&data->dirty, &block->of_data);
	atomic_fetch_add(&data->pool->num_dirty, 1);
	if (atomic_fetch_add(&data->num_dirty, 1))
		return;
	vfs_attr_begin_change(data->node);
	pthread_mutex_lock(&data->pool->lock);
	vfs_list_add_tail(&data->pool->dirty, &data->of_pool);
	pthread_mutex_unlock(&data->pool->lock);
}

void vfs_block_soil(struct vfs_block *block, uint32_t from, uint32_t to, struct vfs_file *file)
{
	block->file = file;
	if (!vfs_block_dirty(block)) {
		block->dirty_from = from;
		block->dirty_to = to;
		become_dirty(block);
		return;
	}
	if (from < block->dirty_from)
		block->dirty_from = from;
	if (to > block->dirty_to)
		block->dirty_to = to;
}

void vfs_block_clean(struct vfs_block *block)
{
	struct vfs_node_data *data = block->data;

	block->dirty_from = block->dirty_to = 0;
	vfs_list_del(&block->of_data);
	atomic_fetch_sub(&data->pool->num_dirty, 1);
	if (atomic_fetch_sub(&data->num_dirty, 1) > 1)
		return;
	pthread_mutex_lock(&data->pool->lock);
	vfs_list_del(&data->of_pool);
	pthread_mutex_unlock(&data->pool->lock);
	vfs_attr_end_change(data->node, 0);
}

/* ---- dropping ---- */

/* One piece is left at most: what is in front, if there is anything. */
static void forget_range(struct vfs_block *block, uint32_t from, uint32_t to)
{
	if (from >= block->to || to <= block->from)
		return;
	if (vfs_block_dirty(block)) {
		block->from = block->dirty_from;
		block->to = block->dirty_to;
	} else if (from > block->from) {
		block->to = from;
	} else if (to < block->to) {
		block->from = to;
	} else {
		block->from = block->to = 0;
	}
}

static void drop_of_block(
	struct vfs_block *block, uint64_t from, uint64_t to, struct vfs_list *removed)
{
	uint64_t start = vfs_block_offset(block);
	uint64_t end = start + VFS_BLOCK_SIZE;

	if (from >= end || to <= start)
		return;
	forget_range(block, from > start ? (uint32_t)(from - start) : 0,
		to < end ? (uint32_t)(to - start) : VFS_BLOCK_SIZE);
	if (block->busy != VFS_BLOCK_IDLE)
		block->doomed = true;
	if (block->from == block->to && block->busy == VFS_BLOCK_IDLE)
		vfs_block_remove(block->data, block, removed);
}

static void drop_everywhere(
	struct vfs_node_data *data, uint64_t from, uint64_t to, struct vfs_list *removed)
{
	size_t i;

	for (i = 0; i < data->num_buckets; i++) {
		struct vfs_block *block = data->buckets[i];

		while (block) {
			struct vfs_block *next = block->hash_next;

			drop_of_block(block, from, to, removed);
			block = next;
		}
	}
}

void vfs_blocks_drop(
	struct vfs_node_data *data, uint64_t from, uint64_t to, struct vfs_list *removed)
{
	uint64_t index = from / VFS_BLOCK_SIZE;
	struct vfs_block *block;

	if (from >= to)
		return;
	if ((to - 1) / VFS_BLOCK_SIZE - index >= data->num_buckets) {
		drop_everywhere(data, from, to, removed);
		return;
	}
	for (; index <= (to - 1) / VFS_BLOCK_SIZE; index++) {
		block = vfs_block_find(data, index);
		if (block)
			drop_of_block(block, from, to, removed);
	}
}
