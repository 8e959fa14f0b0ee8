/* SPDX-License-Identifier: MIT */
/* All states that can follow from one, each of them looked at once. */
#ifndef TESTS_FUSE_EXPLORE_H
#define TESTS_FUSE_EXPLORE_H

#include <stdint.h>

#define EXPLORE_BYTES 48u

/* Bytes that are compared as a whole: those without a meaning have to be 0. */
struct explore_state {
	uint8_t bytes[EXPLORE_BYTES];
};

/* Hands whatever can come next to explore_found(). */
typedef void explore_next(void *model, const struct explore_state *state);

/* How many states there are. */
unsigned int explore(void *model, explore_next *next, const struct explore_state *start);

void explore_found(const struct explore_state *state);

#endif
