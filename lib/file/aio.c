/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing without waiting. All requests of one queue of completions go through one
 * queue of the device, so that who waits for completions can collect them. What has to be done
 * after a write, and takes time, is done by who takes the completion.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "file/cache.h"
#include "file/window.h"
#include "fuse/sync.h"
#include "ops/ops.h"

/* One read, write or fsync. */
struct slot {
	struct vfs_transfer transfer;
	struct vfs_run run; /* its first request */
	struct vfs_aio *aio;
	struct vfs_list link; /* vfs_aio.free, vfs_aio.done */
	void *user_data;
	size_t size;
	ssize_t result;
	bool write;
};

struct vfs_aio {
	struct vfs_fs *fs;
	unsigned int queue;
	pthread_mutex_t lock;
	struct vfs_list free;
	struct vfs_list done;
	unsigned int under_way;
	_Atomic uint32_t events; /* one more is done */
	int fd;			 /* -1: nobody has asked for it */
	struct slot slots[];
};

VFS_EXPORT int vfs_aio_create(struct vfs_fs *fs, unsigned int depth, struct vfs_aio **result)
{
	struct vfs_aio *aio;
	unsigned int i;

	if (!depth)
		return vfs_error(-EINVAL, "a queue of completions without room for any");
	aio = calloc(1, sizeof(*aio) + depth * sizeof(aio->slots[0]));
	if (!aio)
		return vfs_error(-ENOMEM, "out of memory");
	aio->fs = fs;
	aio->queue = atomic_fetch_add(&fs->pool->num_aios, 1) %
		     vfs_sync_num_queues(vfs_fuse_sync(fs->fuse));
	aio->fd = -1;
	pthread_mutex_init(&aio->lock, NULL);
	vfs_list_init(&aio->free);
	vfs_list_init(&aio->done);
	for (i = 0; i < depth; i++) {
		aio->slots[i].aio = aio;
		vfs_list_add_tail(&aio->free, &aio->slots[i].link);
	}
	*result = aio;
	return 0;
}

/* ---- slots ---- */

static struct slot *get_slot(struct vfs_aio *aio)
{
	struct slot *slot = NULL;

	pthread_mutex_lock(&aio->lock);
	if (!vfs_list_empty(&aio->free)) {
		slot = vfs_list_first(&aio->free, struct slot, link);
		vfs_list_del(&slot->link);
		aio->under_way++;
	}
	pthread_mutex_unlock(&aio->lock);
	return slot;
}

/* Also in a callback: those who wait for the queue are looked at after it. */
static void complete(struct slot *slot, ssize_t result)
{
	struct vfs_aio *aio = slot->aio;

	pthread_mutex_lock(&aio->lock);
	slot->result = result;
	if (aio->fd >= 0 && vfs_list_empty(&aio->done))
		vfs_eventfd_signal(aio->fd);
	vfs_list_add_tail(&aio->done, &slot->link);
	aio->under_way--;
	atomic_fetch_add(&aio->events, 1);
	if (!vfs_sync_in_callback())
		vfs_sync_tell_watchers(vfs_fuse_sync(aio->fs->fuse), aio->queue);
	pthread_mutex_unlock(&aio->lock);
}

/* ---- beginning ---- */

static void transferred(struct vfs_transfer *transfer)
{
	ssize_t r = vfs_transfer_result(transfer);
	struct slot *slot = container_of(transfer, struct slot, transfer);

	complete(slot, r == 0 && slot->write && slot->size ? -EIO : r);
}

static int begin(struct vfs_aio *aio, struct vfs_file *file, struct vfs_iter *iter, uint64_t offset,
	bool write, void *user_data)
{
	struct slot *slot = get_slot(aio);

	if (!slot)
		return -EAGAIN;
	slot->user_data = user_data;
	slot->size = iter->left;
	slot->write = write;
	slot->transfer = (struct vfs_transfer){.file = file,
		.write = write,
		.queue = aio->queue,
		.offset = offset,
		.first = &slot->run,
		.complete = transferred};
	if (write)
		vfs_attr_begin_change(file->node);
	vfs_transfer_begin(&slot->transfer, iter);
	return 0;
}

