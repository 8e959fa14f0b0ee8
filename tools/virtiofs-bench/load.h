/* SPDX-License-Identifier: MIT */
/* The load on one queue, in a thread of its own. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "connection.h"
#include "histogram.h"

struct load {
	const struct options *options;
	const struct connection *connection;
	unsigned int queue;
	uint64_t count; /* operations to do; 0: until the time is over */
	/* What came of it. */
	uint64_t answered;
	struct histogram times; /* of each, unless nobody wants to know */
	uint64_t ended_ns;
	uint64_t looked_up; /* a node that LOOKUP returned, to be forgotten as often */
	int error;	    /* with a message in @why */
	char why[256];
};

uint64_t load_now_ns(void);

/* For pthread_create(). */
void *load_run(void *load);

#endif
