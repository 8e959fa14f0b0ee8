/* SPDX-License-Identifier: MIT */
/* More than a range in one piece. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stub.h"
#include "waits.h"

static struct stub stub;
static struct stub_file a, b;

static int set_up(void **state)
{
	(void)state;
	threads_fail(true);
	stub_create(&stub, 6, 2);
	stub_file_create(&stub, &a, 1, RANGES(16));
	stub_file_create(&stub, &b, 2, RANGES(16));
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

static unsigned int place_of(const struct vfs_dax_pin *pin)
{
	return (unsigned int)((size_t)((char *)pin->address - stub.memory) / RANGE);
}

static void it_is_one_piece_of_memory(void **state)
{
	struct vfs_dax_pin pin;
	uint64_t i;

	(void)state;
	assert_int_equal(stub_pin_span(&stub, &a, 200, 500, 0, &pin), 0);
	assert_int_equal(pin.count, 3);
	assert_int_equal(pin.length, RANGES(3) - 200);
	for (i = 0; i < 500; i++)
		assert_int_equal(((char *)pin.address)[i], stub_byte(&a, 200 + i));
	assert_int_equal(stub_stats(&stub).held, 3);
	assert_int_equal(stub_stats(&stub).maps, 3);
	stub_check(&stub);
	stub_unpin(&stub, &pin);
	assert_int_equal(stub_stats(&stub).held, 0);
	assert_int_equal(stub_stats(&stub).free, 6);
	assert_int_equal(stub_stats(&stub).unmap_calls, 2);
}

static void inside_a_range_it_is_a_hold(void **state)
{
	struct vfs_dax_pin pin;

	(void)state;
	stub_touch(&stub, &a, 0, 0);
	assert_int_equal(stub_pin_span(&stub, &a, 10, RANGE - 10, 0, &pin), 0);
	assert_int_equal(pin.count, 1);
	assert_int_equal(atomic_load(&stub.maps), 1);
	assert_int_equal(stub_stats(&stub).held, 1);
	stub_unpin(&stub, &pin);
	assert_int_equal(stub_stats(&stub).mapped_read, 1);
}

static void inside_a_range_that_has_grown_all_of_it_is_mapped(void **state)
{
	struct vfs_dax_pin pin;

	(void)state;
	a.size = 100;
	stub_touch(&stub, &a, 0, 0);
	a.size = 200;
	assert_int_equal(stub_pin_span(&stub, &a, 0, 190, 0, &pin), 0);
	assert_true(pin.length >= 190);
	assert_int_equal(stub_stats(&stub).upgrades, 1);
	stub_unpin(&stub, &pin);
}

static void it_ends_with_the_file(void **state)
{
	struct vfs_dax_pin pin;

	(void)state;
	a.size = RANGES(2) + 70;
	assert_int_equal(stub_pin_span(&stub, &a, RANGES(1), RANGE + 70, VFS_DAX_WRITE, &pin), 0);
	assert_int_equal(pin.length, RANGE + 128);
	assert_int_equal(stub_stats(&stub).mapped_write, 2);
	stub_unpin(&stub, &pin);
}

static void what_it_shows_is_shown_once_more(void **state)
{
	struct vfs_dax_pin pin;
	unsigned int i, shown = 0;

	(void)state;
	stub_touch(&stub, &a, 0, 0);
	assert_int_equal(stub_pin_span(&stub, &a, 0, RANGES(2), 0, &pin), 0);
	stub_touch(&stub, &a, 0, 0);
	stub_touch(&stub, &a, RANGES(1), 0);
	for (i = 0; i < stub.num_ranges; i++)
		shown += stub.places[i].file == &a;
	assert_int_equal(shown, 4);
	vfs_dax_trim(a.inode, 0);
	assert_int_equal(stub_stats(&stub).mapped_read, 2);
	stub_check(&stub);
	stub_unpin(&stub, &pin);
}

static void free_neighbours_are_taken_first(void **state)
{
	struct vfs_dax_pin pins[6], span;
	unsigned int i;

	(void)state;
	for (i = 0; i < 6; i++)
		assert_int_equal(stub_pin(&stub, &a, RANGES(i), 0, &pins[i]), 0);
	for (i = 0; i < 6; i++)
		stub_unpin(&stub, &pins[i]);
	/* Leaves 0, 1 and 2, of which 1 is in use; and so 3, 4 and 5 cost least. */
	vfs_dax_trim(a.inode, RANGES(4));
	assert_int_equal(stub_pin(&stub, &a, RANGES(1), 0, &pins[1]), 0);
	assert_int_equal(stub_pin_span(&stub, &b, 0, RANGES(3), 0, &span), 0);
	assert_int_equal(place_of(&span), 3);
	assert_non_null(stub_find(&stub, &a, RANGES(2)));
	assert_null(stub_find(&stub, &a, RANGES(3)));
	assert_int_equal(stub_stats(&stub).reclaims, 1);
	stub_unpin(&stub, &span);
	stub_unpin(&stub, &pins[1]);
}

