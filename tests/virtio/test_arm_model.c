/* SPDX-License-Identifier: MIT */
/*
 * A model of going to sleep: one side writes its wish to be woken and looks at an index once more,
 * the other moves the index and looks at the wish. All interleavings are tried, with a store buffer
 * for each side, as x86 processors have: a store is seen by others at any later moment, but not
 * after a full barrier. Driver and device play both parts (interrupts, notifications), and what is
 * here is the order of steps in ring.c (vfs_ring_publish(), vfs_ring_enable_interrupts()), wakeup.c
 * and vfs_queue_reap().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SLEEPERS 2u
#define WAKER	 2u /* the third processor */
#define CPUS	 3u
#define BUFFER	 3u
#define EVENTS	 3u /* that the waker brings about */
#define FAR_AWAY 0x8000u

/* For each sleeper: an index that moves, and his wish. */
enum { INDEX, WISH, VARIABLES };

struct store {
	uint8_t sleeper;
	uint8_t variable;
	uint16_t value;
};

struct cpu {
	uint8_t step;
	uint8_t stores; /* in the buffer, the oldest first */
	uint8_t done;	/* events that the waker brought about */
	uint8_t found;	/* what was read in the step before */
	uint16_t seen;	/* the index up to which the sleeper has looked */
	struct store buffer[BUFFER];
};

struct world {
	uint16_t memory[SLEEPERS][VARIABLES];
	uint8_t signal;	       /* eventfd that the waker signals */
	uint8_t own[SLEEPERS]; /* eventfds that sleepers who share it signal each other by */
	uint8_t slept;
	struct cpu cpus[CPUS];
};

struct model {
	bool event_idx;
	bool sleeper_barrier;
	bool waker_barrier;
	bool pass_on;	 /* what is taken from a shared signal */
	bool clear_late; /* empty the eventfd after having looked again, which is wrong */
	unsigned int sleepers;
	uint8_t order[EVENTS]; /* whose index moves */
};

/* ---- memory ---- */

static bool store(struct cpu *cpu, unsigned int sleeper, unsigned int variable, unsigned int value)
{
	if (cpu->stores == BUFFER)
		return false;
	cpu->buffer[cpu->stores++] = (struct store){
		.sleeper = (uint8_t)sleeper,
		.variable = (uint8_t)variable,
		.value = (uint16_t)value,
	};
	return true;
}

/* A processor sees its own stores before anybody else does. */
static uint16_t load(
	const struct world *w, const struct cpu *cpu, unsigned int sleeper, unsigned int variable)
{
	for (unsigned int i = cpu->stores; i-- > 0;)
		if (cpu->buffer[i].sleeper == sleeper && cpu->buffer[i].variable == variable)
			return cpu->buffer[i].value;
	return w->memory[sleeper][variable];
}

static bool drain_one(struct world *w, struct cpu *cpu)
{
	const struct store *oldest = &cpu->buffer[0];

	if (!cpu->stores)
		return false;
	w->memory[oldest->sleeper][oldest->variable] = oldest->value;
	cpu->stores--;
	memmove(cpu->buffer, cpu->buffer + 1, sizeof(cpu->buffer) - sizeof(cpu->buffer[0]));
	memset(&cpu->buffer[BUFFER - 1], 0, sizeof(cpu->buffer[0]));
	return true;
}

/* ---- who sleeps ---- */

enum {
	SLEEPER_WISH,
	SLEEPER_BARRIER,
	SLEEPER_LOOK_AGAIN,
	SLEEPER_CLEAR_LATE,
	SLEEPER_SLEEP,
	SLEEPER_NO_WISH,
	SLEEPER_CLEAR_OWN,
	SLEEPER_CLEAR,
	SLEEPER_PASS_ON,
	SLEEPER_LOOK,
	SLEEPER_END,
};

static unsigned int events_of(const struct model *m, unsigned int sleeper)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < EVENTS; i++)
		count += m->order[i] == sleeper;
	return count;
}

static unsigned int wish(const struct model *m, const struct cpu *cpu)
{
	return m->event_idx ? cpu->seen : 1;
}

static unsigned int no_wish(const struct model *m, const struct cpu *cpu)
{
	return m->event_idx ? cpu->seen + FAR_AWAY : 0;
}

static uint8_t after_looking(const struct model *m, const struct cpu *cpu, unsigned int id)
{
	return cpu->seen == events_of(m, id) ? SLEEPER_END : SLEEPER_WISH;
}

