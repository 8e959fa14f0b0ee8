/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file/stub_fuse.h"
#include "file/walk.h"
#include "fuse/observe.h"
#include "fuse/sync.h"
#include "ops/ops.h"

struct stub stub;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static _Thread_local bool in_callback;

/* ---- an allocator that fails ---- */

void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__real_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);

static bool fails(void)
{
	static _Atomic unsigned int seed;

	if (!stub.alloc_fails)
		return false;
	return (atomic_fetch_add(&seed, 1) * 2654435761u >> 8) % stub.alloc_fails == 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

/* ---- the server; with the lock ---- */

static int64_t read_file(struct vfs_op *op)
{
	uint64_t at = op->args.read.offset;
	int64_t done = 0;
	unsigned int i;

	for (i = 0; i < op->data_count; i++) {
		uint64_t left = at < stub.size ? stub.size - at : 0;
		size_t size = min_size(op->data[i].iov_len, left);

		memcpy(op->data[i].iov_base, stub.bytes + at, size);
		at += size;
		done += (int64_t)size;
	}
	stub.bytes_read += (uint64_t)done;
	return stub.read_error ? stub.read_error : done;
}

static size_t to_be_taken(const struct vfs_op *op)
{
	size_t size = 0;
	unsigned int i;

	for (i = 0; i < op->data_count; i++)
		size += op->data[i].iov_len;
	if (stub.short_writes && rand_r(&stub.seed) % 3 == 0)
		size = 1 + (size_t)rand_r(&stub.seed) % size;
	return stub.no_writes ? 0 : size;
}

static int64_t write_file(struct vfs_op *op)
{
	uint64_t at = op->args.write.offset;
	size_t left = to_be_taken(op);
	unsigned int i;

	stub.write_flags = op->args.write.write_flags;
	if (stub.write_error)
		return stub.write_error;
	for (i = 0; i < op->data_count && left; i++) {
		size_t size = min_size(op->data[i].iov_len, left);

		if (at + size > STUB_FILE_MAX)
			return -EFBIG;
		memcpy(stub.bytes + at, op->data[i].iov_base, size);
		at += size;
		left -= size;
	}
	if (at > stub.size)
		stub.size = at;
	stub.mtime++;
	if (stub.after_write)
		stub.after_write();
	return (int64_t)(at - op->args.write.offset);
}

static void set_size(uint64_t size)
{
	if (size < stub.size)
		memset(stub.bytes + size, 0, stub.size - size);
	stub.size = size;
	stub.mtime++;
}

static int64_t attributes(struct vfs_op *op)
{
	op->answer.attr = (struct fuse_attr_out){.attr_valid = stub.attr_valid_s,
		.attr = {.ino = STUB_NODE,
			.size = stub.size,
			.mtime = stub.mtime,
			.mode = S_IFREG | 0644,
			.nlink = 1}};
	return 0;
}

static int64_t copy(const struct vfs_op *op)
{
	const struct fuse_copy_file_range_in *in = &op->args.copy;
	uint64_t length = min_size(in->len, 10000);

	if (stub.lacks_copy)
		return -ENOSYS;
	if (in->off_in >= stub.size)
		return 0;
	length = min_size(length, stub.size - in->off_in);
	memmove(stub.bytes + in->off_out, stub.bytes + in->off_in, length);
	if (in->off_out + length > stub.size)
		stub.size = in->off_out + length;
	stub.mtime++;
	return (int64_t)length;
}

static int64_t serve(struct vfs_op *op)
{
	stub.asked[op->opcode]++;
	switch (op->opcode) {
	case FUSE_READ:
		return read_file(op);
	case FUSE_WRITE:
		return write_file(op);
	case FUSE_SETATTR:
		set_size(op->args.setattr.size);
		return attributes(op);
	case FUSE_GETATTR:
		return attributes(op);
	case FUSE_FSYNC:
	case FUSE_SYNCFS:
		return 0;
	case FUSE_COPY_FILE_RANGE:
		return copy(op);
	case FUSE_FALLOCATE:
		memset(stub.bytes + op->args.fallocate.offset, 0, op->args.fallocate.length);
		stub.mtime++;
		return 0;
	case FUSE_LSEEK:
		op->answer.offset = op->args.lseek.offset;
		return stub.lacks_lseek ? -ENOSYS : 0;
	default:
		return -ENOSYS;
	}
}

void stub_change(uint64_t offset, const void *data, size_t size)
{
	pthread_mutex_lock(&lock);
	memcpy(stub.bytes + offset, data, size);
	if (offset + size > stub.size)
		stub.size = offset + size;
	stub.mtime++;
	pthread_mutex_unlock(&lock);
}

/* ---- the connection ---- */

#define QUEUES 2u
#define DEPTH  64u

static struct vfs_op *queues[QUEUES][DEPTH];
static unsigned int queued[QUEUES];

int64_t vfs_fuse_call(struct vfs_fuse *fuse, struct vfs_op *op)
{
	(void)fuse;
	pthread_mutex_lock(&lock);
	op->result = serve(op);
	pthread_mutex_unlock(&lock);
	return op->result;
}

/* With the lock: any one of them. */
static void serve_one(unsigned int queue)
{
	unsigned int which = (unsigned int)rand_r(&stub.seed) % queued[queue];
	struct vfs_op *op = queues[queue][which];

	queues[queue][which] = queues[queue][--queued[queue]];
	op->result = serve(op);
	pthread_mutex_unlock(&lock);
	in_callback = true;
	op->done(op, op->ctx);
	in_callback = false;
	pthread_mutex_lock(&lock);
	pthread_cond_broadcast(&changed);
}

int vfs_fuse_submit_on(struct vfs_fuse *fuse, unsigned int queue, struct vfs_op *op,
	vfs_op_done_fn *done, void *ctx)
{
	(void)fuse;
	op->done = done;
	op->ctx = ctx;
	pthread_mutex_lock(&lock);
	while (queued[queue] == DEPTH)
		serve_one(queue);
	queues[queue][queued[queue]++] = op;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return 0;
}

struct vfs_sync *vfs_fuse_sync(struct vfs_fuse *fuse)
{
	return (struct vfs_sync *)fuse;
}

unsigned int vfs_sync_num_queues(const struct vfs_sync *sync)
{
	(void)sync;
	return QUEUES;
}

bool vfs_sync_in_callback(void)
{
	return in_callback;
}

int vfs_sync_watch(struct vfs_sync *sync, unsigned int index, const _Atomic uint32_t *word,
	uint32_t value, uint64_t until_ns)
{
	int r = 0;

	(void)sync;
	pthread_mutex_lock(&lock);
	while (atomic_load(word) == value && r == 0) {
		if (queued[index])
			serve_one(index);
		else if (until_ns != UINT64_MAX)
			r = -ETIMEDOUT;
		else
			pthread_cond_wait(&changed, &lock);
	}
	pthread_mutex_unlock(&lock);
	return r;
}

void vfs_sync_tell_watchers(struct vfs_sync *sync, unsigned int index)
{
	(void)sync;
	(void)index;
	pthread_mutex_lock(&lock);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

int vfs_sync_start_threads(struct vfs_sync *sync)
{
	(void)sync;
	return 0;
}

struct vfs_call vfs_call_begin(struct vfs_fs *fs, const char *what, const char *path)
{
	return (struct vfs_call){.fs = fs, .what = what, .path = path};
}

int64_t vfs_call_end(const struct vfs_call *call, int64_t r)
{
	(void)call;
	return r;
}

/* ---- a mount ---- */

int vfs_file_check_read(const struct vfs_file *file)
{
	return (file->flags & O_ACCMODE) == O_WRONLY ? -EBADF : 0;
}

int vfs_file_check_write(const struct vfs_file *file)
{
	return (file->flags & O_ACCMODE) == O_RDONLY ? -EBADF : 0;
}

uint64_t vfs_lock_owner(const struct vfs_fs *fs)
{
	return (uint64_t)(uintptr_t)fs;
}

bool vfs_caller_in_group(const struct vfs_caller *caller, gid_t gid)
{
	return caller->gid == gid;
}

/* The pool of a mount, which nobody looks at. */
void *vfs_observe_alloc(struct vfs_session *session, size_t size)
{
	(void)session;
	return __real_calloc(1, size);
}

void vfs_observe_figure(
	struct vfs_session *session, enum vfs_observe_figure figure, const void *where, size_t size)
{
	(void)session;
	(void)figure;
	(void)where;
	(void)size;
}

static void init_node(struct vfs_fs *fs)
{
	fs->root = __real_calloc(1, sizeof(*fs->root));
	fs->root->fs = fs;
	fs->root->id = STUB_NODE;
	fs->root->type = S_IFREG;
	vfs_data_init(fs->root);
}

struct vfs_fs *stub_mount(const struct vfs_mount_options *options)
{
	struct vfs_fs *fs = __real_calloc(1, sizeof(*fs));

	stub = (struct stub){.attr_valid_s = 1000, .seed = 1};
	stub.bytes = __real_calloc(1, STUB_FILE_MAX);
	fs->options = *options;
	fs->max_read = 128 << 10;
	fs->max_write = 128 << 10;
	pthread_mutex_init(&fs->lock, NULL);
	init_node(fs);
	if (vfs_pool_create(fs) < 0)
		abort();
	return fs;
}

void stub_umount(struct vfs_fs *fs)
{
	struct vfs_pool *pool = fs->pool;

	stub.alloc_fails = 0;
	vfs_data_free(fs->root);
	vfs_pool_destroy(fs);
	free(pool);
	pthread_mutex_destroy(&fs->lock);
	free(fs->root);
	free(fs);
	free(stub.bytes);
}

struct vfs_file *stub_open(struct vfs_fs *fs, int flags)
{
	struct vfs_file *file = __real_calloc(1, sizeof(*file));

	file->fs = fs;
	file->node = fs->root;
	file->flags = flags;
	file->sent_flags = fs->options.writeback ? flags & ~O_APPEND : flags;
	file->has_handle = true;
	file->direct = flags & O_DIRECT;
	pthread_mutex_init(&file->position_lock, NULL);
	(void)vfs_data_open(file, false);
	return file;
}

int stub_close(struct vfs_file *file)
{
	int r = vfs_data_close(file);

	pthread_mutex_destroy(&file->position_lock);
	free(file);
	return r;
}

int stub_truncate(struct vfs_file *file, uint64_t size)
{
	const struct fuse_setattr_in in = {.valid = FATTR_SIZE, .size = size};
	uint64_t before = 0;
	uint64_t asked;
	struct vfs_op op;
	int r = vfs_data_begin_change(file->node);

	if (r == 0) {
		before = vfs_attr_size(file->node);
		vfs_attr_expire(file->node);
		asked = vfs_attr_version(file->fs);
		vfs_op_setattr(&op, file->node->id, &in);
		r = (int)vfs_fuse_call(file->fs->fuse, &op);
		vfs_attr_store(file->node, &op.answer.attr.attr, stub.attr_valid_s, 0, asked);
	}
	vfs_data_end_change(file->node, before < size ? before : size, UINT64_MAX);
	return r;
}
