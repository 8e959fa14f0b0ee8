/* SPDX-License-Identifier: MIT */
#include "interrupts.h"

void interrupts_init(struct interrupts *interrupts,
	bool (*cancel)(void *ctx, uint64_t unique, enum interrupts_step step),
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

/* With the lock: the one that is due first; NULL: there is none. */
static struct interrupt *first(struct interrupts *interrupts)
{
	struct interrupt *found = NULL;
	unsigned int i;

	for (i = 0; i < interrupts->num; i++) {
		if (!found || interrupts->kept[i].due_ms < found->due_ms)
			found = &interrupts->kept[i];
	}
	return found;
}

/* With the lock */
static struct interrupt take_out(struct interrupts *interrupts, struct interrupt *one)
{
	struct interrupt taken = *one;

	*one = interrupts->kept[--interrupts->num];
	return taken;
}

/* True: one that is due by then was taken out. */
static bool take_due(struct interrupts *interrupts, int64_t now_ms, struct interrupt *taken)
{
	struct interrupt *one;
	bool due;

	pthread_mutex_lock(&interrupts->lock);
	one = first(interrupts);
	due = one && one->due_ms <= now_ms;
	if (due)
		*taken = take_out(interrupts, one);
	pthread_mutex_unlock(&interrupts->lock);
	return due;
}

/* For want of room the one that is due first goes at once. */
static void keep(struct interrupts *interrupts, struct interrupt one)
{
	struct interrupt displaced = {0};
	bool full;
	bool alone;

	pthread_mutex_lock(&interrupts->lock);
	alone = !interrupts->num;
	full = interrupts->num == INTERRUPTS_KEPT;
	if (full)
		displaced = take_out(interrupts, first(interrupts));
	interrupts->kept[interrupts->num++] = one;
	pthread_mutex_unlock(&interrupts->lock);
	if (full)
		(void)interrupts->cancel(interrupts->ctx, displaced.unique, INTERRUPTS_LATE);
	if (alone)
		interrupts->kept_one(interrupts->ctx);
}

void interrupts_keep(struct interrupts *interrupts, uint64_t unique, int64_t now_ms)
{
	keep(interrupts, (struct interrupt){
				 .unique = unique,
				 .due_ms = now_ms + INTERRUPTS_KEPT_MS,
				 .step = INTERRUPTS_SOON,
			 });
}

void interrupts_pass_on(struct interrupts *interrupts, int64_t now_ms)
{
	struct interrupt one;

	while (take_due(interrupts, now_ms, &one)) {
		if (interrupts->cancel(interrupts->ctx, one.unique, one.step))
			continue;
		one.step = INTERRUPTS_LATE;
		one.due_ms += INTERRUPTS_LONG_MS - INTERRUPTS_KEPT_MS;
		keep(interrupts, one);
	}
}

int interrupts_left_ms(struct interrupts *interrupts, int64_t now_ms)
{
	const struct interrupt *one;
	int64_t left = -1;

	pthread_mutex_lock(&interrupts->lock);
	one = first(interrupts);
	if (one) {
		left = one->due_ms - now_ms;
		left = left > 0 ? left : 0;
	}
	pthread_mutex_unlock(&interrupts->lock);
	return (int)left;
}
