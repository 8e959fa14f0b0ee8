/* SPDX-License-Identifier: MIT */
/*
 * What bind and unbind refuse, and that they change nothing then. No kernel moves the driver's
 * link in a fake tree, so a function that is given away always comes back: that is tested too.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "driver.h"
#include "files.h"
#include "inspect.h"
#include "inspect/fake_proc.h"

#define FS     "0000:00:05.0"
#define OTHER  "0000:00:06.0"
#define DEVICE "sys/devices/pci0000:00/" FS
#define NOBODY 65534

/* As the guest's kernel has it: with virtio-pci, a driver for vfio-pci is there. */
static int setup(void **state)
{
	static char modprobe[PATH_MAX];

	if (proc_make(state) < 0)
		return -1;
	snprintf(modprobe, sizeof(modprobe), "%s", tree_path("modprobe"));
	inspect_modprobe = modprobe;
	tree_file("modprobe", "#!/bin/sh\n");
	if (chmod(modprobe, 0755) < 0)
		return -1;
	tree_good_function(FS, 1);
	tree_function(FS, 0x1af4, 0x105a, "virtio-pci", 1);
	tree_file(DEVICE "/driver_override", "(null)\n");
	tree_dir(DEVICE "/virtio0");
	tree_file("sys/bus/pci/drivers/virtio-pci/unbind", "%s", "");
	tree_file("sys/bus/pci/drivers/vfio-pci/unbind", "%s", "");
	tree_file("sys/bus/pci/drivers_probe", "%s", "");
	return 0;
}

static void assert_file(const char *name, const char *expected)
{
	char line[128];

	assert_int_equal(file_read(tree_path(name), line, sizeof(line)), 0);
	assert_string_equal(line, expected);
}

static void assert_untouched(void)
{
	assert_file("sys/bus/pci/drivers/virtio-pci/unbind", "");
	assert_file("sys/bus/pci/drivers/vfio-pci/unbind", "");
	assert_file("sys/bus/pci/drivers_probe", "");
}

static void refuses(int (*verb)(int count, char **names), const char *name, int error,
	const char *first, const char *second)
{
	char copy[64];
	char *names[] = {copy};

	snprintf(copy, sizeof(copy), "%s", name);
	assert_int_equal(verb(1, names), error);
	if (!strstr(vfs_last_error(), first) || !strstr(vfs_last_error(), second))
		fail_msg("'%s' does not say '%s' and '%s'", vfs_last_error(), first, second);
	assert_untouched();
}

static void test_what_is_not_there(void **state)
{
	(void)state;
	refuses(verb_bind, "0000:00:1f.7", -ENODEV, "0000:00:1f.7", "no PCI function");
	refuses(verb_bind, "nosuch", -ENODEV, "nosuch", "");
	refuses(verb_unbind, "0000:00:1f.7", -ENODEV, "0000:00:1f.7", "no PCI function");
}

static void test_what_is_no_virtio_fs_device(void **state)
{
	(void)state;
	tree_function(OTHER, TREE_VIRTIO, TREE_VIRTIO_NET, "virtio-pci", 2);
	refuses(verb_bind, OTHER, -ENODEV, OTHER, "not a virtio-fs device");
	refuses(verb_unbind, OTHER, -ENODEV, OTHER, "not a virtio-fs device");
}

static void test_bind_without_a_group(void **state)
{
	(void)state;
	assert_int_equal(unlink(tree_path(DEVICE "/iommu_group")), 0);
	refuses(verb_bind, FS, -ENOTSUP, FS, "no IOMMU group");
}

static void test_bind_without_a_group_where_the_kernel_could(void **state)
{
	(void)state;
	assert_int_equal(unlink(tree_path(DEVICE "/iommu_group")), 0);
	tree_file("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n");
	refuses(verb_bind, FS, -ENOTSUP, "reach all memory", "enable_unsafe_noiommu_mode");
}

