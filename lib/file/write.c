/* SPDX-License-Identifier: MIT */
/*
 * Writing: into blocks, which are written back later; or to the server, and then what it has taken
 * into blocks; or past them.
 */
#include <errno.h>
#include <string.h>

#include "file/cache.h"
#include "file/window.h"

/* ---- into blocks, to be written back ---- */

/* A write to one block. */
struct piece {
	struct vfs_file *file;
	struct vfs_node_data *data;
	uint64_t index;
	uint32_t from;
	uint32_t to;
};

static struct piece next_piece(struct vfs_file *file, struct vfs_node_data *data,
	const struct vfs_iter *iter, uint64_t offset)
{
	uint32_t from = (uint32_t)(offset % VFS_BLOCK_SIZE);

	return (struct piece){
		.file = file,
		.data = data,
		.index = offset / VFS_BLOCK_SIZE,
		.from = from,
		.to = from + (uint32_t)min_size(VFS_BLOCK_SIZE - from, iter->left),
	};
}

static void take_spare(struct vfs_node_data *data, uint64_t index, struct vfs_list *spares)
{
	bool missing;

	vfs_list_init(spares);
	pthread_rwlock_rdlock(&data->lock);
	missing = !vfs_block_find(data, index);
	pthread_rwlock_unlock(&data->lock);
	if (missing)
		vfs_pool_take(data->pool, 1, spares);
}

static bool can_read(const struct vfs_file *file)
{
	return (file->sent_flags & O_ACCMODE) != O_WRONLY;
}

/*
 * What is dirty already and what is written are apart: read what is between them, or write the one
 * back. With the lock, which is given up.
 */
static int bridge(const struct piece *piece, struct vfs_block *block)
{
	bool behind = piece->from > block->to;
	uint32_t from = behind ? block->to : piece->to;
	uint32_t to = behind ? piece->from : block->from;
	uint32_t max = piece->file->fs->max_read;

	/* What does not fit into one READ, next to what is known first. */
	if (to - from > max && behind)
		to = from + max;
	else if (to - from > max)
		from = to - max;
	if (can_read(piece->file) && vfs_fill_gap(block, piece->file, from, to) == 0)
		return -EAGAIN;
	if (!can_read(piece->file))
		pthread_rwlock_unlock(&piece->data->lock);
	(void)vfs_data_flush(piece->file->node);
	return -EAGAIN;
}

/* Between the end of the file and what is written there are zeros. */
static bool know_hole(const struct piece *piece, struct vfs_block *block)
{
	if (piece->from < block->to ||
		vfs_block_offset(block) + block->to < vfs_attr_size(piece->file->node))
		return false;
	memset(block->memory + block->to, 0, piece->from - block->to);
	block->to = piece->from;
	return true;
}

/* Make the block such that it can be written to. With the lock, given up if it cannot. */
static int make_ready(const struct piece *piece, struct vfs_block *block)
{
	uint32_t events = atomic_load(&piece->data->events);

	if (block->busy) {
		pthread_rwlock_unlock(&piece->data->lock);
		vfs_data_wait(piece->data, events);
		return -EAGAIN;
	}
	if (!vfs_block_apart(block, piece->from, piece->to) || know_hole(piece, block))
		return 0;
	if (vfs_block_dirty(block))
		return bridge(piece, block);
	/* What is clean can be had again. */
	block->from = block->to = 0;
	return 0;
}

/* With the lock, and without it afterwards. */
static int put_into(const struct piece *piece, struct vfs_block *block, struct vfs_iter *iter)
{
	int r = make_ready(piece, block);

	if (r < 0)
		return r;
	vfs_iter_take(iter, block->memory + piece->from, piece->to - piece->from);
	vfs_block_know(block, piece->from, piece->to);
	vfs_block_soil(block, piece->from, piece->to, piece->file);
	vfs_attr_grow(piece->file->node, vfs_block_offset(block) + piece->to);
	pthread_rwlock_unlock(&piece->data->lock);
	return 0;
}

static int keep_piece(const struct piece *piece, struct vfs_iter *iter)
{
	struct vfs_list spares;
	struct vfs_block *block;
	int r = -ENOBUFS;

	take_spare(piece->data, piece->index, &spares);
	pthread_rwlock_wrlock(&piece->data->lock);
	block = vfs_block_take(piece->data, piece->index, &spares);
	if (block)
		r = put_into(piece, block, iter);
	else
		pthread_rwlock_unlock(&piece->data->lock);
	vfs_pool_give(piece->data->pool, &spares);
	return r;
}

/* ---- to the server ---- */

static uint64_t count_drops(struct vfs_node_data *data)
{
	uint64_t drops;

	pthread_rwlock_rdlock(&data->lock);
	drops = data->drops;
	pthread_rwlock_unlock(&data->lock);
	return drops;
}

/*
 * What cannot be kept is dropped, and what is being read may be older. If something was dropped
 * since the question (@drops), somebody else may have written after this.
 */
static void keep_written(
	const struct piece *piece, struct vfs_iter *iter, uint64_t drops, struct vfs_list *spares)
{
	struct vfs_block *block = NULL;
	uint64_t start = piece->index * VFS_BLOCK_SIZE;
	uint32_t size = piece->to - piece->from;

	if (piece->data->drops == drops)
		block = vfs_block_take(piece->data, piece->index, spares);
	if (!block || block->busy || vfs_block_dirty(block)) {
		vfs_blocks_drop(piece->data, start + piece->from, start + piece->to, spares);
		vfs_iter_advance(iter, size);
		return;
	}
	if (vfs_block_apart(block, piece->from, piece->to))
		block->from = block->to = 0;
	vfs_iter_take(iter, block->memory + piece->from, size);
	vfs_block_know(block, piece->from, piece->to);
}

