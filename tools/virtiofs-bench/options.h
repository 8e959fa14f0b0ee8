/* SPDX-License-Identifier: MIT */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <vfs/session.h>

struct options {
	const char *device;
	const char *op_name;
	uint32_t opcode;
	const char *file; /* NULL: the root; READ and WRITE have one */
	uint32_t size;	  /* of a READ or WRITE */
	unsigned int depth;
	unsigned int queues;
	enum vfs_poll poll;
	uint64_t count; /* of operations; 0: for @seconds */
	unsigned int seconds;
	bool no_latency; /* the clock is read at the beginning and the end only */
	bool registered; /* data is in memory of our own, not in the requests' */
};

/* 0, or the exit status plus one: the program has said why, or what was asked for. */
int options_parse(int argc, char **argv, struct options *options);

const char *options_poll_name(const struct options *options);

#endif
