/* SPDX-License-Identifier: MIT */
/* A request of the driver, and how whoever answers it gives it back. */
#ifndef DEVICE_REQUEST_H
#define DEVICE_REQUEST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "faults.h"
#include "ring.h"

struct queue;

struct request {
	struct queue *queue;
	unsigned int run; /* of the queue: one that was stopped since takes no answers */
	struct chain chain;
	void *message;	      /* a copy of what the device reads, chain.readable bytes of it */
	struct request *next; /* for whoever has the request */
	struct fault fault;   /* that strikes when it is given back */
};

/* What a driver has: nodes that it has looked up, and what it has opened. */
struct engine_held {
	uint64_t nodes; /* beside the root */
	uint64_t lookups;
	uint64_t open;
};

/*
 * What answers requests. handle() is called from the queues' threads, several at a time, and
 * gives each request back with one of the two functions below, at once or later, from any thread.
 */
struct engine {
	void (*handle)(struct engine *engine, struct request *request);
	/* The driver is gone: forget all that it has looked up or opened. No queue runs. */
	void (*end)(struct engine *engine);
	void (*destroy)(struct engine *engine);
	/* What the driver has looked up and opened; NULL: this engine does not know. */
	void (*held)(struct engine *engine, struct engine_held *held);
};

/* Write the reply into the request's buffers and give it back. */
void request_reply(struct request *request, const struct iovec *iov, int count);

/* Give it back without a reply. */
void request_done(struct request *request);

/* Do not give it back: the driver never sees it again. */
void request_free(struct request *request);

#endif
