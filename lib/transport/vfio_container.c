/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "core/core.h"
#include "transport/vfio.h"

/* More than any kernel's answer; what claims to be larger is not one. */
#define INFO_MAX 65536u

#define CAPABILITIES_MAX 16u

/* The kernel's default for dma_entry_limit; older kernels do not tell. */
#define DMA_ENTRIES_DEFAULT 65535u

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

int vfs_vfio_map_error(int error, uint64_t length)
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

static int type1_map(const struct vfs_vfio_iommu *iommu, const struct vfs_dma_map *map)
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
	if (ioctl(iommu->fd, VFIO_IOMMU_MAP_DMA, &request) < 0)
		return vfs_vfio_map_error(errno, map->length);
	return 0;
}

static int type1_unmap(const struct vfs_vfio_iommu *iommu, uint64_t iova, uint64_t length)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = length,
	};

	if (ioctl(iommu->fd, VFIO_IOMMU_UNMAP_DMA, &unmap) < 0)
		return vfs_error(-errno, "cannot unmap memory of the device: %s", strerror(errno));
	return 0;
}

/* A container goes with its last group, and mappings with the container. */
static void container_leave(struct vfs_vfio_iommu *iommu, int device)
{
	(void)iommu;
	(void)device;
}

static const struct vfs_vfio_iommu_ops type1_ops = {
	.map = type1_map,
	.unmap = type1_unmap,
	.leave = container_leave,
};

/* Nothing is between function and memory: any memory is mapped already, where it is. */
static int noiommu_map(const struct vfs_vfio_iommu *iommu, const struct vfs_dma_map *map)
{
	(void)iommu;
	(void)map;
	return 0;
}

static int noiommu_unmap(const struct vfs_vfio_iommu *iommu, uint64_t iova, uint64_t length)
{
	(void)iommu;
	(void)iova;
	(void)length;
	return 0;
}

static const struct vfs_vfio_iommu_ops noiommu_ops = {
	.map = noiommu_map,
	.unmap = noiommu_unmap,
	.leave = container_leave,
};

static int set_iommu(const char *bdf, int container, unsigned long type)
{
	if (ioctl(container, VFIO_SET_IOMMU, type) == 0)
		return 0;
	if (errno != EPERM)
		return vfs_error(-errno, "cannot use the IOMMU of %s: %s", bdf, strerror(errno));
	if (type == VFIO_NOIOMMU_IOMMU)
		return vfs_error(
			-EPERM, "%s has no IOMMU, which needs CAP_SYS_RAWIO: run as root", bdf);
	return vfs_error(-ENOTSUP,
		"the IOMMU of %s has no interrupt remapping: turn it on, or load vfio_iommu_type1 "
		"with allow_unsafe_interrupts=1",
		bdf);
}

static bool has_extension(int container, unsigned long extension)
{
	return ioctl(container, VFIO_CHECK_EXTENSION, extension) == 1;
}

/* What a user before this one has left in it; a kernel that cannot forget it refuses to map there.
 */
static void forget_mappings(int container)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .flags = VFIO_DMA_UNMAP_FLAG_ALL};

	(void)ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap);
}

/* Only with its group in it does a container say which kinds of IOMMU it can have. */
static int choose_iommu(
	const char *bdf, bool set, struct vfs_vfio_iommu *iommu, struct vfs_dma_limits *limits)
{
	bool noiommu = has_extension(iommu->fd, VFIO_NOIOMMU_IOMMU);
	int r;

	if (!noiommu && !has_extension(iommu->fd, VFIO_TYPE1v2_IOMMU))
		return vfs_error(-ENOTSUP,
			"VFIO has no type 1 IOMMU for %s: load the kernel module vfio_iommu_type1",
			bdf);
	r = set ? 0 : set_iommu(bdf, iommu->fd, noiommu ? VFIO_NOIOMMU_IOMMU : VFIO_TYPE1v2_IOMMU);
	if (r < 0)
		return r;
	iommu->ops = noiommu ? &noiommu_ops : &type1_ops;
	if (set && !noiommu)
		forget_mappings(iommu->fd);
	if (!noiommu)
		return read_limits(iommu->fd, limits);
	*limits = (struct vfs_dma_limits){
		.translation = VFS_UNTRANSLATED,
		.ranges = {{.start = 0, .last = UINT64_MAX}},
		.num_ranges = 1,
		.page_size = (uint64_t)sysconf(_SC_PAGESIZE),
		.max_entries = UINT32_MAX,
	};
	return 0;
}

/* *set: whoever opened the group has put it into the container, and that has its IOMMU. */
static int put_group(const char *bdf, const struct vfs_vfio_fds *fds, bool *set)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	int container = fds->container;

	if (ioctl(fds->group, VFIO_GROUP_GET_STATUS, &status) < 0)
		return vfs_error(-errno, "cannot ask for the state of the IOMMU group of %s: %s",
			bdf, strerror(errno));
	*set = status.flags & VFIO_GROUP_FLAGS_CONTAINER_SET;
	if (!*set && ioctl(fds->group, VFIO_GROUP_SET_CONTAINER, &container) < 0)
		return vfs_error(-errno, "cannot put the IOMMU group of %s into a container: %s",
			bdf, strerror(errno));
	return 0;
}

static int device_error(const char *bdf, const char *token)
{
	if (errno == ENODEV)
		return vfs_error(
			-ENODEV, "VFIO does not give %s: it is not bound to vfio-pci", bdf);
	if (errno == EACCES)
		return vfs_error(-EACCES, "VFIO does not give %s: %s", bdf,
			token ? "its vf_token is another one"
			      : "the driver of its physical function asks for a vf_token");
	if (errno == EINVAL && token)
		return vfs_error(-EINVAL,
			"VFIO does not give %s: it takes no vf_token (its physical function is not "
			"bound to vfio-pci)",
			bdf);
	return vfs_error(-errno, "VFIO does not give %s: %s", bdf, strerror(errno));
}

static int get_device(const char *bdf, const char *token, struct vfs_vfio_fds *fds)
{
	char name[80];

	if (token)
		snprintf(name, sizeof(name), "%s vf_token=%s", bdf, token);
	else
		snprintf(name, sizeof(name), "%s", bdf);
	fds->device = ioctl(fds->group, VFIO_GROUP_GET_DEVICE_FD, name);
	return fds->device < 0 ? device_error(bdf, token) : 0;
}

int vfs_vfio_container_enter(const char *bdf, const char *token, struct vfs_vfio_fds *fds,
	struct vfs_vfio_iommu *iommu, struct vfs_dma_limits *limits)
{
	bool set;
	int r;

	iommu->fd = fds->container;
	if (ioctl(fds->container, VFIO_GET_API_VERSION) != VFIO_API_VERSION)
		return vfs_error(-ENOTSUP, "the container for %s is not one of VFIO", bdf);
	r = put_group(bdf, fds, &set);
	if (r == 0)
		r = choose_iommu(bdf, set, iommu, limits);
	if (r == 0 && fds->device < 0)
		r = get_device(bdf, token, fds);
	return r;
}
