/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "transport/config_space.h"
#include "transport/fake_tree.h"
#include "transport/sysfs.h"

static char root[64];
static char sys_root[96];
static char dev_root[96];

int tree_make(void **state)
{
	(void)state;
	strcpy(root, "/tmp/libvirtiofs-test.XXXXXX");
	if (!mkdtemp(root))
		return -1;
	snprintf(sys_root, sizeof(sys_root), "%s/sys", root);
	snprintf(dev_root, sizeof(dev_root), "%s/dev", root);
	vfs_sysfs_root = sys_root;
	vfs_dev_root = dev_root;
	tree_dir("sys/bus/pci/devices");
	tree_dir("sys/kernel/iommu_groups");
	tree_file("dev/vfio/vfio", "%s", "");
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int tree_remove(void **state)
{
	(void)state;
	vfs_sysfs_root = "/sys";
	vfs_dev_root = "/dev";
	return nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *tree_path(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static void make_dirs(char *path)
{
	char *slash;

	for (slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
}

void tree_dir(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/", root, name);
	make_dirs(path);
}

void tree_bytes(const char *name, const void *bytes, size_t length)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	make_dirs(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	close(fd);
}

void tree_file(const char *name, const char *format, ...)
{
	char text[4096];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert_true(n >= 0 && (size_t)n < sizeof(text));
	tree_bytes(name, text, (size_t)n);
}

void tree_link(const char *name, const char *target)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	make_dirs(path);
	(void)unlink(path);
	assert_int_equal(symlink(target, path), 0);
}

void tree_function(
	const char *bdf, unsigned int vendor, unsigned int device, const char *driver, int group)
{
	char name[128];
	char target[128];

	snprintf(name, sizeof(name), "sys/devices/pci0000:00/%s/vendor", bdf);
	tree_file(name, "0x%04x\n", vendor);
	snprintf(name, sizeof(name), "sys/devices/pci0000:00/%s/device", bdf);
	tree_file(name, "0x%04x\n", device);
	snprintf(name, sizeof(name), "sys/bus/pci/devices/%s", bdf);
	snprintf(target, sizeof(target), "../../../devices/pci0000:00/%s", bdf);
	tree_link(name, target);
	if (driver) {
		snprintf(name, sizeof(name), "sys/devices/pci0000:00/%s/driver", bdf);
		snprintf(target, sizeof(target), "../../../bus/pci/drivers/%s", driver);
		tree_link(name, target);
	}
	if (group >= 0) {
		snprintf(name, sizeof(name), "sys/devices/pci0000:00/%s/iommu_group", bdf);
		snprintf(target, sizeof(target), "../../../kernel/iommu_groups/%d", group);
		tree_link(name, target);
		snprintf(name, sizeof(name), "sys/kernel/iommu_groups/%d/devices/%s", group, bdf);
		snprintf(target, sizeof(target), "../../../../devices/pci0000:00/%s", bdf);
		tree_link(name, target);
	}
}

void tree_good_function(const char *bdf, int group)
{
	struct config_space config;
	char name[128];

	tree_function(bdf, TREE_VIRTIO, TREE_VIRTIO_FS, "vfio-pci", group);
	snprintf(name, sizeof(name), "dev/vfio/%d", group);
	tree_file(name, "%s", "");
	config_init(&config);
	config_add_qemu(&config);
	memcpy(config.bytes + CONFIG_WINDOW_DATA, "abcd", 4);
	snprintf(name, sizeof(name), "sys/devices/pci0000:00/%s/config", bdf);
	tree_bytes(name, config.bytes, sizeof(config.bytes));
	snprintf(name, sizeof(name), "sys/devices/pci0000:00/%s/resource", bdf);
	tree_file(name, "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
			"0x00000000febf0000 0x00000000febf0fff 0x0000000000040200\n"
			"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
			"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
			"0x00000000fe000000 0x00000000fe003fff 0x000000000014220c\n"
			"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
			"0x0000000000000000 0x0000000000000000 0x0000000000000000\n");
}
