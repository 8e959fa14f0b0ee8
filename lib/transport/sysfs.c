/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_ids.h>

#include "core/core.h"
#include "transport/sysfs.h"

#define PCI_VENDOR_VIRTIO   0x1af4
#define PCI_DEVICE_MODERN   0x1040
#define PCI_DEVICE_VIRTIOFS (PCI_DEVICE_MODERN + VIRTIO_ID_FS)

const char *vfs_sysfs_root = "/sys";
const char *vfs_dev_root = "/dev";

static void __attribute__((format(printf, 2, 3)))
sysfs_path(char path[PATH_MAX], const char *format, ...)
{
	size_t root = (size_t)snprintf(path, PATH_MAX, "%s/", vfs_sysfs_root);
	va_list args;

	va_start(args, format);
	if (root < PATH_MAX)
		vsnprintf(path + root, PATH_MAX - root, format, args);
	va_end(args);
}

/* Read a small file as a string without its last newline. */
static int read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	if (n < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	close(fd);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

static unsigned long read_id(const char *bdf, const char *attribute)
{
	char path[PATH_MAX];
	char text[32];

	sysfs_path(path, "bus/pci/devices/%s/%s", bdf, attribute);
	if (read_text(path, text, sizeof(text)) < 0)
		return 0;
	return strtoul(text, NULL, 16);
}

/* Last component of a link's target. */
static int link_name(const char *bdf, const char *link, char *name, size_t size)
{
	char path[PATH_MAX];
	char target[PATH_MAX];
	const char *slash;
	ssize_t n;

	sysfs_path(path, "bus/pci/devices/%s/%s", bdf, link);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	slash = strrchr(target, '/');
	snprintf(name, size, "%s", slash ? slash + 1 : target);
	return 0;
}

bool vfs_sysfs_exists(const char *bdf)
{
	char path[PATH_MAX];

	sysfs_path(path, "bus/pci/devices/%s", bdf);
	return access(path, F_OK) == 0;
}

bool vfs_sysfs_is_virtio_fs(const char *bdf)
{
	return read_id(bdf, "vendor") == PCI_VENDOR_VIRTIO &&
	       read_id(bdf, "device") == PCI_DEVICE_VIRTIOFS;
}

void vfs_sysfs_driver(const char *bdf, char *name, size_t size)
{
	if (link_name(bdf, "driver", name, size) < 0)
		name[0] = '\0';
}

int vfs_sysfs_group(const char *bdf)
{
	char name[32];
	char *end;
	long group;

	if (link_name(bdf, "iommu_group", name, sizeof(name)) < 0)
		return -ENOENT;
	group = strtol(name, &end, 10);
	if (*end || group < 0 || group > INT_MAX)
		return -ENOENT;
	return (int)group;
}

bool vfs_sysfs_group_is_noiommu(int group)
{
	char path[PATH_MAX];
	char name[32];

	sysfs_path(path, "kernel/iommu_groups/%d/name", group);
	return read_text(path, name, sizeof(name)) == 0 && strcmp(name, "vfio-noiommu") == 0;
}

int vfs_sysfs_noiommu_mode(void)
{
	char path[PATH_MAX];
	char text[8];

	sysfs_path(path, "module/vfio/parameters/enable_unsafe_noiommu_mode");
	if (read_text(path, text, sizeof(text)) < 0)
		return -ENOENT;
	return text[0] == 'Y' || text[0] == '1';
}

struct vfio_name {
	char *name;
	size_t size;
};

/* Other names are of other kinds ("noiommu-vfio0"). */
static int take_vfio_name(const char *name, void *ctx)
{
	struct vfio_name *found = ctx;

	if (strncmp(name, "vfio", 4) != 0 || !name[4] || name[4 + strspn(name + 4, "0123456789")])
		return 0;
	snprintf(found->name, found->size, "%s", name);
	return 1;
}

int vfs_sysfs_vfio_device(const char *bdf, char *name, size_t size)
{
	struct vfio_name found = {.name = name, .size = size};
	char dir[64];

	snprintf(dir, sizeof(dir), "bus/pci/devices/%s/vfio-dev", bdf);
	return vfs_sysfs_list(dir, take_vfio_name, &found) == 1 ? 0 : -ENOENT;
}

int vfs_sysfs_list(const char *dir, int (*visit)(const char *name, void *ctx), void *ctx)
{
	struct dirent **names;
	char path[PATH_MAX];
	int result = 0;
	int count;
	int i;

	sysfs_path(path, "%s", dir);
	count = scandir(path, &names, NULL, alphasort);
	if (count < 0)
		return vfs_error(-EIO, "cannot read %s: %s", path, strerror(errno));
	for (i = 0; i < count; i++) {
		if (result == 0 && names[i]->d_name[0] != '.')
			result = visit(names[i]->d_name, ctx);
		free(names[i]);
	}
	free(names);
	return result;
}

int vfs_sysfs_each_function(int (*visit)(const char *bdf, void *ctx), void *ctx)
{
	return vfs_sysfs_list("bus/pci/devices", visit, ctx);
}

int vfs_sysfs_each_in_group(int group, int (*visit)(const char *bdf, void *ctx), void *ctx)
{
	char dir[64];

	snprintf(dir, sizeof(dir), "kernel/iommu_groups/%d/devices", group);
	return vfs_sysfs_list(dir, visit, ctx);
}

int vfs_sysfs_bar_sizes(const char *bdf, uint64_t sizes[6])
{
	char path[PATH_MAX];
	FILE *file;
	int i;

	memset(sizes, 0, 6 * sizeof(sizes[0]));
	sysfs_path(path, "bus/pci/devices/%s/resource", bdf);
	file = fopen(path, "re");
	if (!file)
		return vfs_error(-EIO, "cannot read %s: %s", path, strerror(errno));
	for (i = 0; i < 6; i++) {
		uint64_t start;
		uint64_t last;

		if (fscanf(file, "%" SCNx64 " %" SCNx64 " %*x", &start, &last) != 2)
			break;
		if (last > start)
			sizes[i] = last - start + 1;
	}
	fclose(file);
	return 0;
}

int vfs_sysfs_open_config(const char *bdf, int flags)
{
	char path[PATH_MAX];
	int fd;

	sysfs_path(path, "bus/pci/devices/%s/config", bdf);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return vfs_error(-errno, "cannot open %s: %s", path, strerror(errno));
	return fd;
}
