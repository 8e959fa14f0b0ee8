/* SPDX-License-Identifier: MIT */
#include "forget.h"

#include "window.h"

#define FORGET_SIZE (sizeof(struct fuse_in_header) + sizeof(struct fuse_forget_in))
#define BATCH_SIZE  (sizeof(struct fuse_in_header) + sizeof(struct fuse_batch_forget_in))

static int take_single(
	struct vfs_session *session, struct window *window, const void *message, size_t length)
{
	const struct fuse_in_header *header = message;
	const struct fuse_forget_in *in = (const void *)(header + 1);
	struct fuse_forget_one one;

	if (length < FORGET_SIZE)
		return 0;
	one = (struct fuse_forget_one){.nodeid = header->nodeid, .nlookup = in->nlookup};
	return window_forget(window, &one) ? 0 : vfs_forget(session, &one, 1);
}

/* How many are left of them. Each is copied first: the slot is memory that the device can write. */
static size_t leave_to_window(struct window *window, struct fuse_forget_one *ones, size_t count)
{
	size_t i, left = 0;

	for (i = 0; i < count; i++) {
		const struct fuse_forget_one one = ones[i];

		if (!window_forget(window, &one))
			ones[left++] = one;
	}
	return left;
}

static int take_batch(
	struct vfs_session *session, struct window *window, void *message, size_t length)
{
	struct fuse_batch_forget_in *in = (void *)((struct fuse_in_header *)message + 1);
	struct fuse_forget_one *ones = (void *)(in + 1);
	size_t present;
	uint32_t count;

	if (length < BATCH_SIZE)
		return 0;
	/* Once: the slot is memory that the device can write. */
	count = __atomic_load_n(&in->count, __ATOMIC_RELAXED);
	present = (length - BATCH_SIZE) / sizeof(struct fuse_forget_one);
	present = leave_to_window(window, ones, count < present ? count : present);
	return present ? vfs_forget(session, ones, present) : 0;
}

int forget_take(struct vfs_session *session, struct window *window, struct fuse_in_header *message,
	size_t length)
{
	if (message->opcode == FUSE_FORGET)
		return take_single(session, window, message, length);
	return take_batch(session, window, message, length);
}
