/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/core.h"
#include "transport/sysfs.h"
#include "transport/transport.h"
#include "transport/vfio.h"
#include "transport/vhost_user.h"

#define VFIO_USER_PREFIX "vfio-user:"

/* What sysfs alone can tell; returns the number of the group. */
static int check_function(const char *bdf)
{
	char driver[32];
	int group;

	if (!vfs_sysfs_exists(bdf))
		return vfs_error(-ENODEV, "there is no PCI function %s", bdf);
	if (!vfs_sysfs_is_virtio_fs(bdf))
		return vfs_error(-ENODEV, "%s is not a virtio-fs device (1af4:105a)", bdf);
	group = vfs_sysfs_group(bdf);
	if (group < 0)
		return vfs_error(-ENOTSUP,
			"%s has no IOMMU group: turn the IOMMU on (in the firmware, and by "
			"intel_iommu=on or its like on the kernel's command line)",
			bdf);
	if (vfs_sysfs_group_is_noiommu(group))
		return vfs_error(-ENOTSUP,
			"%s is in a no-IOMMU group, which is not supported: turn the IOMMU on",
			bdf);
	vfs_sysfs_driver(bdf, driver, sizeof(driver));
	if (strcmp(driver, "vfio-pci") != 0)
		return vfs_error(-EBUSY, "%s is bound to %s: run 'virtiofs-inspect bind %s' first",
			bdf, driver[0] ? driver : "no driver", bdf);
	return group;
}

int vfs_transport_check(const char *bdf)
{
	int group = check_function(bdf);
	int fd;

	if (group < 0)
		return group;
	fd = vfs_vfio_group_open(bdf, group);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static bool is_vfio_user(const char *name)
{
	return strncmp(name, VFIO_USER_PREFIX, strlen(VFIO_USER_PREFIX)) == 0;
}

bool vfs_transport_is_socket(const char *name)
{
	return is_vfio_user(name) || strchr(name, '/');
}

int vfs_transport_open(const char *name, struct vfs_transport **transport)
{
	struct vfs_pci *pci;
	int group;
	int r;

	if (is_vfio_user(name)) {
		r = vfs_vfio_user_open(name + strlen(VFIO_USER_PREFIX), &pci);
		return r < 0 ? r : vfs_virtio_pci_create(pci, transport);
	}
	if (vfs_transport_is_socket(name))
		return vfs_vhost_user_open(name, transport);
	group = check_function(name);
	if (group < 0)
		return group;
	r = vfs_vfio_open(name, group, &pci);
	if (r < 0)
		return r;
	return vfs_virtio_pci_create(pci, transport);
}
