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

/* What the kernel refuses to take it goes on waiting for. */
static void answer_anyhow(int fuse_fd, uint64_t unique, const struct iovec *iov, int count)
{
	int error = write_answer(fuse_fd, iov, count);

	if (error && error != -ENOENT && error != -ENODEV)
		answer_error(fuse_fd, unique, -EIO);
}

void answer_data(int fuse_fd, uint64_t unique, void *data, size_t size)
{
	struct fuse_out_header header = {
		.len = (uint32_t)(sizeof(header) + size),
		.unique = unique,
	};
	const struct iovec iov[] = {
		{.iov_base = &header, .iov_len = sizeof(header)},
		{.iov_base = data, .iov_len = size},
	};

	answer_anyhow(fuse_fd, unique, iov, 2);
}

void answer_request(int fuse_fd, const struct vfs_request *request)
{
	const struct fuse_out_header *header;
	struct iovec iov[2];
	int count = vfs_request_reply(request, iov);

	if (!count)
		return;
	header = iov[0].iov_base;
	/* Interrupted before the device had it: for who asked it is the same. */
	if (vfs_request_error(request) == -ECANCELED)
		answer_error(fuse_fd, header->unique, -EINTR);
	else
		answer_anyhow(fuse_fd, header->unique, iov, count);
}
