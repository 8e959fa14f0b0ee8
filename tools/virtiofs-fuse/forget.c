/* SPDX-License-Identifier: MIT */
#include "forget.h"

#include <vfs/request.h>

#define FORGET_SIZE (sizeof(struct fuse_in_header) + sizeof(struct fuse_forget_in))
#define BATCH_SIZE  (sizeof(struct fuse_in_header) + sizeof(struct fuse_batch_forget_in))

static int take_single(struct vfs_session *session, const void *message, size_t length)
{
	const struct fuse_in_header *header = message;
	const struct fuse_forget_in *in = (const void *)(header + 1);
	struct fuse_forget_one one;

	if (length < FORGET_SIZE)
		return 0;
	one = (struct fuse_forget_one){.nodeid = header->nodeid, .nlookup = in->nlookup};
	return vfs_forget(session, &one, 1);
}

static int take_batch(struct vfs_session *session, const void *message, size_t length)
{
	const struct fuse_batch_forget_in *in =
		(const void *)((const struct fuse_in_header *)message + 1);
	size_t present;
	uint32_t count;

	if (length < BATCH_SIZE)
		return 0;
	/* Once: the slot is memory that the device can write. */
	count = __atomic_load_n(&in->count, __ATOMIC_RELAXED);
	present = (length - BATCH_SIZE) / sizeof(struct fuse_forget_one);
	return vfs_forget(session, (const void *)(in + 1), count < present ? count : present);
}

int forget_take(struct vfs_session *session, struct vfs_request *slot, size_t length)
{
	const struct fuse_in_header *header = vfs_request_message(slot);
	int error = header->opcode == FUSE_FORGET ? take_single(session, header, length)
						  : take_batch(session, header, length);

	vfs_request_put(slot);
	return error;
}
