/* SPDX-License-Identifier: MIT */
/* Attributes as the C library has them. */
#ifndef VFS_FILE_STAT_H
#define VFS_FILE_STAT_H

#include "file/fs.h"

void vfs_stat_from_attr(const struct vfs_fs *fs, const struct fuse_attr *attr, struct stat *stat);

/* Attributes for somebody who asks: what is not written back yet is, before. */
int vfs_stat_node(struct vfs_node *node, struct vfs_file *file, bool fresh, struct fuse_attr *attr);

#endif
