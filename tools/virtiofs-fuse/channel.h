/* SPDX-License-Identifier: MIT */
/*
 * A request queue of the device that several threads use. Any of them takes the answers of all.
 *
 * Who sleeps must not miss them: a thread that has nothing else to do calls channel_rest(). While
 * requests are under way one at least then waits for the queue's interrupt, or is awake and will
 * call it too.
 */
#ifndef VIRTIOFS_FUSE_CHANNEL_H
#define VIRTIOFS_FUSE_CHANNEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct vfs_queue;
struct vfs_request;

struct channel {
	struct vfs_queue *queue;
	pthread_mutex_t lock;
	unsigned int sleepers; /* that the interrupt wakes */
};

void channel_init(struct channel *channel, struct vfs_queue *queue);
void channel_destroy(struct channel *channel);

/* As the functions of vfs_queue and vfs_request by these names. */
struct vfs_request *channel_get(struct channel *channel);
void channel_put(struct channel *channel, struct vfs_request *request);
int channel_submit(
	struct channel *channel, struct vfs_request *const *requests, unsigned int count);
unsigned int channel_reap(struct channel *channel, struct vfs_request **requests, unsigned int max);
unsigned int channel_in_flight(struct channel *channel);

enum channel_cancel {
	CHANNEL_UNKNOWN, /* the channel has no such request */
	CHANNEL_NOT_YET, /* it has, and it was left alone */
	CHANNEL_CANCELLED,
};

/*
 * Ask for an early end of the request with this unique. @locks_only: unless it is no wait for a
 * lock.
 */
enum channel_cancel channel_cancel(struct channel *channel, uint64_t unique, bool locks_only);

enum channel_rest {
	CHANNEL_BUSY,  /* there are answers: do not sleep */
	CHANNEL_WAIT,  /* sleep on vfs_queue_fd(), and call channel_end_rest() afterwards */
	CHANNEL_LEAVE, /* nothing is under way, or another one sleeps on it */
};

/* Before sleeping. @wait: even if another one does already. *timeout_ms: of CHANNEL_WAIT, as for
 * poll(2) */
enum channel_rest channel_rest(struct channel *channel, bool wait, int *timeout_ms);
void channel_end_rest(struct channel *channel);

#endif
