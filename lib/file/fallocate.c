/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/falloc.h>
#include <sys/stat.h>

#include "file/cache.h"

/* What Linux asks a FUSE server for. */
#define KNOWN_MODES (FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)

static int check_mode(int mode)
{
	bool punch = mode & FALLOC_FL_PUNCH_HOLE;

	if (mode & ~KNOWN_MODES)
		return -EOPNOTSUPP;
	if (punch && (!(mode & FALLOC_FL_KEEP_SIZE) || (mode & FALLOC_FL_ZERO_RANGE)))
		return -EOPNOTSUPP;
	return 0;
}

static int check(const struct vfs_file *file, int mode, off_t offset, off_t length)
{
	int r;

	if (file->flags & O_PATH)
		return -EBADF;
	if (offset < 0 || length <= 0)
		return -EINVAL;
	r = check_mode(mode);
	if (r == 0)
		r = vfs_file_check_write(file);
	if (r < 0)
		return r;
	if (S_ISDIR(file->node->type))
		return -EISDIR;
	if (!S_ISREG(file->node->type))
		return -ENODEV;
	return length > (off_t)VFS_OFFSET_MAX - offset ? -EFBIG : 0;
}

static int ask(struct vfs_file *file, int mode, uint64_t offset, uint64_t length)
{
	bool grows = !(mode & FALLOC_FL_KEEP_SIZE);
	struct vfs_op op;
	int r;

	vfs_op_fallocate(&op, file->node->id, file->fh, mode, offset, length);
	vfs_attr_begin_change(file->node);
	r = (int)vfs_fuse_call(file->fs->fuse, &op);
	vfs_attr_end_change(file->node, r == 0 && grows ? offset + length : 0);
	return r == -ENOSYS ? -EOPNOTSUPP : r;
}

static int allocate(struct vfs_file *file, int mode, uint64_t offset, uint64_t length)
{
	int r = vfs_data_begin_change(file->node);

	if (r == 0)
		r = vfs_remove_privileges(file);
	if (r == 0)
		r = ask(file, mode, offset, length);
	vfs_data_end_change(file->node, offset, offset + length);
	return r;
}

VFS_EXPORT int vfs_fallocate(struct vfs_file *file, int mode, off_t offset, off_t length)
{
	struct vfs_call call = vfs_call_begin(file->fs, "fallocate", file->path);
	int r = check(file, mode, offset, length);

	if (r == 0)
		r = allocate(file, mode, (uint64_t)offset, (uint64_t)length);
	return (int)vfs_call_end(&call, r);
}
