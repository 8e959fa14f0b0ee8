/* SPDX-License-Identifier: MIT */
/*
 * A model of threads that share a queue: the order of steps in sync.c, sync_wait.c and wait.c, as
 * far as others can come in between. What is done with the queue's lock is one step. That a
 * completion after vfs_queue_arm() interrupts is shown elsewhere (virtio/arm_model).
 */
#ifndef TESTS_FUSE_HAND_OVER_H
#define TESTS_FUSE_HAND_OVER_H

#include <stdbool.h>
#include <stdint.h>

#define THREADS 3u
#define NEVER	9u /* later than any moment */
#define LAST	3u /* moment */

enum what {
	NOBODY,
	CALLS,	/* vfs_sync_call(); then puts its request back */
	SENDS,	/* vfs_sync_submit(), with a callback that puts the request back */
	GETS,	/* vfs_sync_get() while none is free; then puts it back */
	DRAINS, /* vfs_sync_drain() */
	REAPS,	/* vfs_sync_start_threads(), stopped when the others have ended */
};

struct role {
	enum what what;
	uint8_t until; /* moment at which its request, or its patience, ends */
};

/* What can be left out of the code, to see whether that would show. */
enum mutation {
	RIGHT,
	REAPER_APPOINTS_NOBODY,	   /* be_reaper() */
	LEAVER_APPOINTS_NOBODY,	   /* vfs_waiter_leave() */
	SUBMITTER_APPOINTS_NOBODY, /* vfs_sync_queue_changed() */
	SOONER_IS_NOT_SAID,	   /* vfs_queue_changed() */
	DONE_IS_NOT_PRODDED,	   /* vfs_waiter_done() */
	TOLD_IS_NOT_WOKEN,	   /* tell() */
	LATE_IS_NO_WORK,	   /* has_work() */
	DONE_IS_NOT_SEEN,	   /* give_up() */
	DONE_STAYS_APPOINTED,	   /* vfs_waiter_done() */
	MUTATIONS,
};

struct hand_over {
	struct role roles[THREADS];
	enum mutation mutation;
	bool answers; /* the device */
	bool looks;   /* a while before the reaper sleeps */
	bool prompt;  /* time passes only while nobody can go on */

	/* What was found. */
	unsigned int ended; /* states in which all came to their end */
	unsigned int lost;  /* somebody sleeps, and nothing will ever happen */
	unsigned int twice; /* somebody was told that he is done again, or is not waiting */
	unsigned int late;  /* time went on over somebody's moment; for prompt ones only */
	unsigned int slept; /* states in which a reaper slept */
};

void hand_over_explore(struct hand_over *model);

#endif
