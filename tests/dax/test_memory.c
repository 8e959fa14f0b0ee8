/* SPDX-License-Identifier: MIT */
/* Each allocation fails in turn: nothing but -ENOMEM comes of it, and nothing is left behind. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "file/scarce.h"
#include "stub.h"
#include "waits.h"

#define PARTS 20u

static char memory[RANGES(PARTS)];

static int map(void *ctx, void *owner, const struct vfs_dax_mapping *mapping, bool *unknown)
{
	(void)ctx;
	(void)owner;
	(void)mapping;
	(void)unknown;
	return 0;
}

static int unmap(void *ctx, void *owner, const struct vfs_dax_mapping *mappings, unsigned int count)
{
	(void)ctx;
	(void)owner;
	(void)mappings;
	(void)count;
	return 0;
}

/* What has failed once succeeds when there is memory again. */
static void pin_one(struct vfs_dax_inode *inode, uint64_t offset, unsigned int flags)
{
	struct vfs_dax_pin pin;
	int r = vfs_dax_pin(inode, offset, RANGES(100), flags, &pin);

	if (r) {
		assert_int_equal(r, -ENOMEM);
		assert_true(scarce_happened());
		r = vfs_dax_pin(inode, offset, RANGES(100), flags, &pin);
	}
	assert_int_equal(r, 0);
	vfs_dax_unpin(&pin);
}

static void use(struct vfs_dax *dax)
{
	struct vfs_dax_inode *inode = vfs_dax_inode_create(dax, NULL);
	struct vfs_dax_stats stats;
	struct vfs_dax_pin span;
	unsigned int i;

	if (!inode) {
		assert_true(scarce_happened());
		return;
	}
	for (i = 0; i < 2 * PARTS; i++)
		pin_one(inode, RANGES(i), i % 3 ? 0 : VFS_DAX_WRITE);
	assert_int_equal(vfs_dax_pin_span(inode, 0, RANGES(3), RANGES(4), 0, &span), 0);
	vfs_dax_unpin(&span);
	vfs_dax_drop(dax);
	vfs_dax_stats(dax, &stats);
	assert_int_equal(stats.free, PARTS);
	assert_int_equal(stats.maps, 2 * PARTS + 3);
	vfs_dax_inode_destroy(inode);
}

/* False: there are fewer allocations than that. */
static bool fail_one(unsigned int nth)
{
	static const struct vfs_dax_ops ops = {.map = map, .unmap = unmap};
	const struct vfs_dax_config config = {.window = memory,
		.length = sizeof(memory),
		.range = RANGE,
		.unit = UNIT,
		.batch = 4};
	long in_use = scarce_in_use();
	struct vfs_dax *dax;
	bool happened;
	int r;

	scarce_begin(nth, false);
	r = vfs_dax_create(&config, &ops, NULL, &dax);
	if (r)
		assert_int_equal(r, -ENOMEM);
	else
		use(dax);
	happened = scarce_end();
	assert_true(r == 0 || happened);
	if (r == 0)
		vfs_dax_destroy(dax);
	assert_int_equal(scarce_in_use(), in_use);
	return happened;
}

static void each_allocation_fails(void **state)
{
	unsigned int nth = 1;

	(void)state;
	while (fail_one(nth))
		nth++;
	/* The window, its ranges, a file, and what it has grown to. */
	assert_true(nth > 5);
}

static void hits_allocate_nothing(void **state)
{
	struct stub_file file;
	struct stub stub;
	unsigned int i;

	(void)state;
	stub_create(&stub, 2, 1);
	stub_file_create(&stub, &file, 1, RANGES(2));
	stub_touch(&stub, &file, 0, VFS_DAX_WRITE);
	scarce_begin(1, true);
	for (i = 0; i < 10; i++)
		stub_touch(&stub, &file, i, i % 2 ? VFS_DAX_HOLD : VFS_DAX_WRITE);
	assert_false(scarce_end());
	stub_file_destroy(&file);
	stub_destroy(&stub);
}

static int without_thread(void **state)
{
	(void)state;
	threads_fail(true);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_fails),
		cmocka_unit_test(hits_allocate_nothing),
	};

	return cmocka_run_group_tests(tests, without_thread, NULL);
}
