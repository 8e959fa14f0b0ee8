/* SPDX-License-Identifier: MIT */
/* What is made free when there are few ranges, by whom, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stub.h"
#include "waits.h"

static struct stub stub;
static struct stub_file a, b;

static void begin(unsigned int num_ranges, unsigned int batch, bool thread)
{
	threads_fail(!thread);
	waits_reset();
	stub_create(&stub, num_ranges, batch);
	stub_file_create(&stub, &a, 1, RANGES(1000));
	stub_file_create(&stub, &b, 2, RANGES(1000));
}

/* What is made free in the background is counted when that has ended. */
static void end(void)
{
	stub_file_destroy(&a);
	stub_file_destroy(&b);
	stub_check(&stub);
	stub_destroy(&stub);
}

static void touch_many(struct stub_file *file, unsigned int first, unsigned int count)
{
	unsigned int i;

	for (i = first; i < first + count; i++)
		stub_touch(&stub, file, RANGES(i), 0);
}

/* ---- by who needs one ---- */

static void a_quarter_is_made_free_at_once(void **state)
{
	(void)state;
	begin(16, 8, false);
	touch_many(&a, 0, 16);
	assert_int_equal(atomic_load(&stub.unmaps), 0);
	stub_touch(&stub, &a, RANGES(16), 0);
	assert_int_equal(atomic_load(&stub.unmap_calls), 1);
	assert_int_equal(atomic_load(&stub.unmaps), 4);
	assert_int_equal(stub_stats(&stub).reclaims, 4);
	assert_int_equal(stub_stats(&stub).stalls, 1);
	touch_many(&a, 17, 3);
	assert_int_equal(atomic_load(&stub.unmap_calls), 1);
	stub_check(&stub);
	end();
}

static void a_batch_is_not_larger_than_it_may_be(void **state)
{
	(void)state;
	begin(16, 3, false);
	touch_many(&a, 0, 8);
	touch_many(&b, 0, 8);
	stub_touch(&stub, &b, RANGES(8), 0);
	assert_int_equal(atomic_load(&stub.unmap_calls), 1);
	assert_int_equal(atomic_load(&stub.unmaps), 3);
	touch_many(&b, 9, 40);
	assert_int_equal(atomic_load(&stub.largest_batch), 3);
	end();
}

static void what_is_pinned_is_not_made_free(void **state)
{
	struct vfs_dax_pin pins[3];
	unsigned int i;

	(void)state;
	begin(4, 4, false);
	for (i = 0; i < 3; i++)
		assert_int_equal(
			stub_pin(&stub, &a, RANGES(i), i == 2 ? VFS_DAX_HOLD : 0, &pins[i]), 0);
	touch_many(&b, 0, 20);
	for (i = 0; i < 3; i++) {
		assert_non_null(stub_find(&stub, &a, RANGES(i)));
		stub_unpin(&stub, &pins[i]);
	}
	stub_check(&stub);
	end();
}

static void what_was_used_again_has_a_second_chance(void **state)
{
	unsigned int i;

	(void)state;
	begin(8, 1, false);
	touch_many(&a, 0, 8);
	/* The hand goes round once, and all have had their chance. */
	stub_touch(&stub, &a, RANGES(8), 0);
	for (i = 9; i < 100; i++) {
		stub_touch(&stub, &a, RANGES(7), 0);
		stub_touch(&stub, &a, RANGES(i), 0);
		assert_non_null(stub_find(&stub, &a, RANGES(7)));
	}
	end();
}

/* ---- fairness ---- */

/* The hot ones are not used while the hand goes round several times. */
static void read_from_end_to_end(void)
{
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		if (i % 100 == 0)
			touch_many(&b, 0, 3);
		stub_touch(&stub, &a, RANGES(i), 0);
	}
}

static void a_file_read_from_end_to_end_leaves_the_others_theirs(void **state)
{
	(void)state;
	begin(16, 4, false);
	read_from_end_to_end();
	assert_int_equal(atomic_load(&stub.maps), 1003);
	assert_int_equal(stub_stats(&stub).hits, 27);
	stub_check(&stub);
	end();
}

static void so_it_does_with_a_thread(void **state)
{
	(void)state;
	begin(16, 4, true);
	read_from_end_to_end();
	assert_int_equal(atomic_load(&stub.maps), 1003);
	end();
}

static void who_has_more_gives_first(void **state)
{
	(void)state;
	begin(8, 2, false);
	touch_many(&b, 0, 6);
	touch_many(&a, 0, 2);
	/* Those of a, too, were used; and the hand is in front of those of b. */
	touch_many(&a, 2, 1);
	assert_non_null(stub_find(&stub, &a, 0));
	assert_non_null(stub_find(&stub, &a, RANGES(1)));
	assert_int_equal(stub_stats(&stub).reclaims, 2);
	end();
}

/* ---- in the background ---- */

static void the_thread_is_started_when_ranges_become_scarce(void **state)
{
	(void)state;
	begin(20, 8, true);
	touch_many(&a, 0, 16);
	assert_int_equal(threads_asked_for(), 0);
	touch_many(&a, 16, 1);
	assert_int_equal(threads_asked_for(), 1);
	assert_false(threads_take_signals());
	touch_many(&a, 17, 100);
	assert_int_equal(threads_asked_for(), 1);
	end();
}

static void the_thread_makes_a_quarter_free_and_sleeps(void **state)
{
	(void)state;
	begin(20, 8, true);
	touch_many(&a, 0, 17);
	/* It waits when there is nothing left to do. */
	waits_have_begun(1);
	assert_int_equal(stub_stats(&stub).free, 5);
	assert_int_equal(atomic_load(&stub.unmaps), 2);
	touch_many(&a, 17, 2);
	waits_have_begun(1);
	assert_int_equal(stub_stats(&stub).free, 5);
	assert_int_equal(stub_stats(&stub).stalls, 0);
	stub_check(&stub);
	end();
}

static void the_thread_sleeps_if_nothing_can_be_done(void **state)
{
	struct vfs_dax_pin pins[9];
	unsigned int i;

	(void)state;
	begin(10, 8, true);
	for (i = 0; i < 9; i++)
		assert_int_equal(stub_pin(&stub, &a, RANGES(i), 0, &pins[i]), 0);
	waits_have_begun(1);
	assert_int_equal(stub_stats(&stub).free, 1);
	for (i = 0; i < 9; i++)
		stub_unpin(&stub, &pins[i]);
	end();
}

static void without_a_thread_who_needs_a_range_makes_one_free(void **state)
{
	(void)state;
	begin(20, 8, false);
	touch_many(&a, 0, 200);
	assert_int_equal(threads_asked_for(), 1);
	assert_int_equal(atomic_load(&stub.maps), 200);
	stub_check(&stub);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quarter_is_made_free_at_once),
		cmocka_unit_test(a_batch_is_not_larger_than_it_may_be),
		cmocka_unit_test(what_is_pinned_is_not_made_free),
		cmocka_unit_test(what_was_used_again_has_a_second_chance),
		cmocka_unit_test(a_file_read_from_end_to_end_leaves_the_others_theirs),
		cmocka_unit_test(so_it_does_with_a_thread),
		cmocka_unit_test(who_has_more_gives_first),
		cmocka_unit_test(the_thread_is_started_when_ranges_become_scarce),
		cmocka_unit_test(the_thread_makes_a_quarter_free_and_sleeps),
		cmocka_unit_test(the_thread_sleeps_if_nothing_can_be_done),
		cmocka_unit_test(without_a_thread_who_needs_a_range_makes_one_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
