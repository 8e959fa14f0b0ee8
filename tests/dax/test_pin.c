/* SPDX-License-Identifier: MIT */
/* One thread, and nothing fails. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dax/ranges.h"
#include "stub.h"
#include "waits.h"

static struct stub stub;
static struct stub_file a, b;

/* Four ranges; 16 in each file. */
static int set_up(void **state)
{
	(void)state;
	threads_fail(true);
	stub_create(&stub, 4, 2);
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

/* ---- hits ---- */

static void what_was_mapped_is_not_mapped_again(void **state)
{
	struct vfs_dax_pin pin;

	(void)state;
	assert_int_equal(stub_pin(&stub, &a, 300, 0, &pin), 0);
	assert_int_equal(pin.length, RANGES(2) - 300);
	stub_unpin(&stub, &pin);
	stub_touch(&stub, &a, RANGES(1), 0);
	stub_touch(&stub, &a, RANGES(2) - 1, 0);
	assert_int_equal(atomic_load(&stub.maps), 1);
	assert_int_equal(stub_stats(&stub).hits, 2);
	assert_int_equal(stub_stats(&stub).maps, 1);
	stub_check(&stub);
}

static void hits_are_counted_when_the_file_is_gone(void **state)
{
	(void)state;
	stub_touch(&stub, &a, 0, 0);
	stub_touch(&stub, &a, 0, 0);
	stub_file_close(&a);
	assert_int_equal(stub_stats(&stub).hits, 1);
}

static void files_have_their_own_ranges(void **state)
{
	(void)state;
	stub_touch(&stub, &a, 0, 0);
	stub_touch(&stub, &b, 0, 0);
	stub_touch(&stub, &b, RANGES(3), 0);
	assert_int_equal(stub_stats(&stub).mapped_read, 3);
	stub_check(&stub);
}

static void many_can_pin_the_same(void **state)
{
	struct vfs_dax_pin first, second, hold;

	(void)state;
	assert_int_equal(stub_pin(&stub, &a, 0, 0, &first), 0);
	assert_int_equal(stub_pin(&stub, &a, 10, 0, &second), 0);
	assert_int_equal(stub_pin(&stub, &a, 20, VFS_DAX_HOLD, &hold), 0);
	assert_ptr_equal((char *)first.address + 20, hold.address);
	assert_int_equal(stub_stats(&stub).held, 1);
	stub_unpin(&stub, &first);
	stub_unpin(&stub, &second);
	vfs_dax_drop(stub.dax);
	assert_non_null(stub_find(&stub, &a, 0));
	stub_unpin(&stub, &hold);
	assert_int_equal(stub_stats(&stub).held, 0);
}

static void a_range_is_held_once_for_many_holds(void **state)
{
	struct vfs_dax_pin first, second;

	(void)state;
	assert_int_equal(stub_pin(&stub, &a, 0, VFS_DAX_HOLD, &first), 0);
	assert_int_equal(stub_pin(&stub, &a, 10, VFS_DAX_HOLD, &second), 0);
	assert_int_equal(stub_stats(&stub).held, 1);
	stub_unpin(&stub, &first);
	assert_int_equal(stub_stats(&stub).held, 1);
	stub_unpin(&stub, &second);
	assert_int_equal(stub_stats(&stub).held, 0);
}

/* ---- the end of a file ---- */

static void the_last_range_is_mapped_up_to_the_limit(void **state)
{
	struct vfs_dax_pin pin;

	(void)state;
	a.size = RANGES(2) + 100;
	assert_int_equal(stub_pin(&stub, &a, RANGES(2) + 10, 0, &pin), 0);
	assert_int_equal(pin.length, 118);
	assert_int_equal(stub_find(&stub, &a, RANGES(2))->length, 128);
	stub_unpin(&stub, &pin);
}

static void behind_the_limit_nothing_is_pinned(void **state)
{
	struct vfs_dax_pin pin;

	(void)state;
	a.size = RANGES(2);
	assert_int_equal(stub_pin(&stub, &a, RANGES(2), 0, &pin), -EINVAL);
	assert_int_equal(vfs_dax_pin(a.inode, UINT64_MAX, UINT64_MAX, 0, &pin), -EINVAL);
	assert_int_equal(stub_pin_span(&stub, &a, 0, 0, 0, &pin), -EINVAL);
	assert_int_equal(stub_pin_span(&stub, &a, 10, RANGES(2), 0, &pin), -EINVAL);
	assert_int_equal(stub_pin_span(&stub, &a, 10, UINT64_MAX - 5, 0, &pin), -EINVAL);
	assert_int_equal(atomic_load(&stub.maps), 0);
}

static void a_shorter_limit_shortens_the_pin(void **state)
{
	struct vfs_dax_pin pin;

	(void)state;
	stub_touch(&stub, &a, 0, 0);
	a.size = 70;
	assert_int_equal(stub_pin(&stub, &a, 10, 0, &pin), 0);
	assert_int_equal(pin.length, 118);
	stub_unpin(&stub, &pin);
	assert_int_equal(atomic_load(&stub.maps), 1);
}

static void what_has_grown_is_mapped_again_when_it_is_asked_for(void **state)
{
	struct vfs_dax_pin pin;

	(void)state;
	a.size = 100;
	stub_touch(&stub, &a, 0, 0);
	a.size = 200;
	assert_int_equal(stub_pin(&stub, &a, 100, 0, &pin), 0);
	assert_int_equal(pin.length, 28);
	stub_unpin(&stub, &pin);
	assert_int_equal(atomic_load(&stub.maps), 1);
	assert_int_equal(stub_pin(&stub, &a, 128, 0, &pin), 0);
	assert_int_equal(pin.length, 128);
	stub_unpin(&stub, &pin);
	assert_int_equal(atomic_load(&stub.maps), 2);
	assert_int_equal(stub_stats(&stub).maps, 1);
	assert_int_equal(stub_stats(&stub).upgrades, 1);
	stub_check(&stub);
}

static void what_has_grown_stays_writable(void **state)
{
	(void)state;
	a.size = 100;
	stub_touch(&stub, &a, 0, VFS_DAX_WRITE);
	a.size = 200;
	stub_touch(&stub, &a, 199, 0);
	assert_true(stub_find(&stub, &a, 0)->writable);
	assert_int_equal(stub_stats(&stub).mapped_write, 1);
}

/* ---- writing ---- */

static void what_is_mapped_to_be_read_is_mapped_again_to_be_written(void **state)
{
	(void)state;
	stub_touch(&stub, &a, 0, 0);
	assert_int_equal(stub_stats(&stub).mapped_read, 1);
	stub_touch(&stub, &a, 0, VFS_DAX_WRITE);
	assert_int_equal(stub_stats(&stub).mapped_read, 0);
	assert_int_equal(stub_stats(&stub).mapped_write, 1);
	assert_int_equal(stub_stats(&stub).upgrades, 1);
	assert_int_equal(stub_stats(&stub).unmaps, 0);
	stub_touch(&stub, &a, 0, 0);
	assert_int_equal(atomic_load(&stub.maps), 2);
	stub_check(&stub);
}

static void what_was_written_is_in_the_file(void **state)
{
	struct vfs_dax_pin pin;

	(void)state;
	assert_int_equal(stub_pin(&stub, &a, RANGES(1) + 5, VFS_DAX_WRITE, &pin), 0);
	*(char *)pin.address = 'x';
	stub_unpin(&stub, &pin);
	vfs_dax_trim(a.inode, 0);
	assert_int_equal(stub_byte(&a, RANGES(1) + 5), 'x');
}

static void what_is_held_is_not_mapped_again(void **state)
{
	struct vfs_dax_pin hold, pin;

	(void)state;
	a.size = 100;
	assert_int_equal(stub_pin(&stub, &a, 0, VFS_DAX_HOLD, &hold), 0);
	assert_int_equal(stub_pin(&stub, &a, 0, VFS_DAX_WRITE, &pin), -EBUSY);
	assert_int_equal(stub_pin(&stub, &a, 0, VFS_DAX_WRITE | VFS_DAX_HOLD, &pin), -EBUSY);
	a.size = 200;
	assert_int_equal(stub_pin(&stub, &a, 150, 0, &pin), -EBUSY);
	stub_touch(&stub, &a, 99, 0);
	assert_int_equal(atomic_load(&stub.maps), 1);
	stub_unpin(&stub, &hold);
	stub_touch(&stub, &a, 150, VFS_DAX_WRITE);
}

static void a_hold_does_not_wait_for_pins(void **state)
{
	struct vfs_dax_pin pins[4], hold;
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(stub_pin(&stub, &a, RANGES(i), 0, &pins[i]), 0);
	assert_int_equal(stub_pin(&stub, &b, 0, VFS_DAX_HOLD, &hold), -EBUSY);
	assert_int_equal(stub_pin(&stub, &a, 0, VFS_DAX_HOLD | VFS_DAX_WRITE, &hold), -EBUSY);
	assert_int_equal(stub_pin(&stub, &a, 0, VFS_DAX_HOLD, &hold), 0);
	stub_unpin(&stub, &hold);
	for (i = 0; i < 4; i++)
		stub_unpin(&stub, &pins[i]);
}

static void if_all_are_held_nothing_is_waited_for(void **state)
{
	struct vfs_dax_pin holds[4], pin;
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(stub_pin(&stub, &a, RANGES(i), VFS_DAX_HOLD, &holds[i]), 0);
	assert_int_equal(stub_stats(&stub).held, 4);
	assert_int_equal(stub_pin(&stub, &b, 0, 0, &pin), -EBUSY);
	stub_touch(&stub, &a, RANGES(2), 0);
	stub_unpin(&stub, &holds[1]);
	stub_touch(&stub, &b, 0, 0);
	for (i = 0; i < 4; i++)
		if (i != 1)
			stub_unpin(&stub, &holds[i]);
}

/* ---- taking out ---- */

static void trimming_takes_out_whole_ranges(void **state)
{
	(void)state;
	stub_touch(&stub, &a, RANGES(0), 0);
	stub_touch(&stub, &a, RANGES(1), VFS_DAX_WRITE);
	stub_touch(&stub, &a, RANGES(3), 0);
	stub_touch(&stub, &b, RANGES(3), 0);
	vfs_dax_trim(a.inode, RANGES(0) + 1);
	assert_non_null(stub_find(&stub, &a, 0));
	assert_null(stub_find(&stub, &a, RANGES(1)));
	assert_null(stub_find(&stub, &a, RANGES(3)));
	assert_non_null(stub_find(&stub, &b, RANGES(3)));
	assert_int_equal(atomic_load(&stub.unmap_calls), 1);
	assert_int_equal(stub_stats(&stub).unmap_calls, 1);
	assert_int_equal(stub_stats(&stub).unmaps, 2);
	assert_int_equal(stub_stats(&stub).reclaims, 0);
	stub_check(&stub);
}

static void what_is_pinned_stays(void **state)
{
	struct vfs_dax_pin pin;

	(void)state;
	stub_touch(&stub, &a, 0, 0);
	assert_int_equal(stub_pin(&stub, &a, RANGES(1), 0, &pin), 0);
	vfs_dax_trim(a.inode, 0);
	assert_null(stub_find(&stub, &a, 0));
	assert_non_null(stub_find(&stub, &a, RANGES(1)));
	vfs_dax_drop(stub.dax);
	assert_non_null(stub_find(&stub, &a, RANGES(1)));
	stub_unpin(&stub, &pin);
	vfs_dax_drop(stub.dax);
	assert_int_equal(stub_stats(&stub).free, 4);
	stub_check(&stub);
}

static void all_files_are_dropped_in_batches(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		stub_touch(&stub, &a, RANGES(i), 0);
		stub_touch(&stub, &b, RANGES(i), 0);
	}
	vfs_dax_drop(stub.dax);
	assert_int_equal(stub_stats(&stub).free, 4);
	assert_int_equal(atomic_load(&stub.unmap_calls), 2);
	assert_int_equal(atomic_load(&stub.largest_batch), 2);
}

