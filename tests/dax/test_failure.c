/* SPDX-License-Identifier: MIT */
/* Mapping and unmapping fail, with and without it being known what has become of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <vfs/error.h>
#include <vfs/log.h>

#include "stub.h"
#include "waits.h"

static struct stub stub;
static struct stub_file a, b;
static unsigned int lines;

static void count_lines(enum vfs_log_level level, const char *message, void *ctx)
{
	(void)ctx;
	lines += level == VFS_LOG_WARNING && strstr(message, "not used any more");
}

static int set_up(void **state)
{
	(void)state;
	lines = 0;
	threads_fail(true);
	stub_create(&stub, 4, 2);
	stub_file_create(&stub, &a, 1, RANGES(16));
	stub_file_create(&stub, &b, 2, RANGES(16));
	vfs_log_set(count_lines, VFS_LOG_WARNING, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stub_file_destroy(&a);
	stub_file_destroy(&b);
	stub_check(&stub);
	stub_destroy(&stub);
	return 0;
}

static void map_fails(int error, bool unknown)
{
	stub.map_error = error;
	stub.map_unknown = unknown;
}

/* ---- mapping ---- */

static void what_cannot_be_mapped_leaves_the_range_free(void **state)
{
	struct vfs_dax_pin pin;

	(void)state;
	map_fails(-EACCES, false);
	assert_int_equal(stub_pin(&stub, &a, 0, VFS_DAX_WRITE, &pin), -EACCES);
	assert_string_equal(vfs_last_error(), "the stub was told to");
	assert_int_equal(stub_stats(&stub).free, 4);
	assert_int_equal(stub_stats(&stub).maps, 0);
	stub_check(&stub);
	stub_touch(&stub, &a, 0, 0);
	assert_int_equal(lines, 0);
}

static void a_hold_that_cannot_be_mapped_is_none(void **state)
{
	struct vfs_dax_pin pin;

	(void)state;
	map_fails(-EIO, false);
	assert_int_equal(stub_pin(&stub, &a, 0, VFS_DAX_HOLD, &pin), -EIO);
	assert_int_equal(stub_stats(&stub).held, 0);
	stub_touch(&stub, &a, 0, VFS_DAX_WRITE);
}

static void without_an_answer_the_range_is_not_used_again(void **state)
{
	struct vfs_dax_pin pin;
	unsigned int i;

	(void)state;
	map_fails(-ETIMEDOUT, true);
	assert_int_equal(stub_pin(&stub, &a, 0, 0, &pin), -ETIMEDOUT);
	assert_int_equal(stub_stats(&stub).retired, 1);
	assert_int_equal(lines, 1);
	stub_check(&stub);
	/* The stub would not have it mapped there again. */
	for (i = 0; i < 16; i++)
		stub_touch(&stub, &a, RANGES(i), 0);
	assert_int_equal(stub_stats(&stub).retired, 1);
}

static void when_all_ranges_are_retired_nothing_can_be_pinned(void **state)
{
	struct vfs_dax_pin pin;
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		map_fails(-ETIMEDOUT, true);
		assert_int_equal(stub_pin(&stub, &a, RANGES(i), 0, &pin), -ETIMEDOUT);
	}
	assert_int_equal(stub_pin(&stub, &a, 0, 0, &pin), -EBUSY);
	assert_int_equal(stub_pin(&stub, &a, 0, VFS_DAX_HOLD, &pin), -EBUSY);
	assert_int_equal(stub_pin_span(&stub, &a, 0, RANGES(2), 0, &pin), -EBUSY);
	assert_int_equal(lines, 1);
}

static void held_and_retired_ranges_are_all_there_are(void **state)
{
	struct vfs_dax_pin holds[3], pin;
	unsigned int i;

	(void)state;
	map_fails(-ETIMEDOUT, true);
	assert_int_equal(stub_pin(&stub, &a, 0, 0, &pin), -ETIMEDOUT);
	for (i = 0; i < 3; i++)
		assert_int_equal(stub_pin(&stub, &a, RANGES(i), VFS_DAX_HOLD, &holds[i]), 0);
	assert_int_equal(stub_pin(&stub, &b, 0, 0, &pin), -EBUSY);
	for (i = 0; i < 3; i++)
		stub_unpin(&stub, &holds[i]);
}