/* False: it cannot go on now. */
static bool sleeper_step(const struct model *m, struct world *w, unsigned int id)
{
	struct cpu *cpu = &w->cpus[id];
	bool shared = m->sleepers > 1;

	switch (cpu->step) {
	case SLEEPER_WISH:
		cpu->step = SLEEPER_BARRIER;
		return store(cpu, id, WISH, wish(m, cpu));
	case SLEEPER_BARRIER:
		cpu->step = SLEEPER_LOOK_AGAIN;
		return !m->sleeper_barrier || !cpu->stores;
	case SLEEPER_LOOK_AGAIN:
		cpu->step = m->clear_late ? SLEEPER_CLEAR_LATE : SLEEPER_SLEEP;
		if (load(w, cpu, id, INDEX) != cpu->seen)
			cpu->step = SLEEPER_NO_WISH;
		return true;
	case SLEEPER_CLEAR_LATE:
		w->signal = 0;
		cpu->step = SLEEPER_SLEEP;
		return true;
	case SLEEPER_SLEEP:
		cpu->step = SLEEPER_NO_WISH;
		w->slept = 1;
		return w->signal || w->own[id];
	case SLEEPER_NO_WISH:
		cpu->step = SLEEPER_CLEAR_OWN;
		return store(cpu, id, WISH, no_wish(m, cpu));
	case SLEEPER_CLEAR_OWN:
		w->own[id] = 0;
		cpu->step = SLEEPER_CLEAR;
		return true;
	case SLEEPER_CLEAR:
		cpu->step = w->signal && shared && m->pass_on ? SLEEPER_PASS_ON : SLEEPER_LOOK;
		w->signal = 0;
		return true;
	case SLEEPER_PASS_ON:
		w->own[!id] = 1;
		cpu->step = SLEEPER_LOOK;
		return true;
	case SLEEPER_LOOK:
		cpu->seen = load(w, cpu, id, INDEX);
		cpu->step = after_looking(m, cpu, id);
		return true;
	default:
		return false;
	}
}

/* ---- who wakes ---- */

enum {
	WAKER_MOVE,
	WAKER_BARRIER,
	WAKER_LOOK_AT_WISH,
	WAKER_SIGNAL,
	WAKER_END,
};

/* Its index before the event that is under way. */
static unsigned int index_before(const struct model *m, const struct cpu *cpu, unsigned int sleeper)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < cpu->done; i++)
		count += m->order[i] == sleeper;
	return count;
}

static bool is_wanted(const struct model *m, uint16_t wish, uint16_t old)
{
	uint16_t now = (uint16_t)(old + 1);

	if (!m->event_idx)
		return wish;
	return (uint16_t)(now - wish - 1) < (uint16_t)(now - old);
}

static void next_event(struct cpu *cpu)
{
	cpu->done++;
	cpu->step = cpu->done == EVENTS ? WAKER_END : WAKER_MOVE;
}

static bool waker_step(const struct model *m, struct world *w)
{
	struct cpu *cpu = &w->cpus[WAKER];
	unsigned int whom = m->order[cpu->done % EVENTS];
	unsigned int old = index_before(m, cpu, whom);

	switch (cpu->step) {
	case WAKER_MOVE:
		cpu->step = WAKER_BARRIER;
		return store(cpu, whom, INDEX, old + 1);
	case WAKER_BARRIER:
		cpu->step = WAKER_LOOK_AT_WISH;
		return !m->waker_barrier || !cpu->stores;
	case WAKER_LOOK_AT_WISH:
		if (is_wanted(m, load(w, cpu, whom, WISH), (uint16_t)old))
			cpu->step = WAKER_SIGNAL;
		else
			next_event(cpu);
		return true;
	case WAKER_SIGNAL:
		w->signal = 1;
		next_event(cpu);
		return true;
	default:
		return false;
	}
}

/* ---- all that can happen ---- */

#define WORLDS (1u << 20)

static struct {
	struct world *worlds; /* a hash table */
	bool *used;
	struct world *todo;
	size_t num_todo;
	size_t count;
	size_t ended;
	size_t ended_with_sleep;
	size_t lost; /* somebody sleeps, and nothing will ever happen */
} all;

static size_t hash(const struct world *w)
{
	const uint8_t *bytes = (const void *)w;
	uint64_t h = 14695981039346656037ull;

	for (size_t i = 0; i < sizeof(*w); i++)
		h = (h ^ bytes[i]) * 1099511628211ull;
	return (size_t)(h ^ h >> 32) % WORLDS;
}

/* To be looked at, unless it was already. */
static void remember(const struct world *w)
{
	size_t at = hash(w);

	while (all.used[at]) {
		if (memcmp(&all.worlds[at], w, sizeof(*w)) == 0)
			return;
		at = (at + 1) % WORLDS;
	}
	assert_true(++all.count < WORLDS / 2);
	all.used[at] = true;
	all.worlds[at] = *w;
	all.todo[all.num_todo++] = *w;
}

