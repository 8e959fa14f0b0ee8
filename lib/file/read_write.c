/* SPDX-License-Identifier: MIT */
/* read(2), write(2) and their kin. */
#include <errno.h>

#include "file/cache.h"

/* Also behind the last byte. */
static int check_range(off_t offset, size_t size)
{
	off_t end;

	return offset < 0 || __builtin_add_overflow(offset, size, &end) ? -EINVAL : 0;
}

/* ---- reading ---- */

/* What readv(2) finds in a directory: nothing, if it is asked for nothing. */
static int check_vector(int r, const struct vfs_iter *iter)
{
	return r == -EISDIR && !iter->left ? 0 : r;
}

static ssize_t read_at(
	struct vfs_file *file, const struct iovec *iov, int count, off_t offset, bool vector)
{
	int may = vfs_file_check_read(file);
	struct vfs_iter iter;
	int r;

	if (may == -EBADF)
		return may;
	r = vfs_iter_init(&iter, iov, count);
	if (r == 0)
		r = check_range(offset, iter.left);
	if (r == 0)
		r = vector ? check_vector(may, &iter) : may;
	return r < 0 ? r : vfs_file_read(file, &iter, (uint64_t)offset);
}

static ssize_t read_on(
	struct vfs_file *file, const struct iovec *iov, int count, bool vector, const char *what)
{
	struct vfs_call call = vfs_call_begin(file->fs, what, file->path);
	ssize_t r;

	pthread_mutex_lock(&file->position_lock);
	r = read_at(file, iov, count, file->position, vector);
	if (r > 0)
		file->position += r;
	pthread_mutex_unlock(&file->position_lock);
	return vfs_call_end(&call, r);
}

static ssize_t read_from(struct vfs_file *file, const struct iovec *iov, int count, off_t offset,
	bool vector, const char *what)
{
	struct vfs_call call = vfs_call_begin(file->fs, what, file->path);
	ssize_t r = check_range(offset, 0);

	if (r == 0)
		r = read_at(file, iov, count, offset, vector);
	return vfs_call_end(&call, r);
}

VFS_EXPORT ssize_t vfs_read(struct vfs_file *file, void *data, size_t size)
{
	const struct iovec iov = {.iov_base = data, .iov_len = size};

	return read_on(file, &iov, 1, false, "read");
}

VFS_EXPORT ssize_t vfs_pread(struct vfs_file *file, void *data, size_t size, off_t offset)
{
	const struct iovec iov = {.iov_base = data, .iov_len = size};

	return read_from(file, &iov, 1, offset, false, "pread");
}

VFS_EXPORT ssize_t vfs_readv(struct vfs_file *file, const struct iovec *iov, int count)
{
	return read_on(file, iov, count, true, "readv");
}

VFS_EXPORT ssize_t vfs_preadv(
	struct vfs_file *file, const struct iovec *iov, int count, off_t offset)
{
	return read_from(file, iov, count, offset, true, "preadv");
}

/* ---- writing ---- */

static ssize_t write_at(struct vfs_file *file, const struct iovec *iov, int count, off_t *offset)
{
	uint64_t at = (uint64_t)*offset;
	struct vfs_iter iter;
	ssize_t r = vfs_file_check_write(file);

	if (r == 0)
		r = vfs_iter_init(&iter, iov, count);
	if (r == 0)
		r = check_range(*offset, iter.left);
	if (r < 0)
		return r;
	r = vfs_file_write(file, &iter, &at, file->flags & O_APPEND);
	*offset = (off_t)at;
	return r;
}

static ssize_t write_on(struct vfs_file *file, const struct iovec *iov, int count, const char *what)
{
	struct vfs_call call = vfs_call_begin(file->fs, what, file->path);
	off_t offset;
	ssize_t r;

	pthread_mutex_lock(&file->position_lock);
	offset = file->position;
	r = write_at(file, iov, count, &offset);
	if (r > 0)
		file->position = offset + r;
	pthread_mutex_unlock(&file->position_lock);
	return vfs_call_end(&call, r);
}

static ssize_t write_to(
	struct vfs_file *file, const struct iovec *iov, int count, off_t offset, const char *what)
{
	struct vfs_call call = vfs_call_begin(file->fs, what, file->path);
	ssize_t r = check_range(offset, 0);

	if (r == 0)
		r = write_at(file, iov, count, &offset);
	return vfs_call_end(&call, r);
}

/* The caller's memory is only read. */
static struct iovec const_iovec(const void *data, size_t size)
{
	return (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = size};
}

VFS_EXPORT ssize_t vfs_write(struct vfs_file *file, const void *data, size_t size)
{
	const struct iovec iov = const_iovec(data, size);

	return write_on(file, &iov, 1, "write");
}

VFS_EXPORT ssize_t vfs_pwrite(struct vfs_file *file, const void *data, size_t size, off_t offset)
{
	const struct iovec iov = const_iovec(data, size);

	return write_to(file, &iov, 1, offset, "pwrite");
}

VFS_EXPORT ssize_t vfs_writev(struct vfs_file *file, const struct iovec *iov, int count)
{
	return write_on(file, iov, count, "writev");
}

VFS_EXPORT ssize_t vfs_pwritev(
	struct vfs_file *file, const struct iovec *iov, int count, off_t offset)
{
	return write_to(file, iov, count, offset, "pwritev");
}
