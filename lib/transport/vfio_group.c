/* SPDX-License-Identifier: MIT */
/* The files of a group: /dev/vfio/GROUP, /dev/vfio/noiommu-GROUP, /dev/vfio/vfio. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "core/core.h"
#include "transport/sysfs.h"
#include "transport/vfio.h"

#define BUSY_TRIES   5
#define BUSY_WAIT_MS 20

int vfs_vfio_open_error(const char *path, const char *bdf)
{
	switch (errno) {
	case ENOENT:
		return vfs_error(-ENOTSUP,
			"%s does not exist: load the kernel module vfio-pci and bind %s to it",
			path, bdf);
	case EACCES:
		return vfs_error(
			-EACCES, "no permission for %s: run as root or give it to this user", path);
	case EPERM:
		return vfs_error(-EPERM, "no permission for %s: run as root", path);
	case EBUSY:
		return vfs_error(-EBUSY, "%s is in use by another process (%s is busy)", bdf, path);
	default:
		return vfs_error(-errno, "cannot open %s: %s", path, strerror(errno));
	}
}

struct others {
	const char *bdf;
	char list[128];
};

static int collect_other(const char *bdf, void *ctx)
{
	struct others *others = ctx;
	size_t used = strlen(others->list);
	char driver[32];

	vfs_sysfs_driver(bdf, driver, sizeof(driver));
	if (strcmp(bdf, others->bdf) != 0 && driver[0] && strcmp(driver, "vfio-pci") != 0 &&
		strcmp(driver, "pcieport") != 0)
		snprintf(others->list + used, sizeof(others->list) - used, "%s%s (%s)",
			used ? ", " : "", bdf, driver);
	return 0;
}

int vfs_vfio_group_shared(const char *bdf)
{
	int group = vfs_sysfs_group(bdf);
	struct others others = {.bdf = bdf};

	if (group >= 0)
		vfs_sysfs_each_in_group(group, collect_other, &others);
	if (!others.list[0])
		return 0;
	return vfs_error(-EBUSY,
		"%s shares IOMMU group %d with functions of other drivers: unbind or bind to "
		"vfio-pci %s",
		bdf, group, others.list);
}

static int check_viable(int fd, const char *bdf, int group)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};

	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status) < 0)
		return vfs_error(-errno, "cannot ask for the state of IOMMU group %d: %s", group,
			strerror(errno));
	if (status.flags & VFIO_GROUP_FLAGS_VIABLE)
		return 0;
	if (vfs_vfio_group_shared(bdf) < 0)
		return -EBUSY;
	return vfs_error(-EBUSY, "IOMMU group %d of %s has functions of other drivers", group, bdf);
}

/* Whoever only looks at the group holds it for a moment: wait that long. */
static int open_patiently(const char *path)
{
	int tries = BUSY_TRIES;
	int fd;

	while ((fd = open(path, O_RDWR | O_CLOEXEC)) < 0 && errno == EBUSY && --tries > 0)
		poll(NULL, 0, BUSY_WAIT_MS);
	return fd;
}

int vfs_vfio_group_open(const char *bdf, int group)
{
	bool noiommu = vfs_sysfs_group_is_noiommu(group);
	char path[PATH_MAX];
	int fd;
	int r;

	snprintf(
		path, sizeof(path), "%s/vfio/%s%d", vfs_dev_root, noiommu ? "noiommu-" : "", group);
	fd = open_patiently(path);
	if (fd < 0 && errno == EPERM && noiommu)
		return vfs_error(-EPERM, "%s has no IOMMU, so %s needs CAP_SYS_RAWIO: run as root",
			bdf, path);
	if (fd < 0)
		return vfs_vfio_open_error(path, bdf);
	r = check_viable(fd, bdf, group);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int vfs_vfio_group_open_all(const char *bdf, int group, struct vfs_vfio_fds *fds)
{
	char path[PATH_MAX];

	fds->group = vfs_vfio_group_open(bdf, group);
	if (fds->group < 0)
		return fds->group;
	snprintf(path, sizeof(path), "%s/vfio/vfio", vfs_dev_root);
	fds->container = open(path, O_RDWR | O_CLOEXEC);
	return fds->container < 0 ? vfs_vfio_open_error(path, bdf) : 0;
}
