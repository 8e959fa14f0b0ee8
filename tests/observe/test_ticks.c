/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/observe.h>

#include "observe/ticks.h"

static void ticks_follow_the_clock(void **state)
{
	struct vfs_tick_pair first = vfs_tick_pair();
	struct vfs_tick_pair second;
	uint64_t begin = vfs_observe_ticks();
	uint64_t ns;

	(void)state;
	usleep(20000);
	second = vfs_tick_pair();
	ns = vfs_ticks_to_ns(vfs_ticks() - begin, &first, &second);
	assert_true(ns >= 15000000);
	assert_in_range(ns, 0, 2 * (vfs_now_ns() - first.ns));
}

static void time_is_in_proportion(void **state)
{
	const struct vfs_tick_pair from = {.ticks = 1000, .ns = 5000};
	const struct vfs_tick_pair to = {.ticks = 3000, .ns = 6000};

	(void)state;
	assert_int_equal(vfs_ticks_to_ns(0, &from, &to), 0);
	assert_int_equal(vfs_ticks_to_ns(500, &from, &to), 250);
}

static void clocks_that_stand_or_go_back_tell_nothing(void **state)
{
	const struct vfs_tick_pair now = {.ticks = 10, .ns = 10};
	const struct vfs_tick_pair ticks_only = {.ticks = 20, .ns = 10};
	const struct vfs_tick_pair ns_only = {.ticks = 10, .ns = 20};
	const struct vfs_tick_pair far = {.ticks = 11, .ns = UINT64_MAX};

	(void)state;
	assert_int_equal(vfs_ticks_to_ns(5, &now, &now), 0);
	assert_int_equal(vfs_ticks_to_ns(5, &now, &ticks_only), 0);
	assert_int_equal(vfs_ticks_to_ns(5, &now, &ns_only), 0);
	assert_int_equal(vfs_ticks_to_ns(UINT64_MAX, &now, &far), INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ticks_follow_the_clock),
		cmocka_unit_test(time_is_in_proportion),
		cmocka_unit_test(clocks_that_stand_or_go_back_tell_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
