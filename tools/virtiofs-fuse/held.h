/* SPDX-License-Identifier: MIT */
/*
 * device_loss=wait: requests that nobody answers, as the device is lost. Those who ask wait until
 * the mount ends, or a signal ends them. Any thread may call these.
 */
#ifndef VIRTIOFS_FUSE_HELD_H
#define VIRTIOFS_FUSE_HELD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lane_origin;

struct held {
	pthread_mutex_t lock;
	bool open; /* they are held */
	size_t num;
	size_t room;
	struct held_one {
		uint64_t unique;
		struct lane_origin *origin;
	} * ones;
};

void held_init(struct held *held);

/* Hold requests from now on. */
void held_open(struct held *held);

/* False: it is not held, and to be answered. */
bool held_add(struct held *held, struct lane_origin *origin, uint64_t unique);

/* Whoever waits for it got a signal: it is answered if it is held. */
void held_interrupt(struct held *held, uint64_t unique);

/* Answer all, and hold no more. */
void held_close(struct held *held);

/* After held_close() */
void held_destroy(struct held *held);

#endif