/* In the window it takes no longer than beginning it. */
static int do_at_once(struct vfs_aio *aio, struct vfs_file *file, struct vfs_iter *iter,
	uint64_t offset, bool write, void *user_data)
{
	struct slot *slot = get_slot(aio);

	if (!slot)
		return -EAGAIN;
	slot->user_data = user_data;
	slot->write = false; /* there is nothing to be done when it is taken */
	complete(slot, write ? vfs_file_write(file, iter, &offset, false)
			     : vfs_file_read(file, iter, offset));
	return 0;
}

static int check(const struct vfs_aio *aio, const struct vfs_file *file, int count, off_t offset)
{
	if (file->fs != aio->fs)
		return -EXDEV;
	return offset < 0 || count > (int)VFS_REQUEST_DATA_MAX ? -EINVAL : 0;
}

static int begin_read(struct vfs_aio *aio, struct vfs_file *file, const struct iovec *iov,
	int count, off_t offset, void *user_data)
{
	struct vfs_iter iter;
	int r = check(aio, file, count, offset);

	if (r == 0)
		r = vfs_file_check_read(file);
	if (r == 0)
		r = vfs_iter_init(&iter, iov, count);
	if (r == 0)
		r = vfs_data_flush(file->node);
	if (r < 0)
		return r;
	vfs_iter_limit(&iter, VFS_OFFSET_MAX - (uint64_t)offset);
	if (vfs_file_in_window(file))
		return do_at_once(aio, file, &iter, (uint64_t)offset, false, user_data);
	return begin(aio, file, &iter, (uint64_t)offset, false, user_data);
}

VFS_EXPORT int vfs_aio_preadv(struct vfs_aio *aio, struct vfs_file *file, const struct iovec *iov,
	int count, off_t offset, void *user_data)
{
	struct vfs_call call = vfs_call_begin(file->fs, "read", file->path);

	return (int)vfs_call_end(&call, begin_read(aio, file, iov, count, offset, user_data));
}

static int begin_write(struct vfs_aio *aio, struct vfs_file *file, const struct iovec *iov,
	int count, off_t offset, void *user_data)
{
	struct vfs_iter iter;
	int r = check(aio, file, count, offset);

	if (r == 0)
		r = vfs_file_check_write(file);
	/* The server appends by itself, wherever it is told to write. */
	if (r == 0 && (file->flags & O_APPEND))
		r = -EINVAL;
	if (r == 0)
		r = vfs_iter_init(&iter, iov, count);
	if (r == 0 && (uint64_t)offset >= VFS_OFFSET_MAX)
		r = -EFBIG;
	if (r == 0 && vfs_file_in_window(file))
		return do_at_once(aio, file, &iter, (uint64_t)offset, true, user_data);
	if (r == 0)
		r = vfs_data_flush(file->node);
	if (r == 0)
		r = vfs_remove_privileges(file);
	if (r < 0)
		return r;
	vfs_iter_limit(&iter, VFS_OFFSET_MAX - (uint64_t)offset);
	return begin(aio, file, &iter, (uint64_t)offset, true, user_data);
}

VFS_EXPORT int vfs_aio_pwritev(struct vfs_aio *aio, struct vfs_file *file, const struct iovec *iov,
	int count, off_t offset, void *user_data)
{
	struct vfs_call call = vfs_call_begin(file->fs, "write", file->path);

	return (int)vfs_call_end(&call, begin_write(aio, file, iov, count, offset, user_data));
}

static void synced(struct vfs_op *op, void *ctx)
{
	complete(ctx, op->result == -ENOSYS ? 0 : op->result);
}

static int begin_fsync(struct vfs_aio *aio, struct vfs_file *file, bool data_only, void *user_data)
{
	struct slot *slot;
	int r = file->fs == aio->fs ? 0 : -EXDEV;

	if (r == 0 && (file->flags & O_PATH))
		r = -EBADF;
	if (r < 0)
		return r;
	(void)vfs_data_flush(file->node);
	vfs_window_tell(file->node, file);
	slot = get_slot(aio);
	if (!slot)
		return -EAGAIN;
	slot->user_data = user_data;
	slot->write = false;
	vfs_file_encode_fsync(file, &slot->run.op, data_only);
	r = vfs_data_error(file);
	if (r == 0)
		r = vfs_fuse_submit_on(aio->fs->fuse, aio->queue, &slot->run.op, synced, slot);
	if (r < 0)
		complete(slot, r == -ENOSYS ? 0 : r);
	return 0;
}

VFS_EXPORT int vfs_aio_fsync(
	struct vfs_aio *aio, struct vfs_file *file, bool data_only, void *user_data)
{
	struct vfs_call call = vfs_call_begin(file->fs, "fsync", file->path);

