/* SPDX-License-Identifier: MIT */
/* Numbers that are the same for the same seed on every machine. */
#ifndef EQUIVALENCE_RANDOM_H
#define EQUIVALENCE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* splitmix64 */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* 0 to @count - 1 */
static inline unsigned int random_below(uint64_t *state, uint64_t count)
{
	return (unsigned int)(random_next(state) % count);
}

static inline bool random_chance(uint64_t *state, unsigned int in_1000)
{
	return random_below(state, 1000) < in_1000;
}

#endif
