/* SPDX-License-Identifier: MIT */
/*
 * FUSE over io_uring: an entry of the kernel's queue for a processor is a slot of the device's
 * queue, so data is where both sides find it. Only the headers, which are short, and names are put
 * together for the device. A system call answers and takes the next at once.
 */
#ifndef VIRTIOFS_FUSE_LANE_URING_H
#define VIRTIOFS_FUSE_LANE_URING_H

#include <pthread.h>
#include <stddef.h>

#include <liburing.h>

#include "lane.h"

struct channel;
struct uring_entry;

struct lane_uring {
	struct lane lane;
	struct io_uring ring;
	struct channel *channel;
	struct uring_entry *entries;
	unsigned int num_entries;
	struct fuse_uring_header *headers;
	int fuse_fd;
	int wake_fd;
	bool answers_polled; /* there is a poll for the channel's interrupts */
	pthread_t thread;

	pthread_mutex_t lock;
	struct uring_entry *answered; /* by other threads; to be sent by this one */
	atomic_bool has_answered;
};

/* 0, or -errno: what is in the way of rings of this kind. */
int lane_uring_probe(void);

/*
 * @queues: numbers of the kernel's queues, one for each entry. 0 or -errno.
 */
int lane_uring_init(struct lane_uring *uring, struct channel *channel, int fuse_fd,
	const unsigned int *queues, unsigned int num_entries);

#endif
