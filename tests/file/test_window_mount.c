/* SPDX-License-Identifier: MIT */
/* Which mounts have a DAX window, and which of their files are in it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "served.h"
#include "windowed.h"

#define SIZE (5u * RANGE)

static struct vfs_file *file;

static int begin(void **state)
{
	int r = windowed_begin(state);

	windowed_make("file", SIZE, 1);
	file = windowed_open("file", O_RDWR);
	return r;
}

static void close_it(void)
{
	assert_int_equal(vfs_close(file), 0);
}

/* ---- which mounts ---- */

static int mount_with(enum vfs_dax_mode dax, uint64_t range)
{
	struct vfs_mount_options options = windowed_options();

	options.dax = dax;
	options.dax_range = range;
	return vfs_mount(served.name, &options, &windowed);
}

static void assert_without_window(enum vfs_dax_mode dax, uint64_t range)
{
	struct vfs_dax_stats stats;

	assert_int_equal(mount_with(dax, range), 0);
	stats = dax_stats();
	assert_int_equal(stats.window, 0);
	file = windowed_open("file", O_RDONLY);
	assert_reads(file, SIZE, 0, 1);
	close_it();
	windowed_unmount();
}

static void assert_says(const char *text)
{
	if (!strstr(vfs_last_error(), text))
		fail_msg("it says '%s'", vfs_last_error());
}

static void test_ranges_that_cannot_be(void **state)
{
	static const uint64_t ranges[] = {1, 2048, 5000, 3 * UNIT, 2 * WINDOW, UINT64_MAX};

	(void)state;
	close_it();
	windowed_unmount();
	for (unsigned int i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		assert_int_equal(mount_with(VFS_DAX_ALWAYS, ranges[i]), -EINVAL);
		assert_int_equal(mount_with(VFS_DAX_AUTO, ranges[i]), -EINVAL);
	}
	for (uint64_t range = UNIT; range <= WINDOW; range *= 4) {
		assert_int_equal(mount_with(VFS_DAX_ALWAYS, range), 0);
		assert_int_equal(dax_stats().ranges, WINDOW / range);
		file = windowed_open("file", O_RDONLY);
		assert_reads(file, SIZE, 0, 1);
		close_it();
		assert_ranges_add_up();
		windowed_unmount();
	}
}

/* Nobody has asked for 2 MiB. */
static void test_a_window_that_is_less_than_a_range(void **state)
{
	(void)state;
	close_it();
	windowed_unmount();
	assert_int_equal(mount_with(VFS_DAX_ALWAYS, 0), -ENOTSUP);
	assert_says("less than a range");
	assert_without_window(VFS_DAX_AUTO, 0);
}

static void test_a_server_that_cannot_map(void **state)
{
	(void)state;
	close_it();
	windowed_unmount();
	served_command("refuse opcode=%u times=1000", FUSE_REMOVEMAPPING);
	served_command("refuse opcode=%u times=1000", FUSE_SETUPMAPPING);
	assert_int_equal(mount_with(VFS_DAX_ALWAYS, RANGE), -ENOTSUP);
	assert_says("does not map files");
	assert_without_window(VFS_DAX_AUTO, RANGE);
}

/* Nobody knows then whether it can. */
static void test_a_server_that_does_not_answer(void **state)
{
	struct vfs_mount_options options = windowed_options();

	(void)state;
	close_it();
	windowed_unmount();
	options.fuse.timeout_ms = 500;
	served_command("never opcode=%u times=1", FUSE_REMOVEMAPPING);
	assert_int_equal(vfs_mount(served.name, &options, &windowed), -ETIMEDOUT);
	served_command("never opcode=%u times=1", FUSE_REMOVEMAPPING);
	options.dax = VFS_DAX_AUTO;
	windowed_mount(&options);
	assert_int_equal(dax_stats().window, 0);
}

static void test_a_server_that_marks_no_files(void **state)
{
	(void)state;
	close_it();
	windowed_unmount();
	assert_without_window(VFS_DAX_INODE, RANGE);
}

static void test_auto_uses_memory_that_is_worth_it(void **state)
{
	struct vfs_dax_stats stats;

	(void)state;
	close_it();
	windowed_unmount();
	assert_int_equal(mount_with(VFS_DAX_AUTO, RANGE), 0);
	stats = dax_stats();
	assert_int_equal(stats.window, WINDOW);
	assert_int_equal(stats.memory, VFS_MEMORY_UNKNOWN);
	file = windowed_open("file", O_RDONLY);
	assert_reads(file, SIZE, 0, 1);
	stats = dax_stats();
	assert_int_equal(stats.memory, VFS_MEMORY_CACHED);
	assert_true(stats.speed > 0);
	close_it();
}

