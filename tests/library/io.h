/* SPDX-License-Identifier: MIT */
/* READ and WRITE with data where it is. */
#ifndef LIBRARY_IO_H
#define LIBRARY_IO_H

#include <sys/uio.h>

#include <vfs/memory.h>

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

/*
 * Memory that is registered; or, where that has to be refused, memory of which the library copies.
 * -EBADMSG: it was not refused. @mem is NULL then.
 */
int io_memory_get(struct client *client, size_t size, void **addr, struct vfs_mem **mem);
int io_memory_put(void *addr, struct vfs_mem *mem);

#endif
