/* SPDX-License-Identifier: MIT */
#include "vfio_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vfio.h>

void give_up(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		give_up(path, strerror(errno));
	return fd;
}

/* The first name in a directory of the function's that begins so. */
static void find_name(const char *bdf, const char *dir, char name[64])
{
	char path[128];
	struct dirent *entry;
	DIR *found;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", bdf, dir);
	found = opendir(path);
	while (found && (entry = readdir(found))) {
		if (strncmp(entry->d_name, "vfio", 4) == 0) {
			snprintf(name, 64, "%.63s", entry->d_name);
			closedir(found);
			return;
		}
	}
	give_up(path, "nothing there");
}

void open_cdev(const char *bdf, struct vfs_vfio_fds *fds)
{
	char path[128];
	char name[64];

	find_name(bdf, "vfio-dev", name);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", name);
	fds->device = open_file(path);
	fds->iommufd = open_file("/dev/iommu");
}

void open_group(const char *bdf, struct vfs_vfio_fds *fds)
{
	char link[128];
	char target[256];
	char path[128];
	ssize_t n;

	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		give_up(link, strerror(errno));
	target[n] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio/%.64s", strrchr(target, '/') + 1);
	fds->group = open_file(path);
	fds->container = open_file("/dev/vfio/vfio");
}

void open_device_of_group(const char *bdf, const char *token, struct vfs_vfio_fds *fds)
{
	char name[128];

	if (ioctl(fds->group, VFIO_GROUP_SET_CONTAINER, &fds->container) < 0 ||
		ioctl(fds->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0)
		give_up("container", strerror(errno));
	if (token)
		snprintf(name, sizeof(name), "%s vf_token=%s", bdf, token);
	else
		snprintf(name, sizeof(name), "%s", bdf);
	fds->device = ioctl(fds->group, VFIO_GROUP_GET_DEVICE_FD, name);
	if (fds->device < 0)
		give_up("VFIO_GROUP_GET_DEVICE_FD", strerror(errno));
}