/* Another device, as a group of its own. */
static void test_a_device_without_a_window(void **state)
{
	(void)state;
	assert_int_equal(mount_with(VFS_DAX_ALWAYS, RANGE), -ENOTSUP);
	assert_says("has no DAX window");
	windowed_make("file", SIZE, 1);
	assert_without_window(VFS_DAX_AUTO, RANGE);
	assert_without_window(VFS_DAX_INODE, RANGE);
	served_empty();
}

/* ---- files that the server marks: another device, as a group of its own ---- */

static int begin_marked(void **state)
{
	(void)state;
	windowed_make("marked", SIZE, 1);
	assert_int_equal(chmod(served_path("marked"), 01644), 0);
	windowed_make("file", SIZE, 1);
	assert_int_equal(mount_with(VFS_DAX_INODE, RANGE), 0);
	return 0;
}

/* How many of its parts are in the window then. */
static uint64_t ranges_of(const char *name)
{
	uint64_t before = dax_stats().maps;

	file = windowed_open(name, O_RDWR);
	assert_reads(file, SIZE, 0, 1);
	close_it();
	return dax_stats().maps - before;
}

static void test_only_what_is_marked_is_in_the_window(void **state)
{
	(void)state;
	assert_int_equal(dax_stats().window, WINDOW);
	assert_int_equal(ranges_of("file"), 0);
	assert_int_equal(ranges_of("marked"), SIZE / RANGE);
	assert_int_equal(ranges_of("marked"), 0); /* they are there still */
}

static void test_marks_that_come_with_a_list(void **state)
{
	struct dirent entry;
	struct vfs_dir *dir;
	struct stat stat;

	(void)state;
	assert_int_equal(vfs_opendir(windowed, "/", &dir), 0);
	while (vfs_readdir(dir, &entry, &stat) > 0)
		;
	assert_int_equal(vfs_closedir(dir), 0);
	assert_int_equal(ranges_of("file"), 0);
	assert_int_equal(ranges_of("marked"), SIZE / RANGE);
}

static void test_a_file_that_is_made_marked(void **state)
{
	char data[2 * UNIT] = "a";

	(void)state;
	assert_int_equal(vfs_open(windowed, "new", O_RDWR | O_CREAT, 01644, &file), 0);
	assert_int_equal(vfs_write(file, data, sizeof(data)), sizeof(data));
	assert_int_equal(vfs_pread(file, data, sizeof(data), 0), sizeof(data));
	assert_int_equal(dax_stats().read_bytes, sizeof(data));
	close_it();
}

/* Others may rely on what is kept of a file that is open. */
static void test_a_mark_counts_when_nobody_has_the_file_open(void **state)
{
	struct vfs_file *other = windowed_open("file", O_RDWR);

	(void)state;
	assert_reads(other, SIZE, 0, 1);
	assert_int_equal(vfs_fchmod(other, 01644), 0);
	assert_int_equal(ranges_of("file"), 0);
	assert_int_equal(vfs_close(other), 0);
	assert_int_equal(ranges_of("file"), SIZE / RANGE);
}

#define MARK_TEST(f)  cmocka_unit_test_setup_teardown(f, begin_marked, windowed_end)
#define MOUNT_TEST(f) cmocka_unit_test_setup_teardown(f, begin, windowed_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOUNT_TEST(test_ranges_that_cannot_be),
		MOUNT_TEST(test_a_window_that_is_less_than_a_range),
		MOUNT_TEST(test_a_server_that_cannot_map),
		MOUNT_TEST(test_a_server_that_does_not_answer),
		MOUNT_TEST(test_a_server_that_marks_no_files),
		MOUNT_TEST(test_auto_uses_memory_that_is_worth_it),
	};

	const struct CMUnitTest without[] = {
		cmocka_unit_test(test_a_device_without_a_window),
	};
	const struct CMUnitTest marked[] = {
		MARK_TEST(test_only_what_is_marked_is_in_the_window),
		MARK_TEST(test_marks_that_come_with_a_list),
		MARK_TEST(test_a_file_that_is_made_marked),
		MARK_TEST(test_a_mark_counts_when_nobody_has_the_file_open),
	};
	int failed;

	served.dax = WINDOW_MIB;
	failed = cmocka_run_group_tests(tests, served_start, served_stop);
	served = (struct device_process){0};
	failed += cmocka_run_group_tests(without, served_start, served_stop);
	served = (struct device_process){.dax = WINDOW_MIB, .marks = true};
	return failed + cmocka_run_group_tests(marked, served_start, served_stop);
}
