/* SPDX-License-Identifier: MIT */
/* Of those who wait for a shared queue one reaps, and hands that over: every interleaving. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hand_over.h"

/* Those who come to an end although the device answers nothing, and the others. */
static const struct role roles[] = {{NOBODY, NEVER}, {CALLS, 1}, {CALLS, 2}, {GETS, 1}, {DRAINS, 1},
	{REAPS, NEVER}, {SENDS, 1}, {CALLS, NEVER}, {SENDS, NEVER}, {GETS, NEVER}, {DRAINS, NEVER}};

#define ALL	     (sizeof(roles) / sizeof(roles[0]))
#define ALL_WITH_END 7u

static unsigned int count(const struct hand_over *model, enum what what)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < THREADS; i++)
		n += model->roles[i].what == what;
	return n;
}

/*
 * Somebody has to be there to reap: a callback alone is nobody who waits. A request comes free only
 * if somebody has one. The library has one thread of its own.
 */
static bool makes_sense(const struct hand_over *model)
{
	bool sends = count(model, SENDS) > 0, gets = count(model, GETS) > 0;

	if (count(model, REAPS) > 1 || (sends && !count(model, REAPS)))
		return false;
	for (unsigned int i = 0; i < THREADS; i++)
		if (model->roles[i].what == GETS && model->roles[i].until == NEVER &&
			!count(model, CALLS) && !sends)
			return false;
	return count(model, CALLS) || sends || gets;
}

static void add(struct hand_over *sum, const struct hand_over *one)
{
	sum->ended += one->ended;
	sum->lost += one->lost;
	sum->twice += one->twice;
	sum->late += one->late;
	sum->slept += one->slept;
}

static void explore_roles(struct hand_over *sum, unsigned int number)
{
	struct hand_over model = *sum;
	unsigned int of = sum->answers ? ALL : ALL_WITH_END;

	for (unsigned int i = 0; i < THREADS; i++, number /= of)
		model.roles[i] = roles[number % of];
	model.ended = model.lost = model.twice = model.late = model.slept = 0;
	/* Threads are alike: each set of roles once. */
	for (unsigned int i = 1; i < THREADS; i++)
		if (model.roles[i - 1].what > model.roles[i].what ||
			(model.roles[i - 1].what == model.roles[i].what &&
				model.roles[i - 1].until > model.roles[i].until))
			return;
	if (!makes_sense(&model))
		return;
	hand_over_explore(&model);
	add(sum, &model);
}

static bool is_wrong(const struct hand_over *sum)
{
	return sum->lost || sum->twice || sum->late;
}

/* All roles, on a device that answers and on one that does not; or until something is wrong. */
static struct hand_over explore_all(enum mutation mutation)
{
	struct hand_over sum = {.mutation = mutation};

	for (unsigned int how = 0; how < 6; how++) {
		unsigned int of;

		sum.answers = how & 1;
		sum.prompt = how & 2;
		sum.looks = how & 4;
		of = sum.answers ? ALL : ALL_WITH_END;
		for (unsigned int i = 0; i < of * of * of && !is_wrong(&sum); i++)
			explore_roles(&sum, i);
	}
	return sum;
}

static void everybody_comes_to_an_end(void **state)
{
	struct hand_over sum = explore_all(RIGHT);

	(void)state;
	assert_int_equal(sum.lost, 0);
	assert_int_equal(sum.twice, 0);
	assert_int_equal(sum.late, 0);
	/* A model in which nobody sleeps or comes to the end would show nothing. */
	assert_int_not_equal(sum.ended, 0);
	assert_int_not_equal(sum.slept, 0);
}

/* Each step is needed: the model without it has somebody who is lost, late, or told twice. */
static void nothing_can_be_left_out(void **state)
{
	(void)state;
	for (enum mutation mutation = RIGHT + 1; mutation < MUTATIONS; mutation++) {
		struct hand_over sum = explore_all(mutation);

		if (!is_wrong(&sum))
			fail_msg("mutation %u makes no difference", mutation);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_comes_to_an_end),
		cmocka_unit_test(nothing_can_be_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