static void the_end_of_a_file_takes_it_out(void **state)
{
	(void)state;
	stub_touch(&stub, &a, 0, 0);
	stub_touch(&stub, &a, RANGES(5), 0);
	stub_touch(&stub, &b, 0, 0);
	stub_file_close(&a);
	assert_int_equal(stub_stats(&stub).mapped_read, 1);
	assert_int_equal(atomic_load(&stub.unmap_calls), 1);
	stub_check(&stub);
}

/* ---- the window ---- */

static void the_end_of_the_window_takes_all_out(void **state)
{
	struct stub other;
	struct stub_file file;

	(void)state;
	stub_create(&other, 4, 8);
	stub_file_create(&other, &file, 3, RANGES(4));
	stub_touch(&other, &file, 0, 0);
	stub_touch(&other, &file, RANGES(1), VFS_DAX_WRITE);
	/* That the file is there still is a mistake, and no reason to leave it in the window. */
	stub_destroy(&other);
	assert_int_equal(atomic_load(&other.unmap_calls), 1);
	free(file.inode->shown);
	free(file.inode);
	free(file.content);
}

static void a_window_without_ranges_is_refused(void **state)
{
	static const struct vfs_dax_ops ops;
	struct vfs_dax_config config = {.length = RANGE, .range = RANGE, .unit = UNIT, .batch = 1};
	struct vfs_dax *dax;

	(void)state;
	vfs_dax_destroy(NULL);
	vfs_dax_inode_destroy(NULL);
	config.length = RANGE - 1;
	assert_int_equal(vfs_dax_create(&config, &ops, NULL, &dax), -EINVAL);
	config.length = 4 * RANGE;
	config.range = RANGE + UNIT;
	assert_int_equal(vfs_dax_create(&config, &ops, NULL, &dax), -EINVAL);
	config.range = UNIT / 2;
	assert_int_equal(vfs_dax_create(&config, &ops, NULL, &dax), -EINVAL);
	config.range = 0;
	assert_int_equal(vfs_dax_create(&config, &ops, NULL, &dax), -EINVAL);
}

