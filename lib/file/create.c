/* SPDX-License-Identifier: MIT */
/* Files that come to be when they are opened. */
#include <errno.h>
#include <sys/stat.h>

#include "file/data.h"
#include "file/open.h"
#include "file/walk.h"

#define MODE_BITS 07777

/* CREATE has been answered: the file is open, and its node is known by its name, if it has one. */
static int take_created(struct vfs_file *file, struct vfs_node *directory, const char *name,
	const struct vfs_created *created, uint64_t asked)
{
	struct vfs_node *node = NULL;
	int r;

	vfs_file_opened(file, &created->open);
	if (name)
		r = vfs_names_made(directory, name, &created->entry, asked, &node);
	else
		r = vfs_node_enter(file->fs, &created->entry, asked, &node);
	if (r == 0) {
		vfs_file_add(file, node);
		return 0;
	}
	vfs_file_release(file,
		&(struct vfs_node){.id = created->entry.nodeid, .type = created->entry.attr.mode});
	file->has_handle = false;
	return r;
}

static int make_and_open(struct vfs_file *file, const struct vfs_walk *walk, mode_t mode)
{
	struct vfs_node *node;
	struct vfs_op op;
	uint64_t asked;
	int r;

	vfs_names_begin_change(walk->parent, NULL);
	asked = vfs_attr_version(file->fs);
	vfs_op_mknod(&op, walk->parent->id, walk->name, S_IFREG | (mode & MODE_BITS), 0);
	r = (int)vfs_fuse_call(file->fs->fuse, &op);
	if (r < 0) {
		vfs_names_end_change(walk->parent, NULL);
		return r;
	}
	r = vfs_names_made(walk->parent, walk->name, &op.answer.entry, asked, &node);
	if (r == 0)
		r = vfs_file_send_open(file, node);
	if (r == 0)
		vfs_file_add(file, node);
	else
		vfs_node_put(node);
	return r;
}

int vfs_file_make(struct vfs_file *file, const struct vfs_walk *walk, mode_t mode)
{
	struct vfs_op op;
	uint64_t asked;
	int r;

	vfs_names_begin_change(walk->parent, NULL);
	asked = vfs_attr_version(file->fs);
	vfs_op_create(
		&op, walk->parent->id, walk->name, file->sent_flags | O_CREAT, mode & MODE_BITS);
	r = (int)vfs_fuse_call(file->fs->fuse, &op);
	if (r == 0)
		return take_created(file, walk->parent, walk->name, &op.answer.created, asked);
	vfs_names_end_change(walk->parent, NULL);
	return r == -ENOSYS ? make_and_open(file, walk, mode) : r;
}

int vfs_file_make_unnamed(struct vfs_file *file, struct vfs_node *directory, mode_t mode)
{
	uint64_t asked = vfs_attr_version(file->fs);
	struct vfs_op op;
	int r;

	vfs_op_tmpfile(&op, directory->id, file->sent_flags, mode & MODE_BITS);
	r = (int)vfs_fuse_call(file->fs->fuse, &op);
	if (r == 0)
		return take_created(file, directory, NULL, &op.answer.created, asked);
	return r == -ENOSYS ? -EOPNOTSUPP : r;
}
