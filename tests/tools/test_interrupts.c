/* SPDX-License-Identifier: MIT */
/* INTERRUPTs go to the server only for what it has not answered after a while. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "interrupts.h"

#define NOW  1000
#define DUE  (NOW + INTERRUPTS_KEPT_MS)
#define MANY (INTERRUPTS_KEPT + 3)

/* Of requests by their number, which is their unique too. */
static int cancelled[MANY];
static bool is_lock[MANY];
static int kept;
static struct interrupts interrupts;

static bool cancel(void *ctx, uint64_t unique, enum interrupts_step step)
{
	assert_ptr_equal(ctx, &interrupts);
	if (!is_lock[unique] && step == INTERRUPTS_SOON)
		return false;
	cancelled[unique]++;
	return true;
}

static void one_is_kept(void *ctx)
{
	assert_ptr_equal(ctx, &interrupts);
	kept++;
}

static int start(void **state)
{
	(void)state;
	interrupts_init(&interrupts, cancel, one_is_kept, &interrupts);
	memset(cancelled, 0, sizeof(cancelled));
	memset(is_lock, 1, sizeof(is_lock));
	kept = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	interrupts_destroy(&interrupts);
	return 0;
}

static void what_takes_long_is_cancelled_once(void **state)
{
	(void)state;
	interrupts_keep(&interrupts, 1, NOW);
	assert_int_equal(interrupts_left_ms(&interrupts, NOW), INTERRUPTS_KEPT_MS);
	interrupts_pass_on(&interrupts, DUE - 1);
	assert_int_equal(cancelled[1], 0);
	assert_int_equal(interrupts_left_ms(&interrupts, DUE - 1), 1);
	interrupts_pass_on(&interrupts, DUE);
	assert_int_equal(cancelled[1], 1);
	assert_int_equal(interrupts_left_ms(&interrupts, DUE), -1);
	interrupts_pass_on(&interrupts, DUE + 1);
	assert_int_equal(cancelled[1], 1);
}

static void each_is_passed_on_when_it_is_due(void **state)
{
	(void)state;
	interrupts_keep(&interrupts, 1, NOW);
	interrupts_keep(&interrupts, 2, NOW + 5);
	interrupts_pass_on(&interrupts, DUE);
	assert_int_equal(cancelled[1], 1);
	assert_int_equal(cancelled[2], 0);
	assert_int_equal(interrupts_left_ms(&interrupts, DUE), 5);
	interrupts_pass_on(&interrupts, DUE + 5);
	assert_int_equal(cancelled[2], 1);
}

static void whoever_waits_hears_of_the_first(void **state)
{
	(void)state;
	interrupts_keep(&interrupts, 1, NOW);
	assert_int_equal(kept, 1);
	interrupts_keep(&interrupts, 2, NOW);
	assert_int_equal(kept, 1);
	interrupts_pass_on(&interrupts, DUE);
	interrupts_keep(&interrupts, 3, DUE);
	assert_int_equal(kept, 2);
}

static void what_ends_by_itself_is_left_for_longer(void **state)
{
	(void)state;
	is_lock[1] = false;
	interrupts_keep(&interrupts, 1, NOW);
	interrupts_keep(&interrupts, 2, NOW + 5);
	interrupts_pass_on(&interrupts, DUE);
	assert_int_equal(cancelled[1], 0);
	assert_int_equal(interrupts_left_ms(&interrupts, DUE), 5);
	interrupts_pass_on(&interrupts, DUE + 5);
	assert_int_equal(cancelled[2], 1);
	interrupts_pass_on(&interrupts, NOW + INTERRUPTS_LONG_MS - 1);
	assert_int_equal(cancelled[1], 0);
	assert_int_equal(interrupts_left_ms(&interrupts, NOW), INTERRUPTS_LONG_MS);
	interrupts_pass_on(&interrupts, NOW + INTERRUPTS_LONG_MS);
	assert_int_equal(cancelled[1], 1);
	assert_int_equal(interrupts_left_ms(&interrupts, NOW), -1);
}

static void what_is_overdue_is_not_waited_for(void **state)
{
	(void)state;
	interrupts_keep(&interrupts, 1, NOW);
	assert_int_equal(interrupts_left_ms(&interrupts, DUE + 7), 0);
}

static void of_too_many_the_oldest_goes_first(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < MANY; i++)
		interrupts_keep(&interrupts, i, NOW + i);
	for (i = 0; i < MANY; i++)
		assert_int_equal(cancelled[i], i < MANY - INTERRUPTS_KEPT);
	interrupts_pass_on(&interrupts, DUE + MANY);
	for (i = 0; i < MANY; i++)
		assert_int_equal(cancelled[i], 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_takes_long_is_cancelled_once),
		TEST(each_is_passed_on_when_it_is_due),
		TEST(whoever_waits_hears_of_the_first),
		TEST(what_ends_by_itself_is_left_for_longer),
		TEST(what_is_overdue_is_not_waited_for),
		TEST(of_too_many_the_oldest_goes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
