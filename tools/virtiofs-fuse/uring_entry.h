/* SPDX-License-Identifier: MIT */
/*
 * An entry of a kernel's queue, and the slot of the device that belongs to it for good: the message
 * that the kernel has put into both is put together, and the answer taken apart.
 */
#ifndef VIRTIOFS_FUSE_URING_ENTRY_H
#define VIRTIOFS_FUSE_URING_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "fuse_uring_abi.h"
#include "lane.h"

struct vfs_request;

struct uring_entry {
	struct lane_origin origin;
	struct vfs_request *slot;
	struct fuse_uring_header *header;
	struct iovec iov[2]; /* as the kernel was told where they are */
	unsigned int queue;
	bool dead; /* the kernel has let go of it */
	struct uring_entry *next;
};

/* Its message in one piece in the slot. Its length, or 0: the kernel says what does not fit. */
size_t uring_entry_assemble(struct uring_entry *entry);

/* An answer with this error, and so much of a body as was placed. */
void uring_entry_set_answer(struct uring_entry *entry, int error, size_t size);

/* Put a body where the kernel looks for it. How much of it is there then: all, or nothing. */
size_t uring_entry_place_body(struct uring_entry *entry, const void *body, size_t size);

#endif
