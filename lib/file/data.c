/* SPDX-License-Identifier: MIT */
/* What is kept of a node's data: from its first use to its end, and how long it holds. */
#include <stdlib.h>
#include <string.h>

#include "file/cache.h"
#include "file/window.h"
#include "fuse/sync.h"

/* ---- from the first use to the end ---- */

static void init_lock(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attributes;

	pthread_rwlockattr_init(&attributes);
	/* Who reads all the time does not keep others from writing. */
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(lock, &attributes);
	pthread_rwlockattr_destroy(&attributes);
}

void vfs_data_init(struct vfs_node *node)
{
	init_lock(&node->writers);
	atomic_init(&node->data, NULL);
}

static struct vfs_node_data *create(struct vfs_node *node)
{
	struct vfs_node_data *data = calloc(1, sizeof(*data));

	if (!data)
		return NULL;
	data->node = node;
	data->pool = node->fs->pool;
	atomic_init(&data->users, 1);
	init_lock(&data->lock);
	data->buckets = data->few;
	data->num_buckets = VFS_DATA_BUCKETS;
	vfs_list_init(&data->dirty);
	vfs_list_init(&data->of_pool);
	vfs_list_init(&data->runs);
	data->queue = (unsigned int)(node->id % vfs_sync_num_queues(vfs_fuse_sync(node->fs->fuse)));
	return data;
}

struct vfs_node_data *vfs_data_of(struct vfs_node *node)
{
	struct vfs_node_data *data = atomic_load(&node->data);
	struct vfs_node_data *none = NULL;

	if (data)
		return data;
	data = create(node);
	if (!data || atomic_compare_exchange_strong(&node->data, &none, data))
		return data;
	vfs_data_release(data);
	return none;
}

void vfs_data_hold(struct vfs_node_data *data)
{
	atomic_fetch_add(&data->users, 1);
}

void vfs_data_release(struct vfs_node_data *data)
{
	if (atomic_fetch_sub(&data->users, 1) > 1)
		return;
	pthread_rwlock_destroy(&data->lock);
	if (data->buckets != data->few)
		free(data->buckets);
	free(data);
}

void vfs_data_free(struct vfs_node *node)
{
	struct vfs_node_data *data = atomic_load(&node->data);

	if (data) {
		vfs_data_drop(node, 0, UINT64_MAX);
		vfs_data_release(data);
	}
	vfs_dax_inode_destroy(atomic_load(&node->dax));
	pthread_rwlock_destroy(&node->writers);
}

/* ---- waiting ---- */

/* Who waits counts himself before he looks at events, and this looks after changing them. */
void vfs_data_changed(struct vfs_node_data *data)
{
	atomic_fetch_add(&data->events, 1);
	if (atomic_load(&data->waiting))
		vfs_sync_tell_watchers(vfs_fuse_sync(data->pool->fs->fuse), data->queue);
}

void vfs_data_wait(struct vfs_node_data *data, uint32_t events)
{
	atomic_fetch_add(&data->waiting, 1);
	(void)vfs_sync_watch(vfs_fuse_sync(data->pool->fs->fuse), data->queue, &data->events,
		events, UINT64_MAX);
	atomic_fetch_sub(&data->waiting, 1);
}

/* ---- what still holds ---- */

void vfs_data_drop(struct vfs_node *node, uint64_t from, uint64_t to)
{
	struct vfs_node_data *data = atomic_load(&node->data);
	struct vfs_list removed;

	if (!data)
		return;
	vfs_list_init(&removed);
	pthread_rwlock_wrlock(&data->lock);
	data->drops++;
	vfs_blocks_drop(data, from, to, &removed);
	pthread_rwlock_unlock(&data->lock);
	vfs_pool_give(data->pool, &removed);
}

static bool take_stale(struct vfs_node *node)
{
	bool stale;

	pthread_mutex_lock(&node->fs->lock);
	stale = node->data_stale;
	node->data_stale = false;
	pthread_mutex_unlock(&node->fs->lock);
	return stale;
}

/* Who sees that nothing is stale any more, does not see what was. */
static void drop_stale(struct vfs_node_data *data)
{
	struct vfs_list removed;

	vfs_list_init(&removed);
	pthread_rwlock_wrlock(&data->lock);
	if (take_stale(data->node))
		vfs_blocks_drop(data, 0, UINT64_MAX, &removed);
	pthread_rwlock_unlock(&data->lock);
	vfs_pool_give(data->pool, &removed);
}

static bool is_changing(struct vfs_node *node)
{
	bool changing;

	pthread_mutex_lock(&node->fs->lock);
	changing = node->changing > 0;
	pthread_mutex_unlock(&node->fs->lock);
	return changing;
}

