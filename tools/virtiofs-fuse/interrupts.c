/* SPDX-License-Identifier: MIT */
#include "interrupts.h"

#include <stdbool.h>
#include <string.h>

void interrupts_init(struct interrupts *interrupts, void (*cancel)(void *ctx, uint64_t unique),
	void (*kept_one)(void *ctx), void *ctx)
{
	interrupts->cancel = cancel;
	interrupts->kept_one = kept_one;
	interrupts->ctx = ctx;
	interrupts->num = 0;
	pthread_mutex_init(&interrupts->lock, NULL);
}

void interrupts_destroy(struct interrupts *interrupts)
{
	pthread_mutex_destroy(&interrupts->lock);
}

/* With the lock: the unique of the first. */
static uint64_t take_first(struct interrupts *interrupts)
{
	uint64_t unique = interrupts->kept[0].unique;

	interrupts->num--;
	memmove(&interrupts->kept[0], &interrupts->kept[1],
		interrupts->num * sizeof(interrupts->kept[0]));
	return unique;
}

/* True: the first is taken out if it is due by then. */
static bool take_due(struct interrupts *interrupts, int64_t now_ms, uint64_t *unique)
{
	bool due;

	pthread_mutex_lock(&interrupts->lock);
	due = interrupts->num && interrupts->kept[0].due_ms <= now_ms;
	if (due)
		*unique = take_first(interrupts);
	pthread_mutex_unlock(&interrupts->lock);
	return due;
}

void interrupts_keep(struct interrupts *interrupts, uint64_t unique, int64_t now_ms)
{
	uint64_t oldest;
	bool full;
	bool first;

	pthread_mutex_lock(&interrupts->lock);
	first = !interrupts->num;
	full = interrupts->num == INTERRUPTS_KEPT;
	if (full)
		oldest = take_first(interrupts);
	interrupts->kept[interrupts->num++] = (struct interrupt){
		.unique = unique,
		.due_ms = now_ms + INTERRUPTS_KEPT_MS,
	};
	pthread_mutex_unlock(&interrupts->lock);
	if (full)
		interrupts->cancel(interrupts->ctx, oldest);
	if (first)
		interrupts->kept_one(interrupts->ctx);
}

void interrupts_pass_on(struct interrupts *interrupts, int64_t now_ms)
{
	uint64_t unique;

	while (take_due(interrupts, now_ms, &unique))
		interrupts->cancel(interrupts->ctx, unique);
}

int interrupts_left_ms(struct interrupts *interrupts, int64_t now_ms)
{
	int64_t left = -1;

	pthread_mutex_lock(&interrupts->lock);
	if (interrupts->num) {
		left = interrupts->kept[0].due_ms - now_ms;
		left = left > 0 ? left : 0;
	}
	pthread_mutex_unlock(&interrupts->lock);
	return (int)left;
}
