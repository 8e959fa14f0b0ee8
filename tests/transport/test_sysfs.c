/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/core.h"
#include "transport/fake_tree.h"
#include "transport/sysfs.h"

#define FS  "0000:00:05.0"
#define NET "0000:00:06.0"

static void test_tells_virtio_fs_from_others(void **state)
{
	(void)state;
	tree_function(FS, TREE_VIRTIO, TREE_VIRTIO_FS, NULL, -1);
	tree_function(NET, TREE_VIRTIO, TREE_VIRTIO_NET, NULL, -1);
	tree_function("0000:00:07.0", 0x8086, TREE_VIRTIO_FS, NULL, -1);
	assert_true(vfs_sysfs_exists(FS));
	assert_true(vfs_sysfs_is_virtio_fs(FS));
	assert_true(vfs_sysfs_exists(NET));
	assert_false(vfs_sysfs_is_virtio_fs(NET));
	assert_false(vfs_sysfs_is_virtio_fs("0000:00:07.0"));
	assert_false(vfs_sysfs_exists("0000:00:08.0"));
	assert_false(vfs_sysfs_is_virtio_fs("0000:00:08.0"));
}

static void test_driver_is_the_name_of_the_link(void **state)
{
	char driver[32];
	char little[5];

	(void)state;
	tree_function(FS, TREE_VIRTIO, TREE_VIRTIO_FS, "vfio-pci", -1);
	tree_function(NET, TREE_VIRTIO, TREE_VIRTIO_NET, NULL, -1);
	vfs_sysfs_driver(FS, driver, sizeof(driver));
	assert_string_equal(driver, "vfio-pci");
	vfs_sysfs_driver(FS, little, sizeof(little));
	assert_string_equal(little, "vfio");
	vfs_sysfs_driver(NET, driver, sizeof(driver));
	assert_string_equal(driver, "");
	snprintf(driver, sizeof(driver), "old");
	vfs_sysfs_driver("0000:00:08.0", driver, sizeof(driver));
	assert_string_equal(driver, "");
}

static void test_group_is_the_number_of_the_link(void **state)
{
	(void)state;
	tree_function(FS, TREE_VIRTIO, TREE_VIRTIO_FS, NULL, 17);
	tree_function(NET, TREE_VIRTIO, TREE_VIRTIO_NET, NULL, -1);
	assert_int_equal(vfs_sysfs_group(FS), 17);
	assert_int_equal(vfs_sysfs_group(NET), -ENOENT);
	assert_int_equal(vfs_sysfs_group("0000:00:08.0"), -ENOENT);
	tree_link("sys/devices/pci0000:00/" NET "/iommu_group", "../../../kernel/iommu_groups/x1");
	assert_int_equal(vfs_sysfs_group(NET), -ENOENT);
}

static void test_groups_that_vfio_made_up_are_known_by_their_name(void **state)
{
	(void)state;
	tree_dir("sys/kernel/iommu_groups/1");
	tree_file("sys/kernel/iommu_groups/2/name", "vfio-noiommu\n");
	tree_file("sys/kernel/iommu_groups/3/name", "other\n");
	assert_false(vfs_sysfs_group_is_noiommu(1));
	assert_true(vfs_sysfs_group_is_noiommu(2));
	assert_false(vfs_sysfs_group_is_noiommu(3));
	assert_false(vfs_sysfs_group_is_noiommu(4));
}

#define LIST_SIZE 256

static int collect(const char *name, void *ctx)
{
	char *list = ctx;
	size_t used = strlen(list);

	snprintf(list + used, LIST_SIZE - used, "%s ", name);
	return 0;
}

static int stop_at_second(const char *name, void *ctx)
{
	unsigned int *calls = ctx;

	(void)name;
	return ++*calls == 2 ? 42 : 0;
}

static void test_functions_come_in_the_order_of_their_addresses(void **state)
{
	char list[LIST_SIZE] = "";
	unsigned int calls = 0;

	(void)state;
	tree_function("0000:01:00.0", 1, 1, NULL, 3);
	tree_function("0000:00:1f.2", 1, 1, NULL, 3);
	tree_function("0000:00:05.0", 1, 1, NULL, 4);
	assert_int_equal(vfs_sysfs_each_function(collect, list), 0);
	assert_string_equal(list, "0000:00:05.0 0000:00:1f.2 0000:01:00.0 ");
	list[0] = '\0';
	assert_int_equal(vfs_sysfs_each_in_group(3, collect, list), 0);
	assert_string_equal(list, "0000:00:1f.2 0000:01:00.0 ");
	assert_int_equal(vfs_sysfs_each_function(stop_at_second, &calls), 42);
	assert_int_equal(calls, 2);
}

static void test_a_directory_that_is_not_there_is_an_error(void **state)
{
	char list[LIST_SIZE] = "";

	(void)state;
	assert_int_equal(vfs_sysfs_each_in_group(9, collect, list), -EIO);
	assert_non_null(strstr(vfs_last_error(), "iommu_groups/9"));
	assert_string_equal(list, "");
}

static void test_bar_sizes(void **state)
{
	uint64_t sizes[6];
	const uint64_t expected[6] = {0x20, 0x1000, 0x400000000, 0, 0x4000, 0};

	(void)state;
	tree_function(FS, TREE_VIRTIO, TREE_VIRTIO_FS, NULL, -1);
	tree_file("sys/devices/pci0000:00/" FS "/resource",
		"0x000000000000c000 0x000000000000c01f 0x0000000000040101\n"
		"0x00000000febf0000 0x00000000febf0fff 0x0000000000040200\n"
		"0x0000004000000000 0x00000043ffffffff 0x000000000014220c\n"
		"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
		"0x00000000fe000000 0x00000000fe003fff 0x000000000014220c\n"
		"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
		"0x00000000fe800000 0x00000000fe83ffff 0x0000000000046200\n");
	assert_int_equal(vfs_sysfs_bar_sizes(FS, sizes), 0);
	assert_memory_equal(sizes, expected, sizeof(sizes));
}

static void test_bar_sizes_of_a_file_cut_short(void **state)
{
	uint64_t sizes[6];

	(void)state;
	tree_function(FS, TREE_VIRTIO, TREE_VIRTIO_FS, NULL, -1);
	tree_file("sys/devices/pci0000:00/" FS "/resource",
		"0x000000000000c000 0x000000000000c01f 0x0000000000040101\nxyz\n");
	assert_int_equal(vfs_sysfs_bar_sizes(FS, sizes), 0);
	assert_int_equal(sizes[0], 0x20);
	assert_int_equal(sizes[1], 0);
	assert_int_equal(vfs_sysfs_bar_sizes(NET, sizes), -EIO);
}

static void test_configuration_space_is_opened(void **state)
{
	int fd;

	(void)state;
	tree_good_function(FS, 1);
	fd = vfs_sysfs_open_config(FS, O_RDONLY);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	assert_int_equal(vfs_sysfs_open_config(NET, O_RDONLY), -ENOENT);
	assert_non_null(strstr(vfs_last_error(), NET));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_make, tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tells_virtio_fs_from_others),
		TEST(test_driver_is_the_name_of_the_link),
		TEST(test_group_is_the_number_of_the_link),
		TEST(test_groups_that_vfio_made_up_are_known_by_their_name),
		TEST(test_functions_come_in_the_order_of_their_addresses),
		TEST(test_a_directory_that_is_not_there_is_an_error),
		TEST(test_bar_sizes),
		TEST(test_bar_sizes_of_a_file_cut_short),
		TEST(test_configuration_space_is_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
