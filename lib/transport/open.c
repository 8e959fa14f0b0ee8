/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "core/core.h"
#include "transport/sysfs.h"
#include "transport/transport.h"
#include "transport/vfio.h"
#include "transport/vhost_user.h"

#define VFIO_USER_PREFIX "vfio-user:"

static int not_bound(const char *bdf, const char *driver)
{
	return vfs_error(-EBUSY, "%s is bound to %s: run 'virtiofs-inspect bind %s' first", bdf,
		driver[0] ? driver : "no driver", bdf);
}

static int no_group(const char *bdf, const char *driver)
{
	int mode = vfs_sysfs_noiommu_mode();

	if (mode > 0)
		return not_bound(bdf, driver);
	return vfs_error(-ENOTSUP,
		"%s has no IOMMU group: turn the IOMMU on (in the firmware, and by intel_iommu=on "
		"or its like on the kernel's command line)%s",
		bdf,
		mode == 0 ? ", or VFIO's unsafe mode without one (see virtiofs-inspect(8))" : "");
}

/* What sysfs alone can tell; returns the number of the group. */
static int check_function(const char *bdf)
{
	char driver[32];
	int group;

	if (!vfs_sysfs_exists(bdf))
		return vfs_error(-ENODEV, "there is no PCI function %s", bdf);
	if (!vfs_sysfs_is_virtio_fs(bdf))
		return vfs_error(-ENODEV, "%s is not a virtio-fs device (1af4:105a)", bdf);
	vfs_sysfs_driver(bdf, driver, sizeof(driver));
	group = vfs_sysfs_group(bdf);
	if (group < 0)
		return no_group(bdf, driver);
	if (strcmp(driver, "vfio-pci") != 0)
		return not_bound(bdf, driver);
	return group;
}

int vfs_transport_check(const char *bdf)
{
	int group = check_function(bdf);

	return group < 0 ? group : vfs_vfio_check(bdf, group);
}

static bool is_vfio_user(const char *name)
{
	return strncmp(name, VFIO_USER_PREFIX, strlen(VFIO_USER_PREFIX)) == 0;
}

bool vfs_transport_is_socket(const char *name)
{
	return is_vfio_user(name) || strchr(name, '/');
}

static int open_socket(const char *name, const struct vfs_device_options *options,
	struct vfs_transport **transport)
{
	struct vfs_pci *pci;
	int r;

	if (options->vfio != VFS_VFIO_AUTO || options->vf_token || options->vfio_fds)
		return vfs_error(-EINVAL,
			"%s is a socket: the options for VFIO are for PCI functions", name);
	if (!is_vfio_user(name))
		return vfs_vhost_user_open(name, transport);
	r = vfs_vfio_user_open(name + strlen(VFIO_USER_PREFIX), &pci);
	return r < 0 ? r : vfs_virtio_pci_create(pci, transport);
}

int vfs_transport_open(const char *name, const struct vfs_device_options *options,
	struct vfs_transport **transport)
{
	static const struct vfs_device_options defaults;
	struct vfs_pci *pci;
	int group = -1;
	int r;

	if (!options)
		options = &defaults;
	if (vfs_transport_is_socket(name))
		return open_socket(name, options, transport);
	/* A process that is handed its descriptors may not see sysfs. */
	if (!options->vfio_fds) {
		group = check_function(name);
		if (group < 0)
			return group;
	}
	r = vfs_vfio_open(name, group, options, &pci);
	return r < 0 ? r : vfs_virtio_pci_create(pci, transport);
}
