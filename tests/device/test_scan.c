/* SPDX-License-Identifier: MIT */
/* Finding functions, and telling them apart by their tags. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <vfs/device.h>

#include "core/core.h"
#include "transport/config_space.h"
#include "transport/fake_tree.h"
#include "transport/sysfs.h"

#define ABCD_QUEUES 0x64636261

static void put_config(const char *bdf, const char data[5], uint64_t window)
{
	struct config_space config;
	char name[128];

	tree_good_function(bdf, 1);
	config_init(&config);
	config_add_qemu(&config);
	memcpy(config.bytes + CONFIG_WINDOW_DATA, data, 4);
	if (window) {
		config_set32(&config, 0x18, 0xc);
		config_add_shm(&config, 0, 2, 0, window);
		snprintf(name, sizeof(name), "sys/devices/pci0000:00/%s/resource", bdf);
		tree_file(name, "0x0 0x0 0x0\n0x0 0x0 0x0\n0x4000000000 0x43ffffffff 0x14220c\n"
				"0x0 0x0 0x0\n0xfe000000 0xfe003fff 0x14220c\n");
	}
	snprintf(name, sizeof(name), "sys/devices/pci0000:00/%s/config", bdf);
	tree_bytes(name, config.bytes, sizeof(config.bytes));
}

struct found {
	struct vfs_function functions[4];
	unsigned int count;
};

static int take(const struct vfs_function *function, void *ctx)
{
	struct found *found = ctx;

	assert_true(found->count < ARRAY_SIZE(found->functions));
	found->functions[found->count++] = *function;
	return 0;
}

static struct found scan(void)
{
	struct found found = {.count = 0};

	assert_int_equal(vfs_device_scan(take, &found), 0);
	return found;
}

static void test_nothing_is_found_where_nothing_is(void **state)
{
	(void)state;
	tree_function("0000:00:02.0", TREE_VIRTIO, TREE_VIRTIO_NET, "virtio-pci", 1);
	assert_int_equal(scan().count, 0);
}

static void test_no_sysfs_is_an_error(void **state)
{
	struct found found = {.count = 0};

	(void)state;
	vfs_sysfs_root = "/nonexistent";
	assert_int_equal(vfs_device_scan(take, &found), -EIO);
	assert_int_equal(found.count, 0);
}

static void test_tag_queues_and_window_are_read(void **state)
{
	struct found found;

	(void)state;
	put_config("0000:00:05.0", "abcd", 0x200000000);
	found = scan();
	assert_int_equal(found.count, 1);
	assert_string_equal(found.functions[0].bdf, "0000:00:05.0");
	assert_string_equal(found.functions[0].driver, "vfio-pci");
	assert_int_equal(found.functions[0].iommu_group, 1);
	assert_true(found.functions[0].tag_known);
	assert_string_equal(found.functions[0].tag, TREE_TAG);
	assert_int_equal(found.functions[0].num_request_queues, ABCD_QUEUES);
	assert_int_equal(found.functions[0].dax_window, 0x200000000);
}

static void test_problem_is_named(void **state)
{
	struct found found;

	(void)state;
	tree_function("0000:00:05.0", TREE_VIRTIO, TREE_VIRTIO_FS, "virtio-pci", 3);
	tree_function("0000:00:05.1", TREE_VIRTIO, TREE_VIRTIO_NET, NULL, 3);
	tree_function("0000:00:06.0", TREE_VIRTIO, TREE_VIRTIO_FS, NULL, -1);
	found = scan();
	assert_int_equal(found.count, 2);
	assert_int_equal(found.functions[0].group_functions, 2);
	assert_non_null(strstr(found.functions[0].problem, "bound to virtio-pci"));
	assert_false(found.functions[0].tag_known);
	assert_int_equal(found.functions[1].iommu_group, -1);
	assert_int_equal(found.functions[1].group_functions, 0);
	assert_string_equal(found.functions[1].driver, "");
	assert_non_null(strstr(found.functions[1].problem, "IOMMU"));
}

static void test_configuration_that_is_forbidden_is_a_problem(void **state)
{
	struct found found;

	(void)state;
	put_config("0000:00:05.0", "a\nbc", 0);
	tree_function("0000:00:05.0", TREE_VIRTIO, TREE_VIRTIO_FS, "vfio-pci", 1);
	found = scan();
	assert_int_equal(found.count, 1);
	assert_false(found.functions[0].tag_known);
	assert_string_not_equal(found.functions[0].problem, "");
	assert_null(strchr(found.functions[0].problem, '\n'));
}

static int stop(const struct vfs_function *function, void *ctx)
{
	(void)function;
	++*(unsigned int *)ctx;
	return 7;
}

static void test_visitor_ends_the_scan(void **state)
{
	unsigned int calls = 0;

	(void)state;
	tree_function("0000:00:05.0", TREE_VIRTIO, TREE_VIRTIO_FS, NULL, -1);
	tree_function("0000:00:06.0", TREE_VIRTIO, TREE_VIRTIO_FS, NULL, -1);
	assert_int_equal(vfs_device_scan(stop, &calls), 7);
	assert_int_equal(calls, 1);
}

static void open_fails(const char *name, int error, const char *first, const char *second)
{
	struct vfs_device *device = NULL;

	assert_int_equal(vfs_device_open(name, NULL, &device), error);
	assert_null(device);
	if (!strstr(vfs_last_error(), first) || !strstr(vfs_last_error(), second))
		fail_msg("'%s' does not say '%s' and '%s'", vfs_last_error(), first, second);
}

static void test_tag_that_nobody_has(void **state)
{
	(void)state;
	open_fails("myfs", -ENODEV, "'myfs'", "none");
	put_config("0000:00:05.0", "abcd", 0);
	open_fails("myfs", -ENODEV, "'myfs'", TREE_TAG);
	open_fails("abcd", -ENODEV, "'abcd'", TREE_TAG);
	/* One that cannot be read may be the one. */
	tree_function("0000:00:06.0", TREE_VIRTIO, TREE_VIRTIO_FS, NULL, -1);
	open_fails("myfs", -ENODEV, "unknown tag", "0000:00:06.0");
}

static void test_tag_that_two_have(void **state)
{
	(void)state;
	put_config("0000:00:05.0", "abcd", 0);
	put_config("0000:00:06.0", "abcd", 0);
	open_fails(TREE_TAG, -ENOTUNIQ, "0000:00:05.0, 0000:00:06.0", "address");
}

static void test_tag_leads_to_its_function(void **state)
{
	(void)state;
	put_config("0000:00:05.0", "wxyz", 0);
	put_config("0000:00:06.0", "abcd", 0);
	/* A file is no VFIO group; that it is asked for is what shows. */
	open_fails(TREE_TAG, -ENOTTY, "IOMMU group 1", "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_make, tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_is_found_where_nothing_is),
		TEST(test_no_sysfs_is_an_error),
		TEST(test_tag_queues_and_window_are_read),
		TEST(test_problem_is_named),
		TEST(test_configuration_that_is_forbidden_is_a_problem),
		TEST(test_visitor_ends_the_scan),
		TEST(test_tag_that_nobody_has),
		TEST(test_tag_that_two_have),
		TEST(test_tag_leads_to_its_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
