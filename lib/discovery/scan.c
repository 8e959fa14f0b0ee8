/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/virtio_fs.h>

#include "core/core.h"
#include "discovery/device.h"
#include "transport/pci_window.h"
#include "transport/sysfs.h"

struct scan {
	int (*visit)(const struct vfs_function *function, void *ctx);
	void *ctx;
};

static int count_function(const char *bdf, void *ctx)
{
	unsigned int *count = ctx;

	(void)bdf;
	(*count)++;
	return 0;
}

/* Without root the device itself has to be asked, which only its owner can. */
static int open_and_read(
	const char *bdf, struct vfs_function *function, struct vfs_fs_config *config)
{
	struct vfs_transport *transport;
	struct vfs_shm_region shm;
	int r = vfs_transport_open(bdf, NULL, &transport);

	if (r < 0)
		return r;
	r = vfs_fs_config_read(transport, config);
	if (transport->ops->shm_region(transport, VIRTIO_FS_SHMCAP_ID_CACHE, &shm) == 0)
		function->dax_window = shm.length;
	transport->ops->close(transport);
	return r;
}

static int peek_and_read(
	const char *bdf, struct vfs_function *function, struct vfs_fs_config *config)
{
	struct virtio_fs_config raw;
	struct vfs_pci_peek peek;
	int r = vfs_pci_peek(bdf, &peek, &raw, sizeof(raw));

	if (r < 0)
		return r;
	if (peek.caps.shm.present)
		function->dax_window = peek.caps.shm.length;
	return vfs_fs_config_parse(&raw, sizeof(raw), config);
}

static void examine(const char *bdf, struct vfs_function *function)
{
	struct vfs_fs_config config;
	int problem;
	int r;

	*function = (struct vfs_function){.iommu_group = vfs_sysfs_group(bdf)};
	snprintf(function->bdf, sizeof(function->bdf), "%s", bdf);
	vfs_sysfs_driver(bdf, function->driver, sizeof(function->driver));
	if (function->iommu_group < 0)
		function->iommu_group = -1;
	else
		vfs_sysfs_each_in_group(
			function->iommu_group, count_function, &function->group_functions);

	problem = vfs_transport_check(bdf);
	if (problem < 0)
		snprintf(function->problem, sizeof(function->problem), "%s", vfs_last_error());

	r = peek_and_read(bdf, function, &config);
	if ((r == -EACCES || r == -EPERM || r == -ENOENT) && problem == 0)
		r = open_and_read(bdf, function, &config);
	if (r == -EPROTO && !function->problem[0])
		snprintf(function->problem, sizeof(function->problem), "%s: %s", bdf,
			vfs_last_error());
	if (r < 0)
		return;
	function->tag_known = true;
	function->num_request_queues = config.num_request_queues;
	memcpy(function->tag, config.tag, sizeof(function->tag));
}

static int scan_one(const char *bdf, void *ctx)
{
	const struct scan *scan = ctx;
	struct vfs_function function;

	if (!vfs_sysfs_is_virtio_fs(bdf))
		return 0;
	examine(bdf, &function);
	return scan->visit(&function, scan->ctx);
}

VFS_EXPORT int vfs_device_scan(
	int (*visit)(const struct vfs_function *function, void *ctx), void *ctx)
{
	struct scan scan = {.visit = visit, .ctx = ctx};

	return vfs_sysfs_each_function(scan_one, &scan);
}
