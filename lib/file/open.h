/* SPDX-License-Identifier: MIT */
/* Open files: making and ending them. */
#ifndef VFS_OPEN_H
#define VFS_OPEN_H

#include "file/fs.h"

/* A file that is not open yet, and in no list. NULL: out of memory, which has been said. */
struct vfs_file *vfs_file_create(struct vfs_fs *fs, const char *path, int flags);

/* It has a node now, whose reference becomes the file's, and can be used. */
void vfs_file_add(struct vfs_file *file, struct vfs_node *node);

/* It is the server's business no longer. */
void vfs_file_destroy(struct vfs_file *file);

/* vfs_openat2() without a message. @how is checked. */
struct vfs_open_how {
	int flags;
	mode_t mode;
	uint64_t resolve;
};

int vfs_file_open(struct vfs_fs *fs, struct vfs_file *dir, const char *path,
	const struct vfs_open_how *how, struct vfs_file **result);

/* open(2) makes nodes: CREATE, or MKNOD where the server has no CREATE (create.c). */
struct vfs_walk;
int vfs_file_make(struct vfs_file *file, const struct vfs_walk *walk, mode_t mode);
int vfs_file_make_unnamed(struct vfs_file *file, struct vfs_node *directory, mode_t mode);

/* Sends OPEN or OPENDIR for a file whose node is known. */
int vfs_file_send_open(struct vfs_file *file, const struct vfs_node *node);

/* Takes what the server says of an open file. */
void vfs_file_opened(struct vfs_file *file, const struct fuse_open_out *out);

/* Locks that are the open file's own (F_OFD_SETLK): FLUSH and RELEASE say nothing of them (lock.c).
 */
void vfs_file_end_locks(struct vfs_file *file);

/* RELEASE or RELEASEDIR, if there is a handle. */
void vfs_file_release(struct vfs_file *file, const struct vfs_node *node);

#endif
