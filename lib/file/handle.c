/* SPDX-License-Identifier: MIT */
/* What open files are, and what the server knows of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file/data.h"
#include "file/open.h"

struct vfs_file *vfs_file_create(struct vfs_fs *fs, const char *path, int flags)
{
	struct vfs_file *file = calloc(1, sizeof(*file));
	char *copy = strdup(path);

	if (!file || !copy) {
		free(file);
		free(copy);
		vfs_error(-ENOMEM, "out of memory");
		return NULL;
	}
	file->fs = fs;
	file->flags = flags;
	file->path = copy;
	pthread_mutex_init(&file->position_lock, NULL);
	vfs_list_init(&file->of_fs);
	vfs_list_init(&file->of_node);
	return file;
}

void vfs_file_add(struct vfs_file *file, struct vfs_node *node)
{
	struct vfs_fs *fs = file->fs;

	pthread_mutex_lock(&fs->lock);
	file->node = node;
	vfs_list_add_tail(&fs->files, &file->of_fs);
	vfs_list_add_tail(&node->files, &file->of_node);
	pthread_mutex_unlock(&fs->lock);
}

void vfs_file_destroy(struct vfs_file *file)
{
	struct vfs_fs *fs = file->fs;

	pthread_mutex_lock(&fs->lock);
	vfs_list_del(&file->of_fs);
	vfs_list_del(&file->of_node);
	pthread_mutex_unlock(&fs->lock);
	vfs_node_put(file->node);
	pthread_mutex_destroy(&file->position_lock);
	free(file->path);
	free(file->dir);
	free(file);
}

int vfs_file_check_read(const struct vfs_file *file)
{
	if ((file->flags & O_PATH) || (file->flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	return S_ISDIR(file->node->type) ? -EISDIR : 0;
}

int vfs_file_check_write(const struct vfs_file *file)
{
	if ((file->flags & O_PATH) || (file->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	return 0;
}

uint64_t vfs_lock_owner(const struct vfs_fs *fs)
{
	return (uint64_t)(uintptr_t)fs;
}

void vfs_file_opened(struct vfs_file *file, const struct fuse_open_out *out)
{
	file->fh = out->fh;
	file->open_flags = out->open_flags;
	file->has_handle = true;
	file->direct = file->fs->options.cache == VFS_CACHE_NONE || (file->flags & O_DIRECT) ||
		       (out->open_flags & FOPEN_DIRECT_IO);
}

/* A server may say that it does without. */
static bool does_without(const struct vfs_file *file, bool directory, int64_t error)
{
	uint64_t flag = directory ? FUSE_NO_OPENDIR_SUPPORT : FUSE_NO_OPEN_SUPPORT;

	return error == -ENOSYS && (file->fs->init.flags & flag);
}

int vfs_file_send_open(struct vfs_file *file, const struct vfs_node *node)
{
	bool directory = S_ISDIR(node->type);
	struct vfs_op op;
	int64_t r;

	if (directory)
		vfs_op_opendir(&op, node->id, file->sent_flags);
	else
		vfs_op_open(&op, node->id, file->sent_flags);
	r = vfs_fuse_call(file->fs->fuse, &op);
	if (r == 0) {
		vfs_file_opened(file, &op.answer.open);
	} else if (does_without(file, directory, r)) {
		/* Reading and writing go by the node; the handle is not looked at. */
		vfs_file_opened(file, &(struct fuse_open_out){0});
		file->open_flags |= FOPEN_KEEP_CACHE;
		file->unreleased = true;
		r = 0;
	}
	return (int)r;
}

void vfs_file_release(struct vfs_file *file, const struct vfs_node *node)
{
	struct vfs_op op;

	if (!file->has_handle || file->unreleased)
		return;
	if (S_ISDIR(node->type))
		vfs_op_releasedir(&op, node->id, file->fh, file->sent_flags);
	else
		vfs_op_release(&op, node->id, file->fh, file->sent_flags);
	if (atomic_load(&file->flocked)) {
		op.args.release.release_flags = FUSE_RELEASE_FLOCK_UNLOCK;
		op.args.release.lock_owner = (uint64_t)(uintptr_t)file;
	}
	/* What it says is of no use to anybody any more. */
	(void)vfs_fuse_call(file->fs->fuse, &op);
}
