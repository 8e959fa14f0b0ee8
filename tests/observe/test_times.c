/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "observe/times.h"

static struct vfs_observe_times times;

static int set_up(void **state)
{
	(void)state;
	memset(&times, 0, sizeof(times));
	return 0;
}

/* The bucket that it was put into. */
static unsigned int bucket_of(uint64_t ticks)
{
	unsigned int i = 0;

	memset(&times, 0, sizeof(times));
	vfs_times_add(&times, ticks);
	while (!times.buckets[i])
		i++;
	return i;
}

static void a_time_is_less_than_the_end_of_its_bucket(void **state)
{
	(void)state;
	for (uint64_t ticks = 0; ticks < 100000; ticks++) {
		unsigned int bucket = bucket_of(ticks);

		assert_true(ticks < vfs_observe_bucket_end(bucket));
		assert_true(!bucket || ticks >= vfs_observe_bucket_end(bucket - 1));
	}
}

static void buckets_are_an_eighth_wide(void **state)
{
	(void)state;
	for (uint64_t ticks = 16; ticks < 1ull << 40; ticks += ticks / 5) {
		uint64_t end = vfs_observe_bucket_end(bucket_of(ticks));

		assert_true(end - ticks <= ticks / 8 + 1);
	}
}

static void the_last_bucket_has_all_that_take_longer(void **state)
{
	(void)state;
	assert_int_equal(bucket_of(UINT64_MAX), VFS_OBSERVE_BUCKETS - 1);
	assert_true(vfs_observe_bucket_end(VFS_OBSERVE_BUCKETS - 1) == UINT64_MAX);
	assert_true(vfs_observe_bucket_end(UINT32_MAX) == UINT64_MAX);
	assert_int_equal(vfs_times_quantile(&times, 500), UINT64_MAX - 1);
}

static void a_quantile_is_what_a_share_is_not_above(void **state)
{
	(void)state;
	assert_int_equal(vfs_times_quantile(&times, 500), 0);
	for (unsigned int i = 0; i < 100; i++)
		vfs_times_add(&times, i < 90 ? 10 : 1000);
	assert_int_equal(vfs_times_quantile(&times, 500), 10);
	assert_int_equal(vfs_times_quantile(&times, 900), 10);
	/* Not above the longest, whatever the bucket's end is. */
	assert_int_equal(vfs_times_quantile(&times, 910), 1000);
	assert_int_equal(vfs_times_quantile(&times, 1000), 1000);
}

static void merged_times_are_those_of_both(void **state)
{
	struct vfs_observe_times other = {0};

	(void)state;
	vfs_times_add(&times, 5);
	vfs_times_add(&other, 7);
	vfs_times_add(&other, 7);
	vfs_times_merge(&times, &other);
	assert_int_equal(times.count, 3);
	assert_int_equal(times.max, 7);
	assert_int_equal(times.buckets[7], 2);
}

/* As they may be read from anywhere. */
static void times_that_cannot_be_have_a_quantile(void **state)
{
	(void)state;
	memset(&times, 0xff, sizeof(times));
	(void)vfs_times_quantile(&times, 500);
	(void)vfs_times_quantile(&times, 1000);
	times.count = 0;
	times.max = 3;
	assert_true(vfs_times_quantile(&times, 999) <= 3);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_time_is_less_than_the_end_of_its_bucket),
		TEST(buckets_are_an_eighth_wide),
		TEST(the_last_bucket_has_all_that_take_longer),
		TEST(a_quantile_is_what_a_share_is_not_above),
		TEST(merged_times_are_those_of_both),
		TEST(times_that_cannot_be_have_a_quantile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
