/* SPDX-License-Identifier: MIT */
/* Requests that nobody answers, until a signal or the end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "held.h"
#include "lane.h"

#define MANY 1000

static struct held held;
static struct lane lanes[2];
static struct lane_origin origins[2];

/* By their unique */
static int answers[MANY];
static int errors[MANY];
static const struct lane_origin *answered_by[MANY];

static void answer(struct lane_origin *origin, uint64_t unique, int error)
{
	answers[unique]++;
	errors[unique] = error;
	answered_by[unique] = origin;
}

static const struct lane_ops ops = {.answer_error = answer};

static int begin(void **state)
{
	(void)state;
	memset(answers, 0, sizeof(answers));
	lanes[0].ops = lanes[1].ops = &ops;
	origins[0].lane = &lanes[0];
	origins[1].lane = &lanes[1];
	held_init(&held);
	return 0;
}

static int end(void **state)
{
	(void)state;
	held_close(&held);
	held_destroy(&held);
	return 0;
}

static void nothing_is_held_before_it_is_said(void **state)
{
	(void)state;
	assert_false(held_add(&held, &origins[0], 1));
	held_close(&held);
	assert_int_equal(answers[1], 0);
}

static void the_end_answers_all_once(void **state)
{
	int i;

	(void)state;
	held_open(&held);
	for (i = 0; i < MANY; i++)
		assert_true(held_add(&held, &origins[i % 2], (uint64_t)i));
	held_close(&held);
	held_close(&held);
	for (i = 0; i < MANY; i++) {
		assert_int_equal(answers[i], 1);
		assert_int_equal(errors[i], -ENOTCONN);
		assert_ptr_equal(answered_by[i], &origins[i % 2]);
	}
}

static void nothing_is_held_after_the_end(void **state)
{
	(void)state;
	held_open(&held);
	held_close(&held);
	assert_false(held_add(&held, &origins[0], 1));
}

static void a_signal_answers_one(void **state)
{
	(void)state;
	held_open(&held);
	assert_true(held_add(&held, &origins[0], 1));
	assert_true(held_add(&held, &origins[1], 2));
	assert_true(held_add(&held, &origins[0], 3));
	held_interrupt(&held, 2);
	held_interrupt(&held, 2);
	assert_int_equal(answers[1] + answers[3], 0);
	assert_int_equal(answers[2], 1);
	assert_int_equal(errors[2], -EINTR);
	assert_ptr_equal(answered_by[2], &origins[1]);
	held_close(&held);
	assert_int_equal(answers[1], 1);
	assert_int_equal(answers[2], 1);
	assert_int_equal(answers[3], 1);
}

static void a_signal_for_what_is_not_held_does_nothing(void **state)
{
	(void)state;
	held_interrupt(&held, 1);
	held_open(&held);
	assert_true(held_add(&held, &origins[0], 1));
	held_interrupt(&held, 2);
	assert_int_equal(answers[1] + answers[2], 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_held_before_it_is_said),
		TEST(the_end_answers_all_once),
		TEST(nothing_is_held_after_the_end),
		TEST(a_signal_answers_one),
		TEST(a_signal_for_what_is_not_held_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
