/* SPDX-License-Identifier: MIT */
/* The notification queue: buffers that the device fills when it likes. */
#ifndef VFS_FUSE_NOTIFY_H
#define VFS_FUSE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include <vfs/notify.h>

#include "dma/dma.h"

struct vfs_queue;
struct vfs_queue_plan;
struct vfs_session;

#define VFS_NOTIFY_QUEUE 1u

struct vfs_notify_buffer {
	uint8_t *bytes;
};

struct vfs_notify {
	struct vfs_queue *queue; /* NULL: there is none */
	struct vfs_notify_buffer *buffers;
	unsigned int count;
	uint32_t size;		   /* of each buffer */
	unsigned int max_segments; /* of each */
	size_t where;		   /* in the arena */
	uint8_t *copy;		   /* of the one that was delivered last */
	uint64_t complained;	   /* of which codes; 0 for the header */
	struct vfs_notify_counters counters;
};

/*
 * Whether the session is to negotiate the feature: it was asked for, and the device offers it and
 * means it. A device that contradicts itself is used without, and the log says why.
 */
bool vfs_notify_wanted(struct vfs_session *session);

/* Once it was negotiated. Adds to @plan and @arena what the queue needs. -ENOTSUP: its ring is too
 * small. */
int vfs_notify_plan(
	struct vfs_session *session, struct vfs_queue_plan *plan, struct vfs_arena_plan *arena);

/* When the arena and the ring are there. */
int vfs_notify_create(struct vfs_session *session);

/* Give the device its buffers; it has to be running. */
int vfs_notify_start(struct vfs_session *session);
void vfs_notify_destroy(struct vfs_session *session);

/*
 * Look at a message of @length bytes, aligned as a structure is. 1: a good one, 0: its code is not
 * known. -EBADMSG: it is against the protocol.
 */
int vfs_notify_check(
	const void *message, uint32_t length, unsigned int quirks, struct vfs_notification *n);

#endif
