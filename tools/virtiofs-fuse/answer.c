/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include <errno.h>
#include <unistd.h>

#include <vfs/request.h>

/*
 * ENOENT: nobody waits any more. Other failures have no remedy: the connection is gone, which
 * the next read says too.
 */
void answer_error(int fuse_fd, uint64_t unique, int error)
{
	struct fuse_out_header header = {
		.len = sizeof(header),
		.error = error,
		.unique = unique,
	};
	ssize_t n;

	do
		n = write(fuse_fd, &header, sizeof(header));
	while (n < 0 && errno == EINTR);
}

static int write_answer(int fuse_fd, const struct iovec *iov, int count)
{
	ssize_t n;

	do
		n = writev(fuse_fd, iov, count);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

void answer_request(int fuse_fd, const struct vfs_request *request)
{
	const struct fuse_out_header *header;
	struct iovec iov[2];
	int count = vfs_request_reply(request, iov);
	int error;

	if (!count)
		return;
	/* Interrupted before the device had it: for who asked it is the same. */
	if (vfs_request_error(request) == -ECANCELED) {
		header = iov[0].iov_base;
		answer_error(fuse_fd, header->unique, -EINTR);
		return;
	}
	error = write_answer(fuse_fd, iov, count);
	if (!error || error == -ENOENT || error == -ENODEV)
		return;
	/* What the kernel refuses to take it goes on waiting for. */
	header = iov[0].iov_base;
	answer_error(fuse_fd, header->unique, -EIO);
}
