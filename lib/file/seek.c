/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/cache.h"

static off_t add(off_t base, off_t offset)
{
	off_t sum;

	return __builtin_add_overflow(base, offset, &sum) || sum < 0 ? -EINVAL : sum;
}

/* Attributes as stat() would show them. */
static off_t find_end(struct vfs_file *file)
{
	struct fuse_attr attr;
	uint64_t size;
	int r;

	if (S_ISREG(file->node->type)) {
		r = vfs_data_size(file, false, &size);
		return r < 0 ? r : (off_t)size;
	}
	r = vfs_attr_get(file->node, file, false, &attr);
	return r < 0 ? r : (off_t)attr.size;
}

/* To a server that knows of no holes the file is all data. */
static off_t seek_without_holes(off_t end, off_t offset, int whence)
{
	if (offset >= end)
		return -ENXIO;
	return whence == SEEK_DATA ? offset : end;
}

static off_t seek_hole(struct vfs_file *file, off_t offset, int whence)
{
	struct vfs_op op;
	off_t end;
	int64_t r;

	if (offset < 0)
		return -ENXIO;
	r = vfs_data_flush(file->node);
	if (r < 0)
		return r;
	vfs_op_lseek(&op, file->node->id, file->fh, (uint64_t)offset, whence);
	r = vfs_fuse_call(file->fs->fuse, &op);
	if (r == 0)
		return (off_t)op.answer.offset;
	if (r != -ENOSYS)
		return r;
	end = find_end(file);
	return end < 0 ? end : seek_without_holes(end, offset, whence);
}

static off_t seek(struct vfs_file *file, off_t offset, int whence)
{
	off_t end;

	switch (whence) {
	case SEEK_SET:
		return add(0, offset);
	case SEEK_CUR:
		return add(file->position, offset);
	case SEEK_END:
		end = find_end(file);
		return end < 0 ? end : add(end, offset);
	case SEEK_DATA:
	case SEEK_HOLE:
		return S_ISREG(file->node->type) ? seek_hole(file, offset, whence) : -EINVAL;
	default:
		return -EINVAL;
	}
}

VFS_EXPORT off_t vfs_lseek(struct vfs_file *file, off_t offset, int whence)
{
	struct vfs_call call = vfs_call_begin(file->fs, "seek", file->path);
	off_t r = -EBADF;

	if (file->flags & O_PATH)
		return vfs_call_end(&call, r);
	pthread_mutex_lock(&file->position_lock);
	r = seek(file, offset, whence);
	if (r >= 0)
		file->position = r;
	pthread_mutex_unlock(&file->position_lock);
	return vfs_call_end(&call, r);
}