/* ---- mapping again ---- */

static void what_cannot_be_mapped_again_is_not_mapped(void **state)
{
	struct vfs_dax_pin pin;

	(void)state;
	stub_touch(&stub, &a, 0, 0);
	map_fails(-EROFS, false);
	assert_int_equal(stub_pin(&stub, &a, 0, VFS_DAX_WRITE, &pin), -EROFS);
	assert_int_equal(stub_stats(&stub).free, 4);
	assert_int_equal(stub_stats(&stub).unmaps, 1);
	assert_int_equal(stub_stats(&stub).upgrades, 0);
	stub_check(&stub);
	stub_touch(&stub, &a, 0, 0);
}

static void mapped_again_without_an_answer_the_range_is_retired(void **state)
{
	struct vfs_dax_pin pin;

	(void)state;
	stub_touch(&stub, &a, 0, 0);
	map_fails(-ETIMEDOUT, true);
	assert_int_equal(stub_pin(&stub, &a, 0, VFS_DAX_WRITE, &pin), -ETIMEDOUT);
	assert_int_equal(stub_stats(&stub).retired, 1);
	assert_int_equal(stub_stats(&stub).unmaps, 0);
	stub_check(&stub);
	stub_touch(&stub, &a, 0, VFS_DAX_WRITE);
}

static void what_cannot_be_unmapped_to_be_mapped_again_is_retired(void **state)
{
	struct vfs_dax_pin pin;

	(void)state;
	stub_touch(&stub, &a, 0, 0);
	stub.unmap_error = -EIO;
	assert_int_equal(stub_pin(&stub, &a, 0, VFS_DAX_WRITE, &pin), -EIO);
	assert_int_equal(atomic_load(&stub.maps), 1);
	assert_int_equal(stub_stats(&stub).retired, 1);
	assert_int_equal(lines, 1);
	stub_check(&stub);
	stub_touch(&stub, &a, 0, VFS_DAX_WRITE);
}

/* ---- unmapping ---- */

static void what_cannot_be_unmapped_is_retired_and_not_tried_again(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++)
		stub_touch(&stub, &a, RANGES(i), 0);
	stub.unmap_error = -EIO;
	vfs_dax_drop(stub.dax);
	/* The first of two batches. */
	assert_int_equal(stub_stats(&stub).retired, 2);
	assert_int_equal(stub_stats(&stub).unmaps, 1);
	assert_int_equal(stub_stats(&stub).unmap_calls, 1);
	assert_int_equal(lines, 1);
	stub_check(&stub);
	vfs_dax_drop(stub.dax);
	assert_int_equal(atomic_load(&stub.unmap_calls), 2);
	for (i = 0; i < 16; i++)
		stub_touch(&stub, &a, RANGES(i), 0);
	stub_check(&stub);
}

static void a_range_that_is_needed_is_found_although_another_is_lost(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++)
		stub_touch(&stub, &a, RANGES(i), 0);
	stub.unmap_error = -EIO;
	stub_touch(&stub, &b, 0, 0);
	assert_int_equal(stub_stats(&stub).retired, 1);
	assert_int_equal(stub_stats(&stub).reclaims, 1);
	stub_check(&stub);
}

static void a_file_ends_although_it_cannot_be_unmapped(void **state)
{
	(void)state;
	stub_touch(&stub, &a, 0, 0);
	stub.unmap_error = -EIO;
	stub_file_close(&a);
	assert_int_equal(stub_stats(&stub).retired, 1);
	stub_check(&stub);
}

/* ---- spans ---- */

