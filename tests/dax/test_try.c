/* SPDX-License-Identifier: MIT */
/* Pins of who wants no more than what is mapped already (VFS_DAX_TRY). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dax/dax.h"

#define UNIT   4096u
#define RANGE  (4 * UNIT)
#define RANGES 4u

static char window[RANGES * RANGE];
static struct vfs_dax *dax;
static struct vfs_dax_inode *inode;
static unsigned int calls;

static int map(void *ctx, void *owner, const struct vfs_dax_mapping *mapping, bool *unknown)
{
	(void)ctx;
	(void)owner;
	(void)mapping;
	(void)unknown;
	calls++;
	return 0;
}

static int unmap(void *ctx, void *owner, const struct vfs_dax_mapping *mappings, unsigned int count)
{
	(void)ctx;
	(void)owner;
	(void)mappings;
	(void)count;
	calls++;
	return 0;
}

static int set_up(void **state)
{
	static const struct vfs_dax_ops ops = {.map = map, .unmap = unmap};
	const struct vfs_dax_config config = {
		.window = window, .length = sizeof(window), .range = RANGE, .unit = UNIT};

	(void)state;
	assert_int_equal(vfs_dax_create(&config, &ops, NULL, &dax), 0);
	inode = vfs_dax_inode_create(dax, NULL);
	assert_non_null(inode);
	calls = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	vfs_dax_inode_destroy(inode);
	vfs_dax_destroy(dax);
	return 0;
}

static void map_it(uint64_t offset, uint64_t limit, unsigned int flags)
{
	struct vfs_dax_pin pin;

	assert_int_equal(vfs_dax_pin(inode, offset, limit, flags, &pin), 0);
	vfs_dax_unpin(&pin);
	calls = 0;
}

/* How much is there, or the error. */
static int64_t attempt(uint64_t offset, unsigned int flags)
{
	struct vfs_dax_pin pin;
	int r = vfs_dax_pin(inode, offset, UINT64_MAX, VFS_DAX_TRY | flags, &pin);

	assert_int_equal(calls, 0);
	if (r < 0)
		return r;
	vfs_dax_unpin(&pin);
	return (int64_t)pin.length;
}

static void what_is_not_mapped_stays_so(void **state)
{
	(void)state;
	assert_int_equal(attempt(0, 0), -EAGAIN);
	map_it(0, RANGE, 0);
	assert_int_equal(attempt(RANGE, 0), -EAGAIN);
}

static void what_is_mapped_is_pinned_as_far_as_it_goes(void **state)
{
	(void)state;
	map_it(0, 3 * UNIT, 0);
	assert_int_equal(attempt(0, 0), 3 * UNIT);
	assert_int_equal(attempt(UNIT + 5, 0), 2 * UNIT - 5);
	assert_int_equal(attempt(3 * UNIT, 0), -EAGAIN);
}

static void what_is_mapped_for_reading_is_not_mapped_again(void **state)
{
	(void)state;
	map_it(0, RANGE, 0);
	assert_int_equal(attempt(0, VFS_DAX_WRITE), -EAGAIN);
	map_it(0, RANGE, VFS_DAX_WRITE);
	assert_int_equal(attempt(0, VFS_DAX_WRITE), RANGE);
	assert_int_equal(attempt(0, 0), RANGE);
}

static void nobody_is_pushed_out(void **state)
{
	struct vfs_dax_stats stats;
	uint64_t i;

	(void)state;
	for (i = 0; i < RANGES; i++) {
		struct vfs_dax_pin pin;

		assert_int_equal(
			vfs_dax_pin(inode, i * RANGE, UINT64_MAX - UNIT + 1, VFS_DAX_HOLD, &pin),
			0);
	}
	calls = 0;
	assert_int_equal(attempt(RANGES * RANGE, 0), -EAGAIN);
	vfs_dax_stats(dax, &stats);
	assert_int_equal(stats.stalls, 0);
	assert_int_equal(stats.held, RANGES);
	/* What is held can be tried. */
	assert_int_equal(attempt(0, 0), RANGE);
}

/* Pins are left behind on purpose. */
static int tear_down_held(void **state)
{
	(void)state;
	vfs_dax_destroy(dax);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_not_mapped_stays_so),
		TEST(what_is_mapped_is_pinned_as_far_as_it_goes),
		TEST(what_is_mapped_for_reading_is_not_mapped_again),
		cmocka_unit_test_setup_teardown(nobody_is_pushed_out, set_up, tear_down_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
