/* SPDX-License-Identifier: MIT */
/*
 * Data of files: reading and writing, what is kept of it, writing back, reading ahead.
 *
 * What is kept belongs to the node, and is the same for all of its open files. It is dirty while it
 * was not sent to the server yet, which happens only while the file is open for writing: closing
 * writes back.
 */
#ifndef VFS_FILE_DATA_H
#define VFS_FILE_DATA_H

#include "file/fs.h"

/* ---- of a mount ---- */

/* Memory for data that is kept, and its limit. -ENOMEM */
int vfs_pool_create(struct vfs_fs *fs);
void vfs_pool_destroy(struct vfs_fs *fs);

/* Give clean memory back until at most @keep bytes are kept. */
void vfs_pool_trim(struct vfs_fs *fs, size_t keep);

/* Write back all that is dirty, of all nodes, and wait. Returns the first error. */
int vfs_pool_flush(struct vfs_fs *fs);

/* The figures of data in struct vfs_cache_stats. */
void vfs_pool_stats(struct vfs_fs *fs, struct vfs_cache_stats *stats);

/* ---- of a node ---- */

/* A node is made. */
void vfs_data_init(struct vfs_node *node);

/* The node is freed; nobody uses it. */
void vfs_data_free(struct vfs_node *node);

/* Write back all that is dirty, and wait. The error is remembered for open files as well. */
int vfs_data_flush(struct vfs_node *node);

/* Drop what is clean in a range, @to is behind the last byte; UINT64_MAX: up to the end. */
void vfs_data_drop(struct vfs_node *node, uint64_t from, uint64_t to);

/*
 * Data is going to be changed on the server by other means than reading and writing here:
 * truncation, fallocate, a copy, direct I/O. Writes back, and keeps others from reading and writing
 * what is kept until the end, which comes in any case, also after an error.
 */
int vfs_data_begin_change(struct vfs_node *node);

/* It was done, perhaps: what was kept of the range is dropped. */
void vfs_data_end_change(struct vfs_node *node, uint64_t from, uint64_t to);

/* ---- of an open file ---- */

/*
 * A file has been opened: decide what of the data that was kept still holds (close-to-open), by
 * attributes asked now if need be. @truncated: it is empty now.
 */
int vfs_data_open(struct vfs_file *file, bool truncated);

/* It is going to be closed: writes back if it may be written to. Returns the error that it has to
 * be told, as vfs_fsync() does. */
int vfs_data_close(struct vfs_file *file);

/* The error of writing back that this file was not told yet, now told; 0: none. */
int vfs_data_error(struct vfs_file *file);

/* Copies kept data of a range for FUSE_NOTIFY_RETRIEVE: how many bytes from @offset on. */
size_t vfs_data_peek(struct vfs_node *node, uint64_t offset, void *to, size_t size);

#endif
