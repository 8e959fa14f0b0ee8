/* SPDX-License-Identifier: MIT */
/* Reading: from what is kept, which is filled as needed, or past it. */
#include <errno.h>

#include "file/cache.h"
#include "file/window.h"

#define DEFAULT_READAHEAD (128u << 10)
#define FIRST_READAHEAD	  (2 * VFS_BLOCK_SIZE)

bool vfs_file_is_direct(const struct vfs_file *file)
{
	return file->direct || file->fs->options.cache == VFS_CACHE_NONE ||
	       vfs_file_in_window(file);
}

/* ---- what is kept ---- */

/* With the lock: the next bytes of one block. 0: they are not known. */
static size_t copy_from_block(
	const struct vfs_node_data *data, struct vfs_iter *to, uint64_t offset, uint64_t end)
{
	struct vfs_block *block = vfs_block_find(data, offset / VFS_BLOCK_SIZE);
	uint32_t at = (uint32_t)(offset % VFS_BLOCK_SIZE);
	size_t size;

	if (!block || at < block->from || at >= block->to)
		return 0;
	size = min_size(min_size(block->to - at, to->left), (size_t)(end - offset));
	vfs_iter_put(to, block->memory + at, size);
	if (!atomic_load_explicit(&block->used, memory_order_relaxed))
		atomic_store_explicit(&block->used, true, memory_order_relaxed);
	return size;
}

static size_t copy_kept(struct vfs_node_data *data, struct vfs_iter *to, uint64_t offset,
	uint64_t end, size_t *blocks)
{
	size_t done = 0;
	size_t size;

	*blocks = 0;
	pthread_rwlock_rdlock(&data->lock);
	while (to->left && offset + done < end &&
		(size = copy_from_block(data, to, offset + done, end))) {
		done += size;
		++*blocks;
	}
	pthread_rwlock_unlock(&data->lock);
	return done;
}

/* ---- how far ahead ---- */

static uint32_t max_readahead(const struct vfs_fs *fs)
{
	int bytes = fs->options.readahead;

	if (bytes < 0)
		return 0;
	return bytes ? (uint32_t)bytes : DEFAULT_READAHEAD;
}

/*
 * Threads that read the same open file at once get each other's place: they look like somebody who
 * reads here and there, and that is what they do.
 */
static uint32_t window_of(struct vfs_file *file, uint64_t offset)
{
	uint32_t max = max_readahead(file->fs);
	uint32_t window = __atomic_load_n(&file->readahead, __ATOMIC_RELAXED);

	if (__atomic_load_n(&file->next_offset, __ATOMIC_RELAXED) != offset)
		return 0;
	window = window ? 2 * window : FIRST_READAHEAD;
	return window < max ? window : max;
}

static void remember_place(struct vfs_file *file, uint64_t offset, uint32_t window)
{
	__atomic_store_n(&file->next_offset, offset, __ATOMIC_RELAXED);
	__atomic_store_n(&file->readahead, window, __ATOMIC_RELAXED);
}

/* When half of what was read ahead has been used, the rest is read. */
static void go_ahead(struct vfs_node_data *data, struct vfs_file *file, uint64_t offset,
	uint32_t window, uint64_t size)
{
	uint64_t middle = offset + window / 2;
	bool there;

	if (!window || middle >= size)
		return;
	pthread_rwlock_rdlock(&data->lock);
	there = vfs_block_find(data, middle / VFS_BLOCK_SIZE);
	pthread_rwlock_unlock(&data->lock);
	if (!there)
		vfs_read_ahead(data, file, offset, offset + window < size ? offset + window : size);
}

/* ---- reading ---- */

/* One who reads what is kept. */
struct reader {
	struct vfs_file *file;
	struct vfs_node_data *data;
	struct vfs_iter *to;
	uint64_t offset;
	uint64_t size;	 /* of the file */
	uint64_t filled; /* by himself, up to there: that is not counted as found */
	uint32_t window; /* to be read ahead */
	bool zeros;	 /* the server may have fewer bytes than the file; the rest are zeros */
};

/* The server has fewer bytes than there are in the file: somebody may have truncated it. */
static int look_at_size(struct reader *reader)
{
	reader->zeros = true;
	return vfs_data_size(reader->file, true, &reader->size);
}

static int read_without_block(struct reader *reader)
{
	struct vfs_iter part = *reader->to;
	ssize_t r;

	vfs_iter_limit(&part, min_size(VFS_BLOCK_SIZE, (size_t)(reader->size - reader->offset)));
	r = vfs_data_flush(reader->file->node);
	if (r == 0)
		r = vfs_read_past(reader->file, &part, reader->offset);
	if (r <= 0) {
		/* It ends here, whatever was known. */
		reader->size = r ? reader->size : reader->offset;
		return (int)r;
	}
	vfs_iter_advance(reader->to, (size_t)r);
	reader->offset += (uint64_t)r;
	return 0;
}

static int fill(struct reader *reader)
{
	uint64_t end = reader->offset + reader->to->left + reader->window;
	int r;

	if (end > reader->size)
		end = reader->size;
	r = vfs_fill(
		reader->data, reader->file, reader->offset, end, reader->zeros ? reader->size : 0);
	if (r == -ENOBUFS)
		return read_without_block(reader);
	if (r < 0)
		return r == -EAGAIN ? 0 : r;
	reader->filled = end;
	return r && !reader->zeros ? look_at_size(reader) : 0;
}

static void take_kept(struct reader *reader)
{
	size_t blocks;
	size_t n = copy_kept(reader->data, reader->to, reader->offset, reader->size, &blocks);

	if (n && reader->offset >= reader->filled)
		atomic_fetch_add_explicit(&reader->data->pool->hits, blocks, memory_order_relaxed);
	reader->offset += n;
}

static int read_all(struct reader *reader)
{
	int r = 0;

	while (r == 0) {
		take_kept(reader);
		if (!reader->to->left || reader->offset >= reader->size)
			break;
		r = fill(reader);
	}
	return r;
}

static ssize_t read_kept(
	struct vfs_node_data *data, struct vfs_file *file, struct vfs_iter *to, uint64_t offset)
{
	struct reader reader = {.file = file, .data = data, .to = to, .offset = offset};
	int r = vfs_data_size(file, false, &reader.size);

	if (r < 0)
		return r;
	reader.window = window_of(file, offset);
	reader.zeros = atomic_load(&data->num_dirty) > 0;
	r = read_all(&reader);
	remember_place(file, reader.offset, reader.window);
	go_ahead(data, file, reader.offset, reader.window, reader.size);
	return reader.offset > offset ? (ssize_t)(reader.offset - offset) : r;
}

ssize_t vfs_file_read(struct vfs_file *file, struct vfs_iter *to, uint64_t offset)
{
	struct vfs_node_data *data;
	int r;

	if (offset >= VFS_OFFSET_MAX)
		return 0;
	vfs_iter_limit(to, VFS_OFFSET_MAX - offset);
	if (!to->left)
		return 0;
	if (vfs_file_in_window(file))
		return vfs_window_read(file, to, offset);
	data = vfs_file_is_direct(file) ? NULL : vfs_data_of(file->node);
	if (data)
		return read_kept(data, file, to, offset);
	r = vfs_data_flush(file->node);
	return r < 0 ? r : vfs_read_past(file, to, offset);
}
