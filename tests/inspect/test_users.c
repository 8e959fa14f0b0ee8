/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "inspect/fake_proc.h"
#include "users.h"

#define FS "0000:00:05.0"

static int setup(void **state)
{
	if (proc_make(state) < 0)
		return -1;
	tree_good_function(FS, 12);
	proc_process(1, "init", "first", NULL);
	return 0;
}

static void test_nobody(void **state)
{
	char who[128] = "";

	(void)state;
	/* The same beginning, and VFIO's own file, are not the group. */
	proc_process(2, "other", "first", "1");
	proc_process(3, "another", "first", "123");
	proc_process(4, "container", "first", "vfio");
	assert_false(users_of_function(FS, 12, who, sizeof(who)));
}

static void test_who_has_the_group_open(void **state)
{
	char who[128] = "";

	(void)state;
	proc_process(123, "virtiofs-fuse", "first", "12");
	assert_true(users_of_function(FS, 12, who, sizeof(who)));
	assert_string_equal(who, "virtiofs-fuse (process 123)");
}

static void test_who_has_the_function_open_by_iommufd(void **state)
{
	char who[128] = "";

	(void)state;
	tree_dir("sys/devices/pci0000:00/" FS "/vfio-dev/vfio3");
	proc_process(123, "spdk", "first", "devices/vfio3");
	assert_true(users_of_function(FS, 12, who, sizeof(who)));
	assert_string_equal(who, "spdk (process 123)");
}

static void test_group_that_vfio_made_up(void **state)
{
	char who[128] = "";

	(void)state;
	tree_file("sys/kernel/iommu_groups/12/name", "vfio-noiommu\n");
	proc_process(5, "dpdk", "first", "noiommu-12");
	assert_true(users_of_function(FS, 12, who, sizeof(who)));
}

static void test_name_of_a_process_is_escaped(void **state)
{
	char who[128] = "";

	(void)state;
	proc_process(9, "\x1b[2Jx", "first", "12");
	assert_true(users_of_function(FS, 12, who, sizeof(who)));
	assert_string_equal(who, "\\x1b[2Jx (process 9)");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, proc_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nobody),
		TEST(test_who_has_the_group_open),
		TEST(test_who_has_the_function_open_by_iommufd),
		TEST(test_group_that_vfio_made_up),
		TEST(test_name_of_a_process_is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
