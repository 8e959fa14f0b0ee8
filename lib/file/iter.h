/* SPDX-License-Identifier: MIT */
/* The memory of a caller, piece by piece. */
#ifndef VFS_ITER_H
#define VFS_ITER_H

#include <stddef.h>
#include <sys/uio.h>

/* Most bytes of one call, as of Linux (MAX_RW_COUNT). */
#define VFS_RW_MAX 0x7ffff000u

struct vfs_iter {
	const struct iovec *iov; /* where it is */
	size_t skip;		 /* bytes of that which are done */
	size_t left;		 /* bytes, in all pieces */
};

/* -EINVAL, as of readv(2). What is beyond VFS_RW_MAX is left out. */
int vfs_iter_init(struct vfs_iter *iter, const struct iovec *iov, int count);

/* No more than is left. */
void vfs_iter_advance(struct vfs_iter *iter, size_t size);
void vfs_iter_limit(struct vfs_iter *iter, size_t size);

/* Copy to it or from it, and move on. No more than is left. */
void vfs_iter_put(struct vfs_iter *iter, const void *from, size_t size);
void vfs_iter_take(struct vfs_iter *iter, void *to, size_t size);

/*
 * The next at most @max_bytes bytes as at most @max_pieces pieces, and moves on. Returns how many
 * pieces these are.
 */
unsigned int vfs_iter_slice(
	struct vfs_iter *iter, struct iovec *pieces, unsigned int max_pieces, size_t max_bytes);

#endif
