/* SPDX-License-Identifier: MIT */
/*
 * A thread that serves the kernel: takes messages from its lane, hands them to its channel, and
 * answers what comes back there, for others that share the channel too.
 */
#ifndef VIRTIOFS_FUSE_WORKER_H
#define VIRTIOFS_FUSE_WORKER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "cache_mode.h"
#include "intake.h"
#include "looking.h"

struct channel;
struct lane;
struct window;

enum worker_duty {
	WORKER_SERVES,
	WORKER_DRAINS, /* takes nothing new, and ends when all that is under way has been answered
			*/
};

/* What a worker finds out. Any of them calls these, and others than that are not told. */
struct worker_events {
	/* The kernel asks no more. -ENODEV: unmounted; -ECONNABORTED: the connection was ended;
	 * another error of read(2) */
	void (*kernel_gone)(void *ctx, int error);
	void (*device_failed)(void *ctx, int error);
	/* Some FORGETs wait for room: somebody has to call vfs_session_progress() again. */
	void (*forgets_wait)(void *ctx);
	void (*ended)(void *ctx);
	void *ctx;
};

struct worker {
	struct lane *lane;
	struct channel *channel;
	struct intake intake;
	struct looking looking;
	const struct worker_events *events;
	enum cache_mode cache;
	bool lock_wait; /* a lock may be answered by a notification */
	int cpu;	/* to run on; -1: any */
	bool started;
	pthread_t thread;
	_Atomic enum worker_duty duty;
	atomic_bool lost; /* there is no device any more */
	atomic_bool ended;
	bool kernel_gone;
	int begin_error;
	sem_t begun;
};

/* It serves then. 0 or -errno. */
int worker_start(struct worker *worker);

/* Any thread. */
void worker_set_duty(struct worker *worker, enum worker_duty duty);

/* From now on messages are answered with ENOTCONN. Any thread. */
void worker_lose_device(struct worker *worker);

void worker_wake(struct worker *worker);

/* After it was told to drain. */
void worker_join(struct worker *worker);

#endif