/* As far as the tree goes, which has no kernel in it that would bind. */
static void test_bind_without_a_group_where_the_kernel_may(void **state)
{
	char copy[] = FS;
	char *names[] = {copy};

	(void)state;
	assert_int_equal(unlink(tree_path(DEVICE "/iommu_group")), 0);
	tree_file("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
	assert_true(verb_bind(1, names) < 0);
	assert_null(strstr(vfs_last_error(), "IOMMU group"));
	assert_file("sys/bus/pci/drivers_probe", FS);
}

static void test_bind_in_a_shared_group(void **state)
{
	(void)state;
	tree_function(OTHER, TREE_VIRTIO, TREE_VIRTIO_NET, "virtio-pci", 1);
	tree_function("0000:00:05.1", 0x8086, 1, "snd_hda_intel", 1);
	tree_function("0000:00:05.2", 0x8086, 1, NULL, 1);
	tree_function("0000:00:05.3", 0x8086, 1, "pcieport", 1);
	tree_function("0000:00:05.4", 0x8086, 1, "vfio-pci", 1);
	refuses(verb_bind, FS, -EBUSY, "group 1",
		"0000:00:05.1 (snd_hda_intel), 0000:00:06.0 (virtio-pci):");
}

static void test_bind_what_is_mounted(void **state)
{
	(void)state;
	proc_mountinfo(0, "40 22 0:41 / /mnt/a rw - virtiofs " TREE_TAG " rw\n");
	refuses(verb_bind, FS, -EBUSY, TREE_TAG, "on /mnt/a: unmount");
	proc_mountinfo(0, "");
	proc_process(17, "sleep", "second", NULL);
	proc_mountinfo(17, "40 22 0:41 / /mnt/b rw - virtiofs " TREE_TAG " rw\n");
	refuses(verb_bind, FS, -EBUSY, TREE_TAG, "/mnt/b in the mount namespace of process 17");
}

static void test_bind_what_may_be_mounted(void **state)
{
	(void)state;
	proc_mountinfo(0, "40 22 0:41 / /mnt/a rw - virtiofs another rw\n");
	assert_int_equal(unlink(tree_path(DEVICE "/config")), 0);
	refuses(verb_bind, FS, -EBUSY, "cannot be read", "/mnt/a");
}

static void test_bind_beside_the_mount_of_another(void **state)
{
	char name[] = FS;
	char *names[] = {name};

	(void)state;
	proc_mountinfo(0, "40 22 0:41 / /mnt/a rw - virtiofs another rw\n");
	/* Not refused: it is tried, which here cannot succeed. */
	assert_int_equal(verb_bind(1, names), -EIO);
	assert_file("sys/bus/pci/drivers_probe", FS);
}

static void test_bind_without_permission(void **state)
{
	bool root = geteuid() == 0;

	(void)state;
	assert_int_equal(chmod(tree_path("."), 0755), 0);
	if (root)
		assert_int_equal(seteuid(NOBODY), 0);
	else
		assert_int_equal(chmod(tree_path(DEVICE "/driver_override"), 0444), 0);
	refuses(verb_bind, FS, -EACCES, FS, "root");
	if (root)
		assert_int_equal(seteuid(0), 0);
}

static void test_bind_loads_vfio(void **state)
{
	char name[] = FS;
	char *names[] = {name};

	(void)state;
	/* modprobe, which makes what was asked for a line of a file. */
	tree_file("modprobe", "#!/bin/sh\necho $2 >>%s\n", tree_path("loaded"));
	assert_int_equal(chmod(tree_path("modprobe"), 0755), 0);
	assert_int_equal(unlink(tree_path("sys/bus/pci/drivers/vfio-pci/unbind")), 0);
	assert_int_equal(rmdir(tree_path("sys/bus/pci/drivers/vfio-pci")), 0);
	assert_int_equal(verb_bind(1, names), -ENOTSUP);
	assert_non_null(strstr(vfs_last_error(), "no driver vfio-pci"));
	assert_file("sys/bus/pci/drivers/virtio-pci/unbind", "");
	assert_file("loaded", "vfio-pci");
}

static void test_bind_what_is_bound(void **state)
{
	char name[] = FS;
	char *names[] = {name};

	(void)state;
	tree_function(FS, TREE_VIRTIO, TREE_VIRTIO_FS, "vfio-pci", 1);
	assert_int_equal(verb_bind(1, names), 0);
	assert_untouched();
}

static void test_unbind_what_is_not_bound(void **state)
{
	char name[] = FS;
	char *names[] = {name};

	(void)state;
	assert_int_equal(verb_unbind(1, names), 0);
	assert_untouched();
}

static void test_one_refusal_leaves_the_others(void **state)
{
	char first[] = FS;
	char second[] = OTHER;
	char *names[] = {first, second};

	(void)state;
	tree_function(OTHER, TREE_VIRTIO, TREE_VIRTIO_FS, "virtio-pci", -1);
	assert_int_equal(verb_bind(2, names), -ENOTSUP);
	assert_untouched();
}

static void test_functions_of_one_group_go_together(void **state)
{
	char first[] = FS;
	char second[] = OTHER;
	char *names[] = {first, second};

	(void)state;
	tree_function(OTHER, TREE_VIRTIO, TREE_VIRTIO_FS, "virtio-pci", 1);
	tree_file("sys/devices/pci0000:00/" OTHER "/driver_override", "(null)\n");
	/* Not refused: it is tried, which here cannot succeed. */
	assert_int_equal(verb_bind(2, names), -EIO);
	assert_file("sys/bus/pci/drivers/virtio-pci/unbind", FS);
}

static void test_bind_that_fails_is_undone(void **state)
{
	char name[] = FS;
	char *names[] = {name};

	(void)state;
	tree_file(DEVICE "/driver_override", "%s", "");
	assert_int_equal(verb_bind(1, names), -EIO);
	assert_non_null(strstr(vfs_last_error(), "virtio-pci instead of vfio-pci"));
	assert_file("sys/bus/pci/drivers/virtio-pci/unbind", FS);
	assert_file("sys/bus/pci/drivers_probe", FS);
	/* The override is none again: an empty line. */
	assert_file(DEVICE "/driver_override", "");
}

static void test_unbind_what_is_in_use(void **state)
{
	(void)state;
	tree_function(FS, TREE_VIRTIO, TREE_VIRTIO_FS, "vfio-pci", 1);
	proc_process(17, "virtiofs-fuse", "first", "1");
	refuses(verb_unbind, FS, -EBUSY, FS, "virtiofs-fuse (process 17)");
}

static void test_unbind_from_a_stranger(void **state)
{
	(void)state;
	tree_function(FS, TREE_VIRTIO, TREE_VIRTIO_FS, "uio_pci_generic", 1);
	refuses(verb_unbind, FS, -EBUSY, FS, "uio_pci_generic");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, proc_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_not_there),
		TEST(test_what_is_no_virtio_fs_device),
		TEST(test_bind_without_a_group),
		TEST(test_bind_without_a_group_where_the_kernel_could),
		TEST(test_bind_without_a_group_where_the_kernel_may),
		TEST(test_bind_in_a_shared_group),
		TEST(test_bind_what_is_mounted),
		TEST(test_bind_what_may_be_mounted),
		TEST(test_bind_beside_the_mount_of_another),
		TEST(test_bind_without_permission),
		TEST(test_bind_loads_vfio),
		TEST(test_bind_what_is_bound),
		TEST(test_unbind_what_is_not_bound),
		TEST(test_one_refusal_leaves_the_others),
		TEST(test_functions_of_one_group_go_together),
		TEST(test_bind_that_fails_is_undone),
		TEST(test_unbind_what_is_in_use),
		TEST(test_unbind_from_a_stranger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
