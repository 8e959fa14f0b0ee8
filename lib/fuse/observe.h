/* SPDX-License-Identifier: MIT */
/*
 * What is written for those who look at a session from outside (vfs/observe.h). Its queues,
 * requests and what is known of its rings lie in its page, so for those nothing has to be done.
 */
#ifndef VFS_FUSE_OBSERVE_H
#define VFS_FUSE_OBSERVE_H

#include <vfs/observe.h>

#include "fuse/opcode.h"
#include "observe/page.h"

_Static_assert(VFS_NUM_OPCODES <= VFS_OBSERVE_OPCODES, "each opcode is counted");

struct vfs_queue;
struct vfs_queue_plan;
struct vfs_request;
struct vfs_session;

/* Of a queue. */
struct vfs_observed {
	uint32_t seldom;		 /* the time is taken when these bits of the ticks are 0 */
	struct vfs_observe_times *times; /* of each opcode; NULL: it has no requests */
	struct vfs_observe_event *events;
	uint64_t num_events;
	struct vfs_observe_counts counts;
};

/* Make the page, with room for the queues of @session in it. */
int vfs_observe_create(struct vfs_session *session);

/* The queue is set up. */
int vfs_observe_queue(struct vfs_queue *queue, const struct vfs_queue_plan *plan);

/* The arena is there; all queues are set up. */
int vfs_observe_started(struct vfs_session *session);

/* INIT was answered. */
void vfs_observe_connected(struct vfs_session *session);

/* For what the thread's message says. */
void vfs_observe_failed(struct vfs_session *session, int error);

/* What somebody who looks later should know. Of any thread. */
void vfs_observe_error(struct vfs_session *session, const char *format, ...)
	__attribute__((cold, format(printf, 2, 3)));

/*
 * Memory for numbers of the layers above, zeroed; it lives as long as the session does. NULL, with
 * a message: there is not so much. And where a number is in it.
 */
void *vfs_observe_alloc(struct vfs_session *session, size_t size);
void vfs_observe_figure(struct vfs_session *session, enum vfs_observe_figure figure,
	const void *where, size_t size);

/* It was reaped. */
void vfs_observe_time(struct vfs_queue *queue, const struct vfs_request *request);

#endif
