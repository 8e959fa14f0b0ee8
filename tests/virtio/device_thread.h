/* SPDX-License-Identifier: MIT */
/*
 * A device in a thread of its own: it answers each chain, whose first segment is a struct
 * question and whose second has room for a struct answer, in an order of its own.
 */
#ifndef TEST_DEVICE_THREAD_H
#define TEST_DEVICE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "virtio/device_ring.h"

struct question {
	uint64_t number;
};

struct answer {
	uint64_t number;
	uint64_t product;
};

#define ANSWER_FACTOR 0x9e3779b97f4a7c15ull

struct device_thread {
	struct device_ring *ring;
	unsigned int turns; /* without anything to do */
	bool sleeps;	    /* waits for notifications, or polls */
	int kick;	    /* eventfd: the driver notifies */
	int interrupt;	    /* eventfd: the device interrupts */
	bool stop;	    /* atomic, as the next */
	bool failed;
	const char *fault; /* what went wrong, after the thread was joined */
	pthread_t thread;
};

int device_thread_start(struct device_thread *device, struct device_ring *ring, bool sleeps);
void device_thread_stop(struct device_thread *device);

/* Did it give up? The driver would wait forever. */
bool device_thread_failed(const struct device_thread *device);

/* Pass the time of turn number @turn without anything to do. */
void relax(unsigned int turn);

/* An eventfd: make it readable; wait until it is and empty it, false after ten seconds. */
void event_signal(int fd);
bool event_wait(int fd);

#endif