#define PIN_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PIN_TEST(what_was_mapped_is_not_mapped_again),
		PIN_TEST(hits_are_counted_when_the_file_is_gone),
		PIN_TEST(files_have_their_own_ranges),
		PIN_TEST(many_can_pin_the_same),
		PIN_TEST(a_range_is_held_once_for_many_holds),
		PIN_TEST(the_last_range_is_mapped_up_to_the_limit),
		PIN_TEST(behind_the_limit_nothing_is_pinned),
		PIN_TEST(a_shorter_limit_shortens_the_pin),
		PIN_TEST(what_has_grown_is_mapped_again_when_it_is_asked_for),
		PIN_TEST(what_has_grown_stays_writable),
		PIN_TEST(what_is_mapped_to_be_read_is_mapped_again_to_be_written),
		PIN_TEST(what_was_written_is_in_the_file),
		PIN_TEST(what_is_held_is_not_mapped_again),
		PIN_TEST(a_hold_does_not_wait_for_pins),
		PIN_TEST(if_all_are_held_nothing_is_waited_for),
		PIN_TEST(trimming_takes_out_whole_ranges),
		PIN_TEST(what_is_pinned_stays),
		PIN_TEST(all_files_are_dropped_in_batches),
		PIN_TEST(the_end_of_a_file_takes_it_out),
		cmocka_unit_test(the_end_of_the_window_takes_all_out),
		cmocka_unit_test(a_window_without_ranges_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