	return (int)vfs_call_end(&call, begin_fsync(aio, file, data_only, user_data));
}

/* ---- taking completions ---- */

static void end_write(const struct slot *slot)
{
	struct vfs_node *node = slot->transfer.file->node;
	uint64_t offset = slot->transfer.offset;

	vfs_data_drop(node, offset, offset + slot->size);
	vfs_attr_end_change(node, slot->result > 0 ? offset + (uint64_t)slot->result : 0);
}

static struct slot *next_done(struct vfs_aio *aio)
{
	struct slot *slot = NULL;

	pthread_mutex_lock(&aio->lock);
	if (!vfs_list_empty(&aio->done)) {
		slot = vfs_list_first(&aio->done, struct slot, link);
		vfs_list_del(&slot->link);
		if (aio->fd >= 0 && vfs_list_empty(&aio->done))
			vfs_eventfd_clear(aio->fd);
	}
	pthread_mutex_unlock(&aio->lock);
	return slot;
}

static void put_slot(struct vfs_aio *aio, struct slot *slot)
{
	pthread_mutex_lock(&aio->lock);
	vfs_list_add_tail(&aio->free, &slot->link);
	pthread_mutex_unlock(&aio->lock);
}

static unsigned int take(struct vfs_aio *aio, struct vfs_aio_result *results, unsigned int max)
{
	unsigned int count;

	for (count = 0; count < max; count++) {
		struct slot *slot = next_done(aio);

		if (!slot)
			break;
		if (slot->write)
			end_write(slot);
		results[count] = (struct vfs_aio_result){
			.user_data = slot->user_data, .result = slot->result};
		put_slot(aio, slot);
	}
	return count;
}

static bool has_more(struct vfs_aio *aio)
{
	bool more;

	pthread_mutex_lock(&aio->lock);
	more = aio->under_way > 0 || !vfs_list_empty(&aio->done);
	pthread_mutex_unlock(&aio->lock);
	return more;
}

static int wait_for_more(struct vfs_aio *aio, uint32_t events, uint64_t until_ns)
{
	return vfs_sync_watch(
		vfs_fuse_sync(aio->fs->fuse), aio->queue, &aio->events, events, until_ns);
}

/* Somebody has to look whether answers have come, at least once. */
VFS_EXPORT int vfs_aio_reap(struct vfs_aio *aio, struct vfs_aio_result *results, unsigned int min,
	unsigned int max, int timeout_ms)
{
	uint64_t until_ns = timeout_ms < 0 ? UINT64_MAX
					   : vfs_deadline_in((unsigned int)timeout_ms).ns;
	unsigned int count = 0;
	bool last = false;

	for (;;) {
		uint32_t events = atomic_load(&aio->events);

		count += take(aio, results + count, max - count);
		if (last || count == max || !has_more(aio))
			return (int)count;
		last = count >= min;
		if (wait_for_more(aio, events, last ? 0 : until_ns) < 0)
			last = true;
	}
}

/* ---- a descriptor ---- */

static int start_threads(struct vfs_fs *fs)
{
	int r;

	pthread_mutex_lock(&fs->pool->threads_lock);
	r = vfs_sync_start_threads(vfs_fuse_sync(fs->fuse));
	pthread_mutex_unlock(&fs->pool->threads_lock);
	return r == -EBUSY ? 0 : r;
}

static int create_fd(struct vfs_aio *aio)
{
	int fd = vfs_eventfd_create();

	if (fd < 0)
		return fd;
	pthread_mutex_lock(&aio->lock);
	aio->fd = fd;
	if (!vfs_list_empty(&aio->done))
		vfs_eventfd_signal(fd);
	pthread_mutex_unlock(&aio->lock);
	return fd;
}

VFS_EXPORT int vfs_aio_fd(struct vfs_aio *aio)
{
	int r = start_threads(aio->fs);

	if (r < 0)
		return r;
	return aio->fd >= 0 ? aio->fd : create_fd(aio);
}

VFS_EXPORT void vfs_aio_destroy(struct vfs_aio *aio)
{
	struct vfs_aio_result result;

	if (!aio)
		return;
	while (vfs_aio_reap(aio, &result, 1, 1, -1) > 0)
		;
	if (aio->fd >= 0)
		close(aio->fd);
	pthread_mutex_destroy(&aio->lock);
	free(aio);
}
