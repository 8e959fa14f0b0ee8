/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/stat.h>

#include "file/cache.h"
#include "file/window.h"

/* A server that has nothing to bring to stable storage need not know how. */
static int done_or_unknown(int64_t r)
{
	return r == -ENOSYS ? 0 : (int)r;
}

void vfs_file_encode_fsync(const struct vfs_file *file, struct vfs_op *op, bool data_only)
{
	if (S_ISDIR(file->node->type))
		vfs_op_fsyncdir(op, file->node->id, file->fh, data_only);
	else
		vfs_op_fsync(op, file->node->id, file->fh, data_only);
}

static int sync_on_server(struct vfs_file *file, bool data_only)
{
	struct vfs_op op;

	vfs_file_encode_fsync(file, &op, data_only);
	return done_or_unknown(vfs_fuse_call(file->fs->fuse, &op));
}

static int sync_file(struct vfs_file *file, bool data_only)
{
	int told;
	int r;

	if (file->flags & O_PATH)
		return -EBADF;
	(void)vfs_data_flush(file->node);
	vfs_window_tell(file->node, file);
	told = vfs_data_error(file);
	r = sync_on_server(file, data_only);
	return told < 0 ? told : r;
}

VFS_EXPORT int vfs_fsync(struct vfs_file *file)
{
	struct vfs_call call = vfs_call_begin(file->fs, "fsync", file->path);

	return (int)vfs_call_end(&call, sync_file(file, false));
}

VFS_EXPORT int vfs_fdatasync(struct vfs_file *file)
{
	struct vfs_call call = vfs_call_begin(file->fs, "fdatasync", file->path);

	return (int)vfs_call_end(&call, sync_file(file, true));
}

VFS_EXPORT int vfs_syncfs(struct vfs_fs *fs)
{
	struct vfs_call call = vfs_call_begin(fs, "syncfs", "");
	int flushed = vfs_pool_flush(fs);
	struct vfs_op op;
	int r;

	vfs_op_syncfs(&op, FUSE_ROOT_ID);
	r = done_or_unknown(vfs_fuse_call(fs->fuse, &op));
	return (int)vfs_call_end(&call, flushed < 0 ? flushed : r);
}
