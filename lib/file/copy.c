/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "file/cache.h"

/* The answer of an older server has 32 bits. */
#define COPY_MAX (UINT32_MAX & ~4095u)

#define BUFFER_SIZE (1u << 20)

struct copy {
	struct vfs_file *in;
	struct vfs_file *out;
	uint64_t from;
	uint64_t to;
	uint64_t length;
};

/* ---- whether it may be ---- */

static int check_files(const struct vfs_file *in, const struct vfs_file *out, unsigned int flags)
{
	if ((in->flags & O_PATH) || (out->flags & O_PATH))
		return -EBADF;
	if (flags)
		return -EINVAL;
	if (S_ISDIR(in->node->type) || S_ISDIR(out->node->type))
		return -EISDIR;
	if (!S_ISREG(in->node->type) || !S_ISREG(out->node->type))
		return -EINVAL;
	if (vfs_file_check_read(in) < 0 || vfs_file_check_write(out) < 0)
		return -EBADF;
	if (out->flags & O_APPEND)
		return -EBADF;
	return in->fs == out->fs ? 0 : -EXDEV;
}

static bool overlaps(const struct copy *copy)
{
	return copy->in->node == copy->out->node && copy->to + copy->length > copy->from &&
	       copy->to < copy->from + copy->length;
}

/* As Linux does before it asks a file system (generic_copy_file_checks()). */
static int check_range(struct copy *copy)
{
	uint64_t size;
	int r;

	if (copy->from + copy->length < copy->from || copy->to + copy->length < copy->to)
		return -EOVERFLOW;
	if (copy->from > VFS_OFFSET_MAX || copy->to > VFS_OFFSET_MAX)
		return -EINVAL;
	r = vfs_data_size(copy->in, false, &size);
	if (r < 0)
		return r;
	if (copy->from >= size)
		copy->length = 0;
	else if (copy->length > size - copy->from)
		copy->length = size - copy->from;
	if (copy->to >= VFS_OFFSET_MAX)
		return -EFBIG;
	if (copy->length > VFS_OFFSET_MAX - copy->to)
		copy->length = VFS_OFFSET_MAX - copy->to;
	return overlaps(copy) ? -EINVAL : 0;
}

/* ---- by the server ---- */

static int64_t ask(const struct copy *copy)
{
	struct vfs_op op;
	int64_t r;

	vfs_op_copy_file_range(&op, copy->in->node->id, copy->in->fh, copy->from,
		copy->out->node->id, copy->out->fh, copy->to,
		copy->length < COPY_MAX ? copy->length : COPY_MAX, 0);
	vfs_attr_begin_change(copy->out->node);
	r = vfs_fuse_call(copy->in->fs->fuse, &op);
	vfs_attr_end_change(copy->out->node, r > 0 ? copy->to + (uint64_t)r : 0);
	return r;
}

static int64_t copy_on_server(const struct copy *copy)
{
	int64_t r = vfs_data_flush(copy->in->node);
	int begun = vfs_data_begin_change(copy->out->node);

	if (r == 0)
		r = begun;
	if (r == 0)
		r = vfs_remove_privileges(copy->out);
	if (r == 0)
		r = ask(copy);
	vfs_data_end_change(copy->out->node, copy->to, copy->to + copy->length);
	return r;
}

static bool server_cannot(int64_t r)
{
	return r == -ENOSYS || r == -EOPNOTSUPP || r == -EXDEV;
}

/* ---- by reading and writing ---- */

static ssize_t copy_some(const struct copy *copy, uint64_t done, void *buffer, size_t size)
{
	const struct iovec iov = {.iov_base = buffer,
		.iov_len = (size_t)(copy->length - done < size ? copy->length - done : size)};
	struct vfs_iter iter;
	uint64_t to = copy->to + done;
	ssize_t n;

	(void)vfs_iter_init(&iter, &iov, 1);
	n = vfs_file_read(copy->in, &iter, copy->from + done);
	if (n <= 0)
		return n;
	(void)vfs_iter_init(&iter, &iov, 1);
	vfs_iter_limit(&iter, (size_t)n);
	return vfs_file_write(copy->out, &iter, &to, false);
}

static int64_t copy_through(const struct copy *copy)
{
	uint64_t length = copy->length < VFS_RW_MAX ? copy->length : VFS_RW_MAX;
	size_t size = min_size(BUFFER_SIZE, length);
	void *buffer = malloc(size);
	uint64_t done = 0;
	ssize_t n = 0;

	if (!buffer)
		return vfs_error(-ENOMEM, "out of memory");
	while (done < length) {
		n = copy_some(copy, done, buffer, min_size(size, length - done));
		if (n <= 0)
			break;
		done += (uint64_t)n;
	}
	free(buffer);
	return done ? (int64_t)done : n;
}

static int64_t copy_range(struct copy *copy)
{
	int64_t r = check_range(copy);

	if (r < 0 || !copy->length)
		return r;
	r = copy_on_server(copy);
	return server_cannot(r) ? copy_through(copy) : r;
}

/* ---- from where, to where ---- */

/* The first in memory first, so that two threads do not wait for each other. */
static void lock_positions(struct vfs_file *a, struct vfs_file *b)
{
	if (a && b && a > b) {
		lock_positions(b, a);
		return;
	}
	if (a)
		pthread_mutex_lock(&a->position_lock);
	if (b && b != a)
		pthread_mutex_lock(&b->position_lock);
}

static void unlock_positions(struct vfs_file *a, struct vfs_file *b)
{
	if (a)
		pthread_mutex_unlock(&a->position_lock);
	if (b && b != a)
		pthread_mutex_unlock(&b->position_lock);
}

static int64_t copy_from_to(
	struct vfs_file *in, off_t *from, struct vfs_file *out, off_t *to, size_t length)
{
	struct copy copy = {.in = in,
		.out = out,
		.from = (uint64_t)*from,
		.to = (uint64_t)*to,
		.length = length};
	int64_t r = copy_range(&copy);

	if (r > 0) {
		*from += r;
		*to += r;
	}
	return r;
}

VFS_EXPORT ssize_t vfs_copy_file_range(struct vfs_file *in, off_t *off_in, struct vfs_file *out,
	off_t *off_out, size_t length, unsigned int flags)
{
	struct vfs_call call = vfs_call_begin(in->fs, "copy", in->path);
	struct vfs_file *in_position = off_in ? NULL : in;
	struct vfs_file *out_position = off_out ? NULL : out;
	int64_t r = check_files(in, out, flags);

	if (r < 0)
		return vfs_call_end(&call, r);
	lock_positions(in_position, out_position);
	r = copy_from_to(in, off_in ? off_in : &in->position, out,
		off_out ? off_out : &out->position, length);
	unlock_positions(in_position, out_position);
	return vfs_call_end(&call, r);
}
