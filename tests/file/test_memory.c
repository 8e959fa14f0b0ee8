/* SPDX-License-Identifier: MIT */
/*
 * Each allocation fails in turn, alone or with all that follow, under a scenario of the whole API:
 * nothing crashes, hangs, is lost or leaks, and nothing fails but by -ENOMEM. VFS_TEST_NTH is for
 * one of them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "scarce.h"
#include "scenario.h"
#include "served.h"

#define HANG_S 30

/* A sanitizer takes its time: a third of them, another one in the next way of keeping things. */
#ifdef __SANITIZE_ADDRESS__
#define STEP 3
#else
#define STEP 1
#endif

typedef void scenario_fn(struct vfs_fs *mounted);

static struct vfs_mount_options options;
static struct vfs_fs *fs;
static unsigned int failing; /* which allocation; 0: it is over */
static unsigned int ways;    /* of keeping things, so far */

static void run_scenario(scenario_fn *scenario, unsigned int nth, bool all)
{
	scarce_begin(nth, all);
	if (OK(vfs_mount(served.name, &options, &fs))) {
		scenario(fs);
		/* Another time it runs out in the middle of the end. */
		if (!all) {
			scarce_end();
			(void)OK(vfs_drop_caches(fs));
			assert_nothing_held(fs);
		}
		assert_int_equal(vfs_umount(fs), 0);
		fs = NULL;
	}
}

/* False: there were fewer allocations than that. */
static bool fail_one(scenario_fn *scenario, unsigned int nth, bool all)
{
	unsigned int descriptors = open_descriptors();
	long in_use = scarce_in_use();
	bool happened;

	alarm(HANG_S);
	run_scenario(scenario, nth, all);
	happened = scarce_end();
	alarm(0);
	if (scarce_in_use() != in_use)
		fail_msg("%ld allocations have leaked", scarce_in_use() - in_use);
	assert_int_equal(open_descriptors(), descriptors);
	served_empty();
	return happened;
}

static void fail_each(scenario_fn *scenario, bool all)
{
	const char *only = getenv("VFS_TEST_NTH");
	const char *full = getenv("VFS_TEST_FULL");
	/* What begins to fail later is little different. */
	unsigned int step = full && *full ? 1 : all ? 4 : STEP;

	failing = only ? (unsigned int)atoi(only) : 1 + ways % step;
	while (fail_one(scenario, failing, all) && !only)
		failing += step;
	print_message("%u allocations\n", failing - 1);
	assert_true(only || failing > 20);
	failing = 0;
}

static void each_allocation_of_names_fails(void **state)
{
	(void)state;
	fail_each(scenario_names, false);
}

static void each_allocation_of_data_fails(void **state)
{
	(void)state;
	fail_each(scenario_data, false);
}

static void all_allocations_from_one_on_fail(void **state)
{
	(void)state;
	fail_each(scenario_names, true);
	fail_each(scenario_data, true);
}

static void unmounting_gives_back_what_is_open(void **state)
{
	unsigned int descriptors = open_descriptors();
	long in_use = scarce_in_use();
	struct vfs_file *file;
	struct dirent entry;
	struct vfs_dir *dir;

	(void)state;
	assert_int_equal(vfs_mount(served.name, &options, &fs), 0);
	assert_int_equal(vfs_creat(fs, "file", 0600, &file), 0);
	assert_int_equal(vfs_pwrite(file, "written", 7, 0), 7);
	assert_int_equal(vfs_opendir(fs, "/", &dir), 0);
	assert_int_equal(vfs_readdir(dir, &entry, NULL), 1);
	assert_int_equal(vfs_umount(fs), 0);
	fs = NULL;
	assert_served_is("file", "written", 7);
	assert_int_equal(scarce_in_use(), in_use);
	assert_int_equal(open_descriptors(), descriptors);
	served_empty();
}

/* The device serves one client, and the next test wants to be it. */
static int tell_which(void **state)
{
	(void)state;
	(void)scarce_end();
	(void)vfs_umount(fs);
	fs = NULL;
	alarm(0);
	if (failing)
		print_error("that was allocation %u\n", failing);
	return 0;
}

#define MEMORY_TEST(f) cmocka_unit_test_teardown(f, tell_which)

static int run(const char *name, const struct vfs_mount_options *how)
{
	const struct CMUnitTest tests[] = {
		MEMORY_TEST(each_allocation_of_names_fails),
		MEMORY_TEST(each_allocation_of_data_fails),
		MEMORY_TEST(all_allocations_from_one_on_fail),
		MEMORY_TEST(unmounting_gives_back_what_is_open),
	};

	options = *how;
	ways++;
	/* Most of the time would go into making a large arena. */
	options.session.depth = 4;
	options.session.max_payload = 64 << 10;
	return cmocka_run_group_tests_name(name, tests, served_start, served_stop);
}

int main(void)
{
	return run("auto", &(struct vfs_mount_options){0}) +
	       run("none", &(struct vfs_mount_options){.cache = VFS_CACHE_NONE}) +
	       run("always", &(struct vfs_mount_options){.cache = VFS_CACHE_ALWAYS}) +
	       run("writeback", &(struct vfs_mount_options){.writeback = true});
}