static bool has_ended(const struct model *m, const struct world *w)
{
	bool ended = w->cpus[WAKER].step == WAKER_END;

	for (unsigned int i = 0; i < m->sleepers; i++)
		ended = ended && w->cpus[i].step == SLEEPER_END;
	return ended;
}

static void go_on(const struct model *m, const struct world *from)
{
	bool some = false;

	for (unsigned int i = 0; i < CPUS; i++) {
		struct world stepped = *from;
		struct world drained = *from;
		bool can = i == WAKER ? waker_step(m, &stepped)
				      : i < m->sleepers && sleeper_step(m, &stepped, i);

		if (can)
			remember(&stepped);
		if (drain_one(&drained, &drained.cpus[i]))
			remember(&drained);
		some = some || can || from->cpus[i].stores;
	}
	if (some)
		return;
	all.lost += !has_ended(m, from);
	all.ended += has_ended(m, from);
	all.ended_with_sleep += has_ended(m, from) && from->slept;
}

/* How many of the worlds in which nothing moves any more have somebody who sleeps for ever. */
static size_t losses(const struct model *m)
{
	struct world start;

	memset(&all, 0, sizeof(all));
	all.worlds = calloc(WORLDS, sizeof(*all.worlds));
	all.used = calloc(WORLDS, sizeof(*all.used));
	all.todo = calloc(WORLDS, sizeof(*all.todo));
	assert_true(all.worlds && all.used && all.todo);
	memset(&start, 0, sizeof(start));
	for (unsigned int i = 0; i < m->sleepers && m->event_idx; i++)
		start.memory[i][WISH] = FAR_AWAY;
	remember(&start);
	while (all.num_todo) {
		struct world next = all.todo[--all.num_todo];

		go_on(m, &next);
	}
	free(all.worlds);
	free(all.used);
	free(all.todo);
	/* A model in which nobody sleeps or comes to the end would show nothing. */
	assert_true(all.ended > 0 && all.ended_with_sleep > 0);
	return all.lost;
}

/* ---- what they show ---- */

static const struct model right = {
	.sleeper_barrier = true, .waker_barrier = true, .pass_on = true, .sleepers = 1};

static void no_wake_up_is_lost(void **state)
{
	struct model m = right;

	(void)state;
	for (int event_idx = 0; event_idx <= 1; event_idx++) {
		m.event_idx = event_idx;
		assert_int_equal(losses(&m), 0);
	}
}

static void each_barrier_is_needed(void **state)
{
	(void)state;
	for (int event_idx = 0; event_idx <= 1; event_idx++) {
		struct model m = right;

		m.event_idx = event_idx;
		m.sleeper_barrier = false;
		assert_int_not_equal(losses(&m), 0);
		m.waker_barrier = false;
		assert_int_not_equal(losses(&m), 0);
		m.sleeper_barrier = true;
		assert_int_not_equal(losses(&m), 0);
	}
}

/* The descriptor is emptied before the wish is written: what it says later is for the sleeper. */
static void clearing_after_the_wish_loses(void **state)
{
	struct model m = right;

	(void)state;
	m.clear_late = true;
	for (int event_idx = 0; event_idx <= 1; event_idx++) {
		m.event_idx = event_idx;
		assert_int_not_equal(losses(&m), 0);
	}
}

/* Every order in which two queues that share an interrupt complete something. */
static size_t losses_shared(const struct model *m)
{
	size_t lost = 0;

	for (unsigned int order = 1; order < (1u << EVENTS) - 1; order++) {
		struct model ordered = *m;

		for (unsigned int i = 0; i < EVENTS; i++)
			ordered.order[i] = order >> i & 1;
		lost += losses(&ordered);
	}
	return lost;
}

static void sharing_an_interrupt_loses_none(void **state)
{
	struct model m = right;

	(void)state;
	m.sleepers = SLEEPERS;
	for (int event_idx = 0; event_idx <= 1; event_idx++) {
		m.event_idx = event_idx;
		assert_int_equal(losses_shared(&m), 0);
	}
}

static void an_interrupt_that_is_not_passed_on_is_lost(void **state)
{
	struct model m = right;

	(void)state;
	m.sleepers = SLEEPERS;
	m.pass_on = false;
	for (int event_idx = 0; event_idx <= 1; event_idx++) {
		m.event_idx = event_idx;
		assert_int_not_equal(losses_shared(&m), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_wake_up_is_lost),
		cmocka_unit_test(each_barrier_is_needed),
		cmocka_unit_test(clearing_after_the_wish_loses),
		cmocka_unit_test(sharing_an_interrupt_loses_none),
		cmocka_unit_test(an_interrupt_that_is_not_passed_on_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
