/* SPDX-License-Identifier: MIT */
/* The workers, their lanes, and the channels that they share. */
#ifndef VIRTIOFS_FUSE_CREW_H
#define VIRTIOFS_FUSE_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vfs/session.h>

#include "cache_mode.h"
#include "channel.h"
#include "worker.h"

struct lane_reader;
struct lane_uring;
struct plan;
struct window;

struct crew_options {
	int fuse_fd;
	const struct plan *plan;
	struct window *window; /* NULL: none; freed by the caller. There is one reader then. */
	enum vfs_poll poll;
	unsigned int request_timeout_ms; /* 0: none */
	enum cache_mode cache;
	bool allow_root;
	bool trace;
	bool notices;	/* are relayed, see notices.h */
	bool lock_wait; /* a lock may be answered by a notification; there is one reader then */
};

/* What all of them know. */
struct crew_wiring {
	struct vfs_session *session;
	struct interrupts *interrupts;
	struct held *held;
	struct worker_events events;
};

struct crew {
	struct crew_wiring wiring;
	struct channel *channels;
	unsigned int num_channels;
	struct worker *workers;
	unsigned int num_workers;
	struct lane_reader *readers;
	unsigned int num_readers;
	struct lane_uring *urings;
	unsigned int num_urings;
};

/* 0, or -errno; to be destroyed in any case. */
int crew_init(
	struct crew *crew, const struct crew_wiring *wiring, const struct crew_options *options);

/* All of them serve then; or -errno, with some of them running. */
int crew_start(struct crew *crew);

/* Of all of them */
void crew_set_duty(struct crew *crew, enum worker_duty duty);
void crew_lose_device(struct crew *crew);
void crew_wake(struct crew *crew);
void crew_join(struct crew *crew);

/* Ask for an early end of a request, whoever has it; see channel_cancel(). */
enum channel_cancel crew_cancel(struct crew *crew, uint64_t unique, bool locks_only);

/* Some have not ended. */
bool crew_is_running(const struct crew *crew);

/* The device has nothing. */
bool crew_is_idle(struct crew *crew);

/* Messages so far */
unsigned long crew_taken(const struct crew *crew);

/* NULL: there is none. */
struct window *crew_window(const struct crew *crew);

/* Give up on what is in flight: it ends with EIO. */
void crew_abort(struct crew *crew);

/* After crew_join() */
void crew_destroy(struct crew *crew);

#endif
