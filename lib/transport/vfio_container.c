/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "core/core.h"
#include "transport/sysfs.h"
#include "transport/vfio.h"

/* More than any kernel's answer; what claims to be larger is not one. */
#define INFO_MAX 65536u

#define CAPABILITIES_MAX 16u

#define BUSY_TRIES   5
#define BUSY_WAIT_MS 20

/* The kernel's default for dma_entry_limit; older kernels do not tell. */
#define DMA_ENTRIES_DEFAULT 65535u

static int open_error(const char *path, const char *bdf)
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

static int check_viable(int fd, const char *bdf, int group)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	struct others others = {.bdf = bdf};

	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status) < 0)
		return vfs_error(-errno, "cannot ask for the state of IOMMU group %d: %s", group,
			strerror(errno));
	if (status.flags & VFIO_GROUP_FLAGS_VIABLE)
		return 0;
	vfs_sysfs_each_in_group(group, collect_other, &others);
	return vfs_error(-EBUSY,
		"%s shares IOMMU group %d with functions of other drivers: unbind or bind to "
		"vfio-pci %s",
		bdf, group, others.list[0] ? others.list : "them");
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
	char path[PATH_MAX];
	int fd;
	int r;

	snprintf(path, sizeof(path), "%s/vfio/%d", vfs_dev_root, group);
	fd = open_patiently(path);
	if (fd < 0)
		return open_error(path, bdf);
	r = check_viable(fd, bdf, group);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static int open_container(const char *bdf)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/vfio/vfio", vfs_dev_root);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return open_error(path, bdf);
	if (ioctl(fd, VFIO_GET_API_VERSION) == VFIO_API_VERSION &&
		ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) == 1)
		return fd;
	close(fd);
	return vfs_error(
		-ENOTSUP, "%s has no type 1 IOMMU: load the kernel module vfio_iommu_type1", path);
}

/* Capabilities are not aligned for their members: they are copied. */
static void take_ranges(const uint8_t *bytes, size_t room, struct vfs_dma_limits *limits)
{
	struct vfio_iommu_type1_info_cap_iova_range cap;
	struct vfio_iova_range range;
	uint32_t i;

	if (room < sizeof(cap))
		return;
	memcpy(&cap, bytes, sizeof(cap));
	room = (room - sizeof(cap)) / sizeof(range);
	limits->num_ranges = 0;
	for (i = 0; i < cap.nr_iovas && i < room && i < VFS_IOVA_RANGES_MAX; i++) {
		memcpy(&range, bytes + sizeof(cap) + i * sizeof(range), sizeof(range));
		/* They come sorted; what does not is not to be used. */
		if (range.start > range.end || (i && range.start <= limits->ranges[i - 1].last))
			return;
		limits->ranges[limits->num_ranges++] = (struct vfs_iova_range){
			.start = range.start, .last = range.end};
	}
}

static void take_capability(const struct vfio_info_cap_header *header, const uint8_t *bytes,
	size_t room, struct vfs_dma_limits *limits)
{
	struct vfio_iommu_type1_info_dma_avail avail;

	if (header->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE)
		take_ranges(bytes, room, limits);
	if (header->id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL && room >= sizeof(avail)) {
		memcpy(&avail, bytes, sizeof(avail));
		limits->max_entries = avail.avail;
	}
}

int vfs_vfio_limits_parse(const void *info, size_t size, struct vfs_dma_limits *limits)
{
	const struct vfio_iommu_type1_info *head = info;
	uint32_t offset;
	unsigned int steps;

	*limits = (struct vfs_dma_limits){
		.translation = VFS_TRANSLATED,
		.ranges = {{.start = 0, .last = UINT64_MAX}},
		.num_ranges = 1,
		.page_size = (uint64_t)sysconf(_SC_PAGESIZE),
		.max_entries = DMA_ENTRIES_DEFAULT,
	};
	if (head->flags & VFIO_IOMMU_INFO_PGSIZES && head->iova_pgsizes)
		limits->page_size = head->iova_pgsizes & -head->iova_pgsizes;
	if (limits->page_size < (uint64_t)sysconf(_SC_PAGESIZE))
		limits->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	if (!(head->flags & VFIO_IOMMU_INFO_CAPS))
		return 0;
	for (offset = head->cap_offset, steps = 0; offset; steps++) {
		struct vfio_info_cap_header header;

		if (offset > size - sizeof(header) || steps == CAPABILITIES_MAX)
			return vfs_error(-EPROTO, "malformed IOMMU information from VFIO");
		memcpy(&header, (const uint8_t *)info + offset, sizeof(header));
		take_capability(&header, (const uint8_t *)info + offset, size - offset, limits);
		offset = header.next;
	}
	return 0;
}

