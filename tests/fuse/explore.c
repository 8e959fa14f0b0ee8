/* SPDX-License-Identifier: MIT */
#include "explore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define STATES (1u << 21)

static struct explore_state states[STATES]; /* a hash table */
static bool used[STATES];
static uint32_t found[STATES]; /* where in the table, in the order in which they were */
static unsigned int count;

static uint32_t place_of(const struct explore_state *state)
{
	uint64_t hash = 14695981039346656037ull;
	uint64_t words[EXPLORE_BYTES / sizeof(uint64_t)];

	memcpy(words, state->bytes, sizeof(words));
	for (size_t i = 0; i < EXPLORE_BYTES / sizeof(uint64_t); i++) {
		hash = (hash ^ words[i]) * 1099511628211ull;
		hash ^= hash >> 32;
	}
	return (uint32_t)hash % STATES;
}

void explore_found(const struct explore_state *state)
{
	uint32_t at = place_of(state);

	while (used[at]) {
		if (memcmp(&states[at], state, sizeof(*state)) == 0)
			return;
		at = (at + 1) % STATES;
	}
	assert_true(count < STATES / 2);
	used[at] = true;
	states[at] = *state;
	found[count++] = at;
}

unsigned int explore(void *model, explore_next *next, const struct explore_state *start)
{
	count = 0;
	explore_found(start);
	for (unsigned int i = 0; i < count; i++)
		next(model, &states[found[i]]);
	for (unsigned int i = 0; i < count; i++)
		used[found[i]] = false;
	return count;
}
