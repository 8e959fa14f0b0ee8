/* SPDX-License-Identifier: MIT */
#include "held.h"

#include <errno.h>
#include <stdlib.h>

#include "lane.h"

#define ROOM_AT_FIRST 64u

void held_init(struct held *held)
{
	*held = (struct held){.lock = PTHREAD_MUTEX_INITIALIZER};
}

void held_open(struct held *held)
{
	pthread_mutex_lock(&held->lock);
	held->open = true;
	pthread_mutex_unlock(&held->lock);
}

/* With the lock */
static bool has_room(struct held *held)
{
	size_t room = held->room ? 2 * held->room : ROOM_AT_FIRST;
	struct held_one *ones;

	if (held->num < held->room)
		return true;
	ones = reallocarray(held->ones, room, sizeof(*ones));
	if (!ones)
		return false;
	held->ones = ones;
	held->room = room;
	return true;
}

bool held_add(struct held *held, struct lane_origin *origin, uint64_t unique)
{
	bool added;

	pthread_mutex_lock(&held->lock);
	added = held->open && has_room(held);
	if (added)
		held->ones[held->num++] = (struct held_one){.unique = unique, .origin = origin};
	pthread_mutex_unlock(&held->lock);
	return added;
}

static void answer(const struct held_one *one, int error)
{
	one->origin->lane->ops->answer_error(one->origin, one->unique, error);
}

void held_interrupt(struct held *held, uint64_t unique)
{
	size_t i;

	pthread_mutex_lock(&held->lock);
	for (i = 0; i < held->num && held->ones[i].unique != unique; i++)
		;
	if (i < held->num) {
		answer(&held->ones[i], -EINTR);
		held->ones[i] = held->ones[--held->num];
	}
	pthread_mutex_unlock(&held->lock);
}

void held_close(struct held *held)
{
	pthread_mutex_lock(&held->lock);
	held->open = false;
	while (held->num)
		answer(&held->ones[--held->num], -ENOTCONN);
	pthread_mutex_unlock(&held->lock);
}

void held_destroy(struct held *held)
{
	free(held->ones);
	pthread_mutex_destroy(&held->lock);
}