static int read_limits(int fd, struct vfs_dma_limits *limits)
{
	struct vfio_iommu_type1_info head = {.argsz = sizeof(head)};
	struct vfio_iommu_type1_info *info;
	uint32_t size;
	int r;

	if (ioctl(fd, VFIO_IOMMU_GET_INFO, &head) < 0)
		return vfs_error(-errno, "VFIO does not describe the IOMMU: %s", strerror(errno));
	size = head.argsz < sizeof(head) ? (uint32_t)sizeof(head) : head.argsz;
	if (size > INFO_MAX)
		return vfs_error(-EPROTO, "malformed IOMMU information from VFIO");
	info = calloc(1, size);
	if (!info)
		return vfs_error(-ENOMEM, "out of memory");
	info->argsz = size;
	if (ioctl(fd, VFIO_IOMMU_GET_INFO, info) < 0)
		r = vfs_error(-errno, "VFIO does not describe the IOMMU: %s", strerror(errno));
	else
		r = vfs_vfio_limits_parse(info, size, limits);
	free(info);
	return r;
}

int vfs_vfio_container_open(
	const char *bdf, int group, struct vfs_vfio_container *c, struct vfs_dma_limits *limits)
{
	int r;

	*c = (struct vfs_vfio_container){.container = -1, .group = -1};
	c->group = vfs_vfio_group_open(bdf, group);
	if (c->group < 0)
		return c->group;
	c->container = open_container(bdf);
	r = c->container;
	if (r >= 0)
		r = 0;
	if (r == 0 && ioctl(c->group, VFIO_GROUP_SET_CONTAINER, &c->container) < 0)
		r = vfs_error(-errno, "cannot put IOMMU group %d into a container: %s", group,
			strerror(errno));
	if (r == 0 && ioctl(c->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0)
		r = vfs_error(errno == EPERM ? -ENOTSUP : -errno,
			errno == EPERM ? "the IOMMU of %s has no interrupt remapping: turn it on, "
					 "or load vfio_iommu_type1 with allow_unsafe_interrupts=1"
				       : "cannot use the IOMMU of %s",
			bdf);
	if (r == 0)
		r = read_limits(c->container, limits);
	if (r < 0)
		vfs_vfio_container_close(c);
	return r;
}

void vfs_vfio_container_close(struct vfs_vfio_container *c)
{
	if (c->group >= 0)
		close(c->group);
	if (c->container >= 0)
		close(c->container);
	c->group = c->container = -1;
}

static int map_error(int error, uint64_t length)
{
	struct rlimit limit;

	if (error == ENOMEM && getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
		limit.rlim_cur != RLIM_INFINITY)
		return vfs_error(-ENOMEM,
			"cannot pin memory for the device: the limit on locked memory is %llu KiB "
			"(ulimit -l, LimitMEMLOCK=)",
			(unsigned long long)limit.rlim_cur / 1024);
	if (error == ENOSPC)
		return vfs_error(-ENOMEM, "VFIO has no room for more mappings: use hugepages");
	return vfs_error(-error, "cannot map %llu bytes for the device: %s",
		(unsigned long long)length, strerror(error));
}

int vfs_vfio_dma_map(const struct vfs_vfio_container *c, const struct vfs_dma_map *map)
{
	struct vfio_iommu_type1_dma_map request = {
		.argsz = sizeof(request),
		.vaddr = (uintptr_t)map->vaddr,
		.iova = map->iova,
		.size = map->length,
	};

	if (map->access & VFS_DMA_DEVICE_READS)
		request.flags |= VFIO_DMA_MAP_FLAG_READ;
	if (map->access & VFS_DMA_DEVICE_WRITES)
		request.flags |= VFIO_DMA_MAP_FLAG_WRITE;
	if (ioctl(c->container, VFIO_IOMMU_MAP_DMA, &request) < 0)
		return map_error(errno, map->length);
	return 0;
}

int vfs_vfio_dma_unmap(const struct vfs_vfio_container *c, uint64_t iova, uint64_t length)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = length,
	};

	if (ioctl(c->container, VFIO_IOMMU_UNMAP_DMA, &unmap) < 0)
		return vfs_error(-errno, "cannot unmap memory of the device: %s", strerror(errno));
	return 0;
}