static void a_span_is_mapped_as_a_whole_or_not_at_all(void **state)
{
	struct vfs_dax_pin pin;

	(void)state;
	map_fails(-EIO, false);
	assert_int_equal(stub_pin_span(&stub, &a, 0, RANGES(3), 0, &pin), -EIO);
	assert_int_equal(atomic_load(&stub.maps), 1);
	assert_int_equal(stub_stats(&stub).free, 4);
	assert_int_equal(stub_stats(&stub).held, 0);
	stub_check(&stub);
}

static unsigned int until_it_fails;
static bool is_unknown;

/* In the call before, as it is looked at in the beginning of the next one. */
static void fail_later(struct stub *s)
{
	(void)s;
	if (until_it_fails-- == 1)
		map_fails(-ETIMEDOUT, is_unknown);
}

static void fail_the_third_of_a_span(bool unknown)
{
	struct vfs_dax_pin pin;

	until_it_fails = 2;
	is_unknown = unknown;
	stub.on_map = fail_later;
	assert_int_equal(stub_pin_span(&stub, &a, 0, RANGES(4), 0, &pin), -ETIMEDOUT);
	stub.on_map = NULL;
	assert_int_equal(atomic_load(&stub.maps), 3);
	assert_int_equal(stub_stats(&stub).held, 0);
	assert_int_equal(stub_stats(&stub).retired, unknown);
	assert_int_equal(stub_stats(&stub).free, 4 - unknown);
	stub_check(&stub);
	stub_touch(&stub, &a, RANGES(2), 0);
}

static void what_was_mapped_of_a_span_is_taken_out_again(void **state)
{
	(void)state;
	fail_the_third_of_a_span(false);
}

static void one_of_a_span_may_be_lost(void **state)
{
	(void)state;
	fail_the_third_of_a_span(true);
}

static void what_is_in_the_way_of_a_span_cannot_be_unmapped(void **state)
{
	struct vfs_dax_pin pin;
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++)
		stub_touch(&stub, &a, RANGES(i), 0);
	stub.unmap_error = -EIO;
	assert_int_equal(stub_pin_span(&stub, &b, 0, RANGES(4), 0, &pin), -EIO);
	assert_int_equal(stub_stats(&stub).retired, 2);
	assert_int_equal(stub_stats(&stub).free, 2);
	assert_int_equal(stub_stats(&stub).reclaims, 2);
	stub_check(&stub);
	assert_int_equal(stub_pin_span(&stub, &b, 0, RANGES(2), 0, &pin), 0);
	stub.unmap_error = -EIO;
	stub_unpin(&stub, &pin);
	assert_int_equal(stub_stats(&stub).retired, 4);
	assert_int_equal(stub_stats(&stub).held, 0);
}

#define FAILURE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAILURE_TEST(what_cannot_be_mapped_leaves_the_range_free),
		FAILURE_TEST(a_hold_that_cannot_be_mapped_is_none),
		FAILURE_TEST(without_an_answer_the_range_is_not_used_again),
		FAILURE_TEST(when_all_ranges_are_retired_nothing_can_be_pinned),
		FAILURE_TEST(held_and_retired_ranges_are_all_there_are),
		FAILURE_TEST(what_cannot_be_mapped_again_is_not_mapped),
		FAILURE_TEST(mapped_again_without_an_answer_the_range_is_retired),
		FAILURE_TEST(what_cannot_be_unmapped_to_be_mapped_again_is_retired),
		FAILURE_TEST(what_cannot_be_unmapped_is_retired_and_not_tried_again),
		FAILURE_TEST(a_range_that_is_needed_is_found_although_another_is_lost),
		FAILURE_TEST(a_file_ends_although_it_cannot_be_unmapped),
		FAILURE_TEST(a_span_is_mapped_as_a_whole_or_not_at_all),
		FAILURE_TEST(what_was_mapped_of_a_span_is_taken_out_again),
		FAILURE_TEST(one_of_a_span_may_be_lost),
		FAILURE_TEST(what_is_in_the_way_of_a_span_cannot_be_unmapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
