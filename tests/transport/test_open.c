/* SPDX-License-Identifier: MIT */
/* What stands in the way of a device is named, and what to do about it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/device.h>

#include "core/core.h"
#include "transport/fake_tree.h"
#include "transport/transport.h"

#define FS     "0000:00:05.0"
#define NOBODY 65534

/* Both say the same, and neither gives anything. */
static void refuses(int error, const char *first, const char *second)
{
	struct vfs_transport *transport = NULL;

	assert_int_equal(vfs_transport_check(FS), error);
	if (!strstr(vfs_last_error(), first) || !strstr(vfs_last_error(), second))
		fail_msg("'%s' does not say '%s' and '%s'", vfs_last_error(), first, second);
	assert_null(strchr(vfs_last_error(), '\n'));
	assert_int_equal(vfs_transport_open(FS, NULL, &transport), error);
	assert_null(transport);
}

static void test_no_such_function(void **state)
{
	(void)state;
	refuses(-ENODEV, "no PCI function", FS);
}

static void test_not_a_virtio_fs_device(void **state)
{
	(void)state;
	tree_function(FS, TREE_VIRTIO, TREE_VIRTIO_NET, "vfio-pci", 1);
	refuses(-ENODEV, FS, "not a virtio-fs device");
}

static void test_no_iommu_group(void **state)
{
	(void)state;
	tree_function(FS, TREE_VIRTIO, TREE_VIRTIO_FS, "virtio-pci", -1);
	refuses(-ENOTSUP, FS, "turn the IOMMU on");
}

static void test_made_up_group(void **state)
{
	(void)state;
	tree_good_function(FS, 1);
	tree_file("sys/kernel/iommu_groups/1/name", "vfio-noiommu\n");
	refuses(-ENOTSUP, "/dev/vfio/noiommu-1", "load");
}

static void test_other_driver(void **state)
{
	(void)state;
	tree_function(FS, TREE_VIRTIO, TREE_VIRTIO_FS, "virtio-pci", 1);
	refuses(-EBUSY, "bound to virtio-pci", "virtiofs-inspect bind " FS);
}

static void test_no_driver(void **state)
{
	(void)state;
	tree_function(FS, TREE_VIRTIO, TREE_VIRTIO_FS, NULL, 1);
	refuses(-EBUSY, "no driver", "virtiofs-inspect bind " FS);
}

static void test_no_group_file(void **state)
{
	(void)state;
	tree_good_function(FS, 1);
	assert_int_equal(unlink(tree_path("dev/vfio/1")), 0);
	refuses(-ENOTSUP, "/dev/vfio/1", "load");
}

static void test_no_permission(void **state)
{
	bool root = geteuid() == 0;

	(void)state;
	tree_good_function(FS, 1);
	assert_int_equal(chmod(tree_path("dev/vfio/1"), 0), 0);
	assert_int_equal(chmod(tree_path("."), 0755), 0);
	if (root)
		assert_int_equal(seteuid(NOBODY), 0);
	refuses(-EACCES, "no permission for", "/dev/vfio/1");
	if (root)
		assert_int_equal(seteuid(0), 0);
}

static void test_file_that_is_no_group(void **state)
{
	(void)state;
	tree_good_function(FS, 1);
	refuses(-ENOTTY, "IOMMU group 1", "");
}

static void test_device_open_keeps_the_reason(void **state)
{
	struct vfs_device *device = NULL;

	(void)state;
	tree_function(FS, TREE_VIRTIO, TREE_VIRTIO_FS, "virtio-pci", 1);
	assert_int_equal(vfs_device_open("00:05.0", NULL, &device), -EBUSY);
	assert_null(device);
	assert_non_null(strstr(vfs_last_error(), "virtiofs-inspect bind " FS));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_make, tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_such_function),
		TEST(test_not_a_virtio_fs_device),
		TEST(test_no_iommu_group),
		TEST(test_made_up_group),
		TEST(test_other_driver),
		TEST(test_no_driver),
		TEST(test_no_group_file),
		TEST(test_no_permission),
		TEST(test_file_that_is_no_group),
		TEST(test_device_open_keeps_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