int vfs_data_size(struct vfs_file *file, bool fresh, uint64_t *size)
{
	struct vfs_node *node = file->node;
	struct vfs_node_data *data = atomic_load(&node->data);
	struct fuse_attr attr;
	bool stale;
	int r = 0;

	if (vfs_attr_known_size(node, fresh, size))
		return 0;
	/* This client knows best while it changes the file. */
	if (!is_changing(node))
		r = vfs_attr_get(node, file, fresh, &attr);
	if (r < 0)
		return r;
	pthread_mutex_lock(&node->fs->lock);
	*size = node->size;
	stale = node->data_stale;
	pthread_mutex_unlock(&node->fs->lock);
	if (stale && data)
		drop_stale(data);
	return 0;
}

/* ---- open files ---- */

/* Only what is known to belong to attributes can be compared with others. */
static bool can_be_compared(struct vfs_node *node)
{
	bool can;

	pthread_mutex_lock(&node->fs->lock);
	can = node->data_seen || node->changing;
	pthread_mutex_unlock(&node->fs->lock);
	return can;
}

static uint64_t count_errors(struct vfs_node_data *data)
{
	uint64_t errors;

	pthread_rwlock_rdlock(&data->lock);
	errors = data->errors;
	pthread_rwlock_unlock(&data->lock);
	return errors;
}

/* What the server says of its size from before does not count. */
static void become_empty(struct vfs_node *node)
{
	vfs_data_drop(node, 0, UINT64_MAX);
	vfs_attr_expire(node);
	pthread_mutex_lock(&node->fs->lock);
	if (!node->changing)
		node->size = 0;
	pthread_mutex_unlock(&node->fs->lock);
}

int vfs_data_open(struct vfs_file *file, bool truncated)
{
	struct vfs_node_data *data = atomic_load(&file->node->data);

	vfs_window_open(file);
	file->error_seen = data ? count_errors(data) : 0;
	file->next_offset = 0;
	file->readahead = 0;
	if (truncated)
		become_empty(file->node);
	if (truncated || file->fs->options.cache != VFS_CACHE_AUTO ||
		(file->open_flags & FOPEN_KEEP_CACHE))
		return 0;
	if (!can_be_compared(file->node))
		vfs_data_drop(file->node, 0, UINT64_MAX);
	/* Whoever wants to know asks, and then it is seen whether the data is as it was. */
	vfs_attr_expire(file->node);
	return 0;
}

int vfs_data_error(struct vfs_file *file)
{
	struct vfs_node_data *data = atomic_load(&file->node->data);
	int r;

	if (!data)
		return 0;
	pthread_rwlock_wrlock(&data->lock);
	r = file->error_seen == data->errors ? 0 : data->error;
	file->error_seen = data->errors;
	pthread_rwlock_unlock(&data->lock);
	return r;
}

static bool reads_ahead(const struct vfs_node_data *data, const struct vfs_file *file)
{
	const struct vfs_run *run;

	vfs_list_for_each(run, &data->runs, struct vfs_run, link)
	{
		if (run->file == file)
			return true;
	}
	return false;
}

/* Its handle is in use as long as the server has not answered. */
static void wait_for_runs(struct vfs_node_data *data, const struct vfs_file *file)
{
	uint32_t events;
	bool busy;

	for (;;) {
		pthread_rwlock_rdlock(&data->lock);
		events = atomic_load(&data->events);
		busy = reads_ahead(data, file);
		pthread_rwlock_unlock(&data->lock);
		if (!busy)
			return;
		vfs_data_wait(data, events);
	}
}

int vfs_data_close(struct vfs_file *file)
{
	struct vfs_node_data *data = atomic_load(&file->node->data);

	vfs_window_tell(file->node, file);
	if (!data)
		return 0;
	if ((file->flags & O_ACCMODE) != O_RDONLY)
		(void)vfs_data_flush(file->node);
	wait_for_runs(data, file);
	return vfs_data_error(file);
}

/* ---- for others ---- */

int vfs_data_begin_change(struct vfs_node *node)
{
	pthread_rwlock_wrlock(&node->writers);
	return vfs_data_flush(node);
}

void vfs_data_end_change(struct vfs_node *node, uint64_t from, uint64_t to)
{
	vfs_data_drop(node, from, to);
	if (to == UINT64_MAX)
		vfs_window_cut(node, from);
	pthread_rwlock_unlock(&node->writers);
}

static size_t peek(const struct vfs_node_data *data, uint64_t offset, char *to, size_t size)
{
	const struct vfs_block *block = vfs_block_find(data, offset / VFS_BLOCK_SIZE);
	uint32_t at = (uint32_t)(offset % VFS_BLOCK_SIZE);

	if (!block || at < block->from || at >= block->to)
		return 0;
	size = min_size(size, block->to - at);
	memcpy(to, block->memory + at, size);
	return size;
}

size_t vfs_data_peek(struct vfs_node *node, uint64_t offset, void *to, size_t size)
{
	struct vfs_node_data *data = atomic_load(&node->data);
	size_t done = 0;
	size_t some;

	if (!data)
		return 0;
	pthread_rwlock_rdlock(&data->lock);
	do {
		some = peek(data, offset + done, (char *)to + done, size - done);
		done += some;
	} while (some && done < size);
	pthread_rwlock_unlock(&data->lock);
	return done;
}