static void what_is_pinned_is_in_the_way(void **state)
{
	struct vfs_dax_pin pins[6], span;
	unsigned int i;

	(void)state;
	for (i = 0; i < 6; i++)
		assert_int_equal(
			stub_pin(&stub, &a, RANGES(i), i % 4 ? 0 : VFS_DAX_HOLD, &pins[i]), 0);
	for (i = 0; i < 6; i++)
		if (place_of(&pins[i]) % 2)
			stub_unpin(&stub, &pins[i]);
	assert_int_equal(stub_pin_span(&stub, &b, 0, RANGES(2), 0, &span), -EBUSY);
	assert_int_equal(atomic_load(&stub.maps), 6);
	assert_int_equal(atomic_load(&stub.unmaps), 0);
	for (i = 0; i < 6; i++)
		if (place_of(&pins[i]) % 2 == 0)
			stub_unpin(&stub, &pins[i]);
	stub_check(&stub);
}

static struct vfs_dax_pin in_between;

static void pin_in_between(void)
{
	assert_int_equal(stub_pin(&stub, &a, RANGES(5), 0, &in_between), 0);
}

/* While it is looked at which there are, or just before they are taken, or while. */
static void what_is_pinned_in_between_is_in_the_way_too(void **state)
{
	struct vfs_dax_pin span;
	unsigned int nth, i;

	(void)state;
	for (i = 0; i < 6; i++)
		stub_touch(&stub, &a, RANGES(i), 0);
	for (nth = 1; nth < 6 + 6; nth++) {
		after_unlock(nth, pin_in_between);
		assert_int_equal(stub_pin_span(&stub, &b, 0, RANGES(6), 0, &span), -EBUSY);
		assert_int_equal(stub_stats(&stub).mapped_read, 6);
		for (i = 0; i < 6; i++)
			stub_touch(&stub, &a, RANGES(i), 0);
		stub_unpin(&stub, &in_between);
	}
	assert_int_equal(atomic_load(&stub.unmaps), 0);
	assert_int_equal(atomic_load(&stub.maps), 6);
	assert_int_equal(stub_pin_span(&stub, &b, 0, RANGES(6), 0, &span), 0);
	stub_unpin(&stub, &span);
}

static void it_may_be_the_whole_window(void **state)
{
	struct vfs_dax_pin span, pin;

	(void)state;
	stub_touch(&stub, &a, 0, 0);
	stub_touch(&stub, &b, 0, 0);
	assert_int_equal(stub_pin_span(&stub, &a, 0, RANGES(7), 0, &span), -ENOSPC);
	assert_int_equal(stub_pin_span(&stub, &a, 0, RANGES(6), VFS_DAX_WRITE, &span), 0);
	memset(span.address, 'x', RANGES(6));
	assert_int_equal(stub_pin_span(&stub, &b, 0, RANGES(2), 0, &pin), -EBUSY);
	assert_int_equal(stub_pin(&stub, &b, 0, 0, &pin), -EBUSY);
	/* It is not looked for there. */
	assert_int_equal(stub_pin(&stub, &a, 0, 0, &pin), -EBUSY);
	stub_unpin(&stub, &span);
	assert_int_equal(stub_byte(&a, RANGES(6) - 1), 'x');
	stub_touch(&stub, &b, 0, 0);
}

#define SPAN_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPAN_TEST(it_is_one_piece_of_memory),
		SPAN_TEST(inside_a_range_it_is_a_hold),
		SPAN_TEST(inside_a_range_that_has_grown_all_of_it_is_mapped),
		SPAN_TEST(it_ends_with_the_file),
		SPAN_TEST(what_it_shows_is_shown_once_more),
		SPAN_TEST(free_neighbours_are_taken_first),
		SPAN_TEST(what_is_pinned_is_in_the_way),
		SPAN_TEST(what_is_pinned_in_between_is_in_the_way_too),
		SPAN_TEST(it_may_be_the_whole_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
