/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "inspect/fake_proc.h"
#include "mounts.h"

#define ROOT_LINE "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
#define FS_LINE \
	"40 22 0:41 / /mnt/my\\040files rw,relatime shared:7 master:2 - virtiofs my\\134fs rw\n"

static void test_virtiofs_line(void **state)
{
	struct mount mount;

	(void)state;
	assert_true(mount_parse(FS_LINE, &mount));
	assert_string_equal(mount.source, "my\\fs");
	assert_string_equal(mount.dir, "/mnt/my files");
	assert_true(mount_parse("40 22 0:41 / /a rw - virtiofs x rw", &mount));
	assert_string_equal(mount.source, "x");
}

static void test_other_lines(void **state)
{
	struct mount mount;

	(void)state;
	assert_false(mount_parse(ROOT_LINE, &mount));
	assert_false(mount_parse("40 22 0:41 / /a rw - fuse.virtiofs-fuse x rw\n", &mount));
	assert_false(mount_parse("40 22 0:41 / /a rw - virtiofs2 x rw\n", &mount));
	assert_false(mount_parse("40 22 0:41 / /virtiofs rw - virtio virtiofs rw\n", &mount));
}

static void test_malformed_lines(void **state)
{
	struct mount mount;

	(void)state;
	assert_false(mount_parse("", &mount));
	assert_false(mount_parse("\n", &mount));
	assert_false(mount_parse(" - ", &mount));
	assert_false(mount_parse("40 22 0:41 / /a rw", &mount));
	assert_true(mount_parse(" - virtiofs", &mount));
	assert_string_equal(mount.source, "");
	assert_true(mount_parse("x - virtiofs a\\04", &mount));
	assert_string_equal(mount.source, "a\\04");
	assert_true(mount_parse("x - virtiofs a\\", &mount));
	assert_string_equal(mount.source, "a\\");
}

static void test_found_in_our_namespace(void **state)
{
	struct mount mount;

	(void)state;
	proc_mountinfo(0, ROOT_LINE FS_LINE);
	assert_int_equal(mounts_find("my\\fs", &mount), 1);
	assert_int_equal(mount.pid, 0);
	assert_string_equal(mount.dir, "/mnt/my files");
	assert_int_equal(mounts_find(NULL, &mount), 1);
	assert_int_equal(mounts_find("myfs", &mount), 0);
}

static void test_found_in_the_namespace_of_another_process(void **state)
{
	struct mount mount;

	(void)state;
	proc_mountinfo(0, ROOT_LINE);
	proc_process(1, "init", "first", NULL);
	proc_mountinfo(1, ROOT_LINE);
	proc_process(17, "container", "second", NULL);
	proc_mountinfo(17, ROOT_LINE FS_LINE);
	assert_int_equal(mounts_find("my\\fs", &mount), 1);
	assert_int_equal(mount.pid, 17);
	assert_int_equal(mounts_find("other", &mount), 0);
}

static void test_a_process_that_cannot_be_looked_at_is_passed_over(void **state)
{
	struct mount mount;

	(void)state;
	tree_dir("proc/5");
	proc_process(17, "container", "second", NULL);
	proc_mountinfo(17, FS_LINE);
	assert_int_equal(mounts_find(NULL, &mount), 1);
	assert_int_equal(mount.pid, 17);
}

static void test_no_mountinfo_is_an_error(void **state)
{
	struct mount mount;

	(void)state;
	assert_int_equal(unlink(tree_path("proc/self/mountinfo")), 0);
	assert_int_equal(mounts_find(NULL, &mount), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, proc_make, proc_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_virtiofs_line),
		cmocka_unit_test(test_other_lines),
		cmocka_unit_test(test_malformed_lines),
		TEST(test_found_in_our_namespace),
		TEST(test_found_in_the_namespace_of_another_process),
		TEST(test_a_process_that_cannot_be_looked_at_is_passed_over),
		TEST(test_no_mountinfo_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
