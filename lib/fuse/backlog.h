/* SPDX-License-Identifier: MIT */
/* FORGETs that wait for room in the hiprio queue: in order, and as many as there is memory for. */
#ifndef VFS_BACKLOG_H
#define VFS_BACKLOG_H

#include <stddef.h>

#include <vfs/fuse_abi.h>

struct vfs_forget_backlog {
	struct fuse_forget_one *items;
	size_t head;
	size_t count;
	size_t room;
};

/* With room for some, so that what is owed to the server can be given back when there is no memory.
 * -ENOMEM */
int vfs_backlog_init(struct vfs_forget_backlog *backlog);

/* All of them, or -ENOMEM and none. */
int vfs_backlog_add(
	struct vfs_forget_backlog *backlog, const struct fuse_forget_one *forgets, size_t count);

/* Move up to @max of the oldest to @forgets. Returns how many. */
size_t vfs_backlog_take(
	struct vfs_forget_backlog *backlog, struct fuse_forget_one *forgets, size_t max);

void vfs_backlog_fini(struct vfs_forget_backlog *backlog);

#endif
