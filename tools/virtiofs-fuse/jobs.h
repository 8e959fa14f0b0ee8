/* SPDX-License-Identifier: MIT */
/*
 * Requests of the bridge's own. The queue is the relay's worker's, which sends what others
 * ask for between the messages of the kernel, and wakes them with the answer.
 */
#ifndef VIRTIOFS_FUSE_JOBS_H
#define VIRTIOFS_FUSE_JOBS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct job;
struct vfs_op;
struct vfs_queue;
struct vfs_request;

struct jobs {
	struct vfs_queue *queue;
	int fd; /* polls readable when there is something for the relay to do */
	pthread_mutex_t lock;
	pthread_cond_t done;
	struct job *posted; /* in order */
	struct job *sent;
	atomic_bool waiting; /* some are posted */
	bool closed;
};

/* 0 or -errno */
int jobs_init(struct jobs *jobs, struct vfs_queue *queue);
void jobs_free(struct jobs *jobs);

/* ---- any thread but the relay's ---- */

/*
 * Have it sent, and wait for the answer. What vfs_op_finish() returns, or -ECANCELED: the relay has
 * ended; op->answered says whether the server has done anything about it.
 */
int64_t jobs_call(struct jobs *jobs, struct vfs_op *op);

/* Have the relay look around. */
void jobs_wake(struct jobs *jobs);

/* ---- the worker's thread ---- */

/* The descriptor was readable. */
void jobs_woken(struct jobs *jobs);

/* Whether there are some that want a request to be sent in. */
bool jobs_wait(const struct jobs *jobs);

/* Send the next one. Takes @request. -EIO: the device has failed. */
int jobs_send(struct jobs *jobs, struct vfs_request *request);

/* False: it is none of ours. Leaves it to the caller to put it back. */
bool jobs_finish(struct jobs *jobs, const struct vfs_request *request);

/* All end, and those that come from now on. */
void jobs_close(struct jobs *jobs);

#endif
