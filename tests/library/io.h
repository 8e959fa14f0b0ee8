/* SPDX-License-Identifier: MIT */
/* READ and WRITE with data where it is. */
#ifndef LIBRARY_IO_H
#define LIBRARY_IO_H

#include <sys/uio.h>

#include "fuse.h"

struct io {
	const struct file *file;
	uint32_t opcode;
	const struct iovec *iov;
	unsigned int count;
	uint64_t offset;
};

/* To be submitted; or an error. */
int io_prepare(struct vfs_request *request, const struct io *io);

/* Bytes that one which has been answered has moved, or its error. */
ssize_t io_result(const struct vfs_request *request, const struct io *io);

#endif