static void keep_all_written(struct vfs_node_data *data, struct vfs_file *file,
	struct vfs_iter iter, uint64_t offset, uint64_t drops)
{
	struct vfs_list spares;

	while (iter.left) {
		struct piece piece = next_piece(file, data, &iter, offset);

		take_spare(data, piece.index, &spares);
		pthread_rwlock_wrlock(&data->lock);
		keep_written(&piece, &iter, drops, &spares);
		pthread_rwlock_unlock(&data->lock);
		vfs_pool_give(data->pool, &spares);
		offset += piece.to - piece.from;
	}
}

/*
 * @keep: put what was written into blocks. The rest is dropped, as a write that failed may have
 * been done in part. With O_APPEND the server knows where it went, and this client only if nobody
 * else has written.
 */
static ssize_t write_to_server(
	struct vfs_file *file, struct vfs_iter *from, uint64_t offset, bool append, bool keep)
{
	struct vfs_node_data *data = keep && !append ? vfs_data_of(file->node) : NULL;
	uint64_t end = append ? UINT64_MAX : offset + from->left;
	struct vfs_iter taken = *from;
	ssize_t r = vfs_data_flush(file->node);
	uint64_t drops = data ? count_drops(data) : 0;
	size_t kept = 0;

	if (r < 0)
		return r;
	vfs_attr_begin_change(file->node);
	r = vfs_write_past(file, from, offset, append);
	if (r > 0) {
		vfs_iter_advance(from, (size_t)r);
		vfs_iter_limit(&taken, (size_t)r);
		kept = data ? (size_t)r : 0;
	}
	if (kept)
		keep_all_written(data, file, taken, offset, drops);
	vfs_data_drop(file->node, offset + kept, end);
	vfs_attr_end_change(file->node, r > 0 ? offset + (uint64_t)r : 0);
	return r;
}

/* ---- one or the other ---- */

static ssize_t write_back_later(
	struct vfs_node_data *data, struct vfs_file *file, struct vfs_iter *from, uint64_t offset)
{
	ssize_t done = 0;

	while (from->left) {
		struct piece piece = next_piece(file, data, from, offset + (uint64_t)done);
		ssize_t r = keep_piece(&piece, from);

		if (r == 0)
			r = piece.to - piece.from;
		else if (r == -ENOBUFS)
			r = write_to_server(file, from, offset + (uint64_t)done, false, false);
		if (r < 0 && r != -EAGAIN)
			return done ? done : r;
		if (r > 0)
			done += r;
	}
	return done;
}

/* Others are told of a change of a program that runs with somebody else's rights at once. */
bool vfs_may_write_unseen(struct vfs_file *file)
{
	struct vfs_fs *fs = file->fs;
	struct vfs_caller caller;
	mode_t mode;

	pthread_mutex_lock(&fs->lock);
	mode = file->node->attr.mode;
	pthread_mutex_unlock(&fs->lock);
	if (!(mode & (S_ISUID | S_ISGID)))
		return true;
	vfs_caller_get(&caller);
	return caller.uid == 0;
}

static bool writes_back(struct vfs_file *file)
{
	return file->fs->options.writeback && !vfs_file_is_direct(file) &&
	       vfs_may_write_unseen(file);
}

/* What is in the window there, and the rest by request. */
static ssize_t write_through_window(struct vfs_file *file, struct vfs_iter *from, uint64_t offset)
{
	size_t done = vfs_window_write(file, from, offset);
	ssize_t r = 0;

	if (from->left)
		r = write_to_server(file, from, offset + done, false, false);
	return done && r <= 0 ? (ssize_t)done : (ssize_t)done + r;
}

static ssize_t write_exclusively(
	struct vfs_file *file, struct vfs_iter *from, uint64_t offset, bool append)
{
	struct vfs_node_data *data = writes_back(file) ? vfs_data_of(file->node) : NULL;
	bool at_end = append && (file->sent_flags & O_APPEND);
	uint64_t size;
	int r = 0;

	/* From the first change on this client answers for the size. */
	if (data && !append)
		r = vfs_data_size(file, false, &size);
	if (r < 0)
		return r;
	if (data)
		return write_back_later(data, file, from, offset);
	if (!append && vfs_file_in_window(file))
		return write_through_window(file, from, offset);
	return write_to_server(file, from, offset, at_end, !vfs_file_is_direct(file));
}

static int check_limits(struct vfs_iter *from, uint64_t offset)
{
	if (offset >= VFS_OFFSET_MAX)
		return -EFBIG;
	vfs_iter_limit(from, VFS_OFFSET_MAX - offset);
	return 0;
}

static int find_end(struct vfs_file *file, uint64_t *offset)
{
	return vfs_data_size(file, file->fs->options.cache != VFS_CACHE_ALWAYS, offset);
}

static ssize_t write_with_lock(
	struct vfs_file *file, struct vfs_iter *from, uint64_t *offset, bool append)
{
	int r = append ? find_end(file, offset) : 0;

	if (r == 0)
		r = check_limits(from, *offset);
	if (r == 0)
		r = vfs_remove_privileges(file);
	return r < 0 ? r : write_exclusively(file, from, *offset, append);
}

ssize_t vfs_file_write(struct vfs_file *file, struct vfs_iter *from, uint64_t *offset, bool append)
{
	struct vfs_node *node = file->node;
	ssize_t r;

	if (!from->left)
		return 0;
	if (vfs_file_is_direct(file) && !append)
		pthread_rwlock_rdlock(&node->writers);
	else
		pthread_rwlock_wrlock(&node->writers);
	r = write_with_lock(file, from, offset, append);
	pthread_rwlock_unlock(&node->writers);
	if (r > 0)
		vfs_pool_throttle(file->fs->pool);
	return r;
}
