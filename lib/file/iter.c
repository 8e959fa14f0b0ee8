/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "core/core.h"
#include "file/iter.h"

int vfs_iter_init(struct vfs_iter *iter, const struct iovec *iov, int count)
{
	size_t left = 0;
	int i;

	if (count < 0 || count > IOV_MAX)
		return -EINVAL;
	for (i = 0; i < count; i++) {
		if (iov[i].iov_len > SSIZE_MAX - left)
			return -EINVAL;
		left += iov[i].iov_len;
	}
	*iter = (struct vfs_iter){.iov = iov, .left = min_size(left, VFS_RW_MAX)};
	return 0;
}

void vfs_iter_limit(struct vfs_iter *iter, size_t size)
{
	iter->left = min_size(iter->left, size);
}

/* The next piece, @size bytes at most, and moves on. */
static struct iovec next(struct vfs_iter *iter, size_t size)
{
	struct iovec piece;

	while (iter->skip == iter->iov->iov_len) {
		iter->iov++;
		iter->skip = 0;
	}
	piece.iov_base = (char *)iter->iov->iov_base + iter->skip;
	piece.iov_len = min_size(size, iter->iov->iov_len - iter->skip);
	iter->skip += piece.iov_len;
	iter->left -= piece.iov_len;
	return piece;
}

void vfs_iter_advance(struct vfs_iter *iter, size_t size)
{
	while (size)
		size -= next(iter, size).iov_len;
}

void vfs_iter_put(struct vfs_iter *iter, const void *from, size_t size)
{
	const char *at = from;

	while (size) {
		struct iovec piece = next(iter, size);

		memcpy(piece.iov_base, at, piece.iov_len);
		at += piece.iov_len;
		size -= piece.iov_len;
	}
}

void vfs_iter_take(struct vfs_iter *iter, void *to, size_t size)
{
	char *at = to;

	while (size) {
		struct iovec piece = next(iter, size);

		memcpy(at, piece.iov_base, piece.iov_len);
		at += piece.iov_len;
		size -= piece.iov_len;
	}
}

unsigned int vfs_iter_slice(
	struct vfs_iter *iter, struct iovec *pieces, unsigned int max_pieces, size_t max_bytes)
{
	size_t size = min_size(iter->left, max_bytes);
	unsigned int count;

	for (count = 0; size && count < max_pieces; count++) {
		pieces[count] = next(iter, size);
		size -= pieces[count].iov_len;
	}
	return count;
}
