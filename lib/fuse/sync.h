/* SPDX-License-Identifier: MIT */
/*
 * A queue that threads share. Its lock is held for moments, never while anybody sleeps or looks
 * for an answer. Who waits is in a list, with a word of his own to sleep on. One of them is the
 * reaper: he alone takes completions from the queue, and wakes those whom they concern. He is
 * appointed whenever there is something to be reaped, and stays it until he has what he came for.
 */
#ifndef VFS_SYNC_INTERNAL_H
#define VFS_SYNC_INTERNAL_H

#include <pthread.h>

#include <vfs/sync.h>

#include "fuse/fuse.h"

/* What somebody waits for. */
enum vfs_waiter_for {
	VFS_WAITER_FOR_ANSWER,
	VFS_WAITER_FOR_REQUEST, /* a free one */
	VFS_WAITER_FOR_IDLE,	/* nothing in flight */
	VFS_WAITER_FOR_STOP,	/* a thread of the library's own */
	VFS_WAITER_FOR_CHANGE,	/* of a word, by a callback */
};

struct vfs_waiter {
	enum vfs_waiter_for what;
	_Atomic uint32_t state;	     /* see sync_wait.c */
	struct vfs_request *request; /* the free one */
	const _Atomic uint32_t *word;
	uint32_t value; /* that it had */
	struct vfs_waiter *prev;
	struct vfs_waiter *next;
};

/* In a cache line of its own, as queues share nothing. */
struct vfs_sync_queue {
	pthread_mutex_t lock; /* of all below, and of the queue */
	struct vfs_queue *queue;
	struct vfs_waiter *first; /* who waits longest */
	struct vfs_waiter *last;
	struct vfs_waiter *reaper; /* one of them, or NULL */
	bool reaping;		   /* he has begun, so he will hand it over himself */
	bool calling;		   /* he is in a callback */
	unsigned int getters;	   /* of them, who wait for a free request */
	unsigned int watchers;	   /* of them, who wait for a change */
	struct vfs_waiter own;	   /* the library's own thread */
	pthread_t thread;
} __attribute__((aligned(64)));

/* With the lock: become one of those who wait. */
void vfs_waiter_join(struct vfs_sync_queue *queue, struct vfs_waiter *waiter);

/*
 * Without the lock: wait until somebody says that it is done, and be the reaper if need be.
 * @until_ns: as vfs_now_ns() has it; UINT64_MAX: no limit. -ETIMEDOUT, and then he has left.
 */
int vfs_waiter_wait(struct vfs_sync_queue *queue, struct vfs_waiter *waiter, uint64_t until_ns);

/* With the lock: he waits no longer, whatever became of it. */
void vfs_waiter_leave(struct vfs_sync_queue *queue, struct vfs_waiter *waiter);

/* With the lock: he has what he came for. */
void vfs_waiter_done(struct vfs_sync_queue *queue, struct vfs_waiter *waiter);

/* With the lock, after something was submitted or cancelled: somebody has to look at it. */
void vfs_sync_queue_changed(struct vfs_sync_queue *queue);

/* With the lock, after a request was put back. */
void vfs_sync_queue_serve_getters(struct vfs_sync_queue *queue);

/* With the lock, after words may have changed. */
void vfs_sync_queue_serve_watchers(struct vfs_sync_queue *queue);

/*
 * Wait until a word has another value than this one, and collect answers of a queue meanwhile if
 * need be. It is changed by a callback of that queue, or by somebody who then calls
 * vfs_sync_tell_watchers(). @until_ns: as of vfs_waiter_wait(). -ETIMEDOUT, -EDEADLK.
 */
int vfs_sync_watch(struct vfs_sync *sync, unsigned int index, const _Atomic uint32_t *word,
	uint32_t value, uint64_t until_ns);
void vfs_sync_tell_watchers(struct vfs_sync *sync, unsigned int index);

/* How many queues are shared. */
unsigned int vfs_sync_num_queues(const struct vfs_sync *sync);

/* Is this thread in a callback, where it must not wait? */
bool vfs_sync_in_callback(void);

#endif
