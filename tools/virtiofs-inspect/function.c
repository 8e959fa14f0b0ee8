/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/virtio_fs.h>

#include "core/core.h"
#include "device/device.h"
#include "function.h"
#include "transport/pci_window.h"

int function_find(const char *name, char bdf[VFS_BDF_SIZE])
{
	if (!vfs_bdf_parse(name, bdf))
		return vfs_find_tag(name, bdf);
	if (!vfs_sysfs_exists(bdf))
		return vfs_error(
			-ENODEV, "there is no PCI function %s: see virtiofs-inspect list", bdf);
	if (!vfs_sysfs_is_virtio_fs(bdf))
		return vfs_error(
			-ENODEV, "%s is not a virtio-fs device: see virtiofs-inspect list", bdf);
	return 0;
}

int function_raw_tag(const char *bdf, char tag[37])
{
	struct virtio_fs_config config;
	struct vfs_pci_peek peek;
	int r = vfs_pci_peek(bdf, &peek, &config, sizeof(config));

	if (r < 0)
		return r;
	/* No device has none; one that sleeps or is going may read as zeros. */
	if (!config.tag[0])
		return vfs_error(-EPROTO, "%s: its tag reads as nothing", bdf);
	memcpy(tag, config.tag, sizeof(config.tag));
	tag[sizeof(config.tag)] = '\0';
	return 0;
}

struct virtio_name {
	char *name;
	size_t size;
};

static int take_virtio_name(const char *name, void *ctx)
{
	struct virtio_name *found = ctx;

	if (strncmp(name, "virtio", 6) != 0 || !name[6] ||
		strspn(name + 6, "0123456789") != strlen(name + 6))
		return 0;
	snprintf(found->name, found->size, "%s", name);
	return 1;
}

int function_virtio_name(const char *bdf, char *name, size_t size)
{
	struct virtio_name found = {.name = name, .size = size};
	char dir[64];
	int r;

	snprintf(dir, sizeof(dir), "bus/pci/devices/%s", bdf);
	r = vfs_sysfs_list(dir, take_virtio_name, &found);
	if (r < 0)
		return r;
	return r == 1 ? 0 : -ENOENT;
}
