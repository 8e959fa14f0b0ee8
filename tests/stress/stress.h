/* SPDX-License-Identifier: MIT */
/* Many threads with mixed requests, each with a file of its own whose content it knows. */
#ifndef STRESS_H
#define STRESS_H

#include <vfs/device.h>
#include <vfs/session.h>

#include "messages.h"

#define STRESS_THREADS 8u

/* A device, a session with INIT and its queues shared. */
struct shared_session {
	struct vfs_device *device;
	struct vfs_session *session;
	struct vfs_sync *sync;
};

/* 0, or the error of whatever failed first. */
int shared_session_open(
	struct shared_session *s, const char *device, const struct vfs_session_options *options);
void shared_session_close(struct shared_session *s);

/*
 * At least @count requests from STRESS_THREADS threads, FORGETs not counted. What was sent is added
 * up in @total. 0, or the first error; -EBADMSG for data that was not what was written.
 */
int stress_mixed(struct shared_session *s, uint64_t count, struct client *total);

/* LOOKUP and FORGET of one file that is there, so many times, from as many threads. */
int stress_lookups(
	struct shared_session *s, uint64_t count, const char *name, struct client *total);

/* Nobody waits any more: send the FORGETs that found no room. 0, or an error. */
int stress_flush_forgets(struct shared_session *s);

/* Submitted and reaped by all queues of the session. */
struct vfs_queue_counters stress_counters(struct vfs_session *session);

#endif
