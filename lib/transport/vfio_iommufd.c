/* SPDX-License-Identifier: MIT */
/* A function by its own device, /dev/vfio/devices/vfioN, with an address space of /dev/iommu. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/core.h"
#include "transport/sysfs.h"
#include "transport/vfio.h"
#include "transport/vfio_compat.h"

/* More than any IOMMU has holes; what claims to be more is not a count. */
#define RANGES_MAX 4096u

int vfs_vfio_cdev_open_all(const char *bdf, struct vfs_vfio_fds *fds)
{
	char path[PATH_MAX];
	char name[32];

	if (vfs_sysfs_vfio_device(bdf, name, sizeof(name)) < 0)
		return vfs_error(-ENOTSUP,
			"%s has no device of its own in /dev/vfio/devices: this kernel does not "
			"make one (CONFIG_VFIO_DEVICE_CDEV)",
			bdf);
	snprintf(path, sizeof(path), "%s/vfio/devices/%s", vfs_dev_root, name);
	fds->device = open(path, O_RDWR | O_CLOEXEC);
	if (fds->device < 0)
		return vfs_vfio_open_error(path, bdf);
	snprintf(path, sizeof(path), "%s/iommu", vfs_dev_root);
	fds->iommufd = open(path, O_RDWR | O_CLOEXEC);
	if (fds->iommufd < 0 && errno == ENOENT)
		return vfs_error(
			-ENOTSUP, "%s does not exist: load the kernel module iommufd", path);
	return fds->iommufd < 0 ? vfs_vfio_open_error(path, bdf) : 0;
}

static int bind_error(const char *bdf, const char *token)
{
	if (errno == EBUSY)
		return vfs_error(-EBUSY, "%s is in use by another process", bdf);
	if (errno == EACCES)
		return vfs_error(-EACCES, "VFIO does not give %s: %s", bdf,
			token ? "its vf_token is another one"
			      : "the driver of its physical function asks for a vf_token");
	if (errno == EINVAL && token)
		return vfs_error(-ENOTSUP,
			"%s takes no vf_token: its physical function is not bound to vfio-pci, or "
			"this kernel knows tokens only through the group (vfio=group)",
			bdf);
	if (errno == EPERM)
		return vfs_error(-ENOTSUP,
			"the IOMMU of %s has no interrupt remapping: turn it on, or load iommufd "
			"with allow_unsafe_interrupts=1",
			bdf);
	return vfs_error(-errno, "cannot bind %s to an iommufd: %s", bdf, strerror(errno));
}

static int bind_device(const char *bdf, const char *token, const struct vfs_vfio_fds *fds)
{
	struct vfs_vfio_bind bind = {.argsz = sizeof(bind), .iommufd = fds->iommufd};
	uint8_t uuid[16];

	if (token && vfs_vfio_token_parse(token, uuid)) {
		bind.flags = VFS_VFIO_BIND_FLAG_TOKEN;
		bind.token_uuid_ptr = (uintptr_t)uuid;
	}
	if (ioctl(fds->device, VFS_VFIO_DEVICE_BIND_IOMMUFD, &bind) == 0)
		return 0;
	/* A descriptor that was handed in can be bound already: then it can be attached. */
	if (errno == EINVAL && !token)
		return 0;
	if (errno == EPERM && vfs_vfio_group_shared(bdf) < 0)
		return -EBUSY;
	return bind_error(bdf, token);
}

static int attach_device(const char *bdf, int device, uint32_t ioas)
{
	struct vfs_vfio_attach attach = {.argsz = sizeof(attach), .pt_id = ioas};

	if (ioctl(device, VFS_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach) == 0)
		return 0;
	/* It is not bound: the kernel has refused that because somebody else's is. */
	if (errno == EINVAL)
		return vfs_error(-EBUSY, "%s is in use by another process", bdf);
	return vfs_error(
		-errno, "cannot give %s an address space of its own: %s", bdf, strerror(errno));
}

static void take_ranges(
	const struct vfs_iommu_iova_range *ranges, uint32_t count, struct vfs_dma_limits *limits)
{
	uint32_t i;

	for (i = 0; i < count && i < VFS_IOVA_RANGES_MAX; i++) {
		/* They come sorted; what does not is not to be used. */
		if (ranges[i].start > ranges[i].last ||
			(i && ranges[i].start <= limits->ranges[i - 1].last))
			return;
		limits->ranges[limits->num_ranges++] = (struct vfs_iova_range){
			.start = ranges[i].start, .last = ranges[i].last};
	}
}

/* Ask twice: how many ranges there are, then for all of them. */
static int read_limits(
	const char *bdf, const struct vfs_vfio_iommu *iommu, struct vfs_dma_limits *limits)
{
	struct vfs_iommu_ioas_iova_ranges query = {.size = sizeof(query), .ioas_id = iommu->ioas};
	struct vfs_iommu_iova_range *ranges;
	int r;

	if (ioctl(iommu->fd, VFS_IOMMU_IOAS_IOVA_RANGES, &query) < 0 && errno != EMSGSIZE)
		return vfs_error(-errno, "cannot ask for the address ranges of %s: %s", bdf,
			strerror(errno));
	if (query.num_iovas == 0 || query.num_iovas > RANGES_MAX)
		return vfs_error(-EPROTO, "malformed address ranges of %s", bdf);
	ranges = calloc(query.num_iovas, sizeof(*ranges));
	if (!ranges)
		return vfs_error(-ENOMEM, "out of memory");
	query.allowed_iovas = (uintptr_t)ranges;
	r = ioctl(iommu->fd, VFS_IOMMU_IOAS_IOVA_RANGES, &query) < 0 ? -errno : 0;
	if (r == 0) {
		*limits = (struct vfs_dma_limits){
			.translation = VFS_TRANSLATED,
			.page_size = (uint64_t)sysconf(_SC_PAGESIZE),
			.max_entries = UINT32_MAX,
		};
		if (query.out_iova_alignment > limits->page_size)
			limits->page_size = query.out_iova_alignment;
		take_ranges(ranges, query.num_iovas, limits);
	}
	free(ranges);
	return r < 0 ? vfs_error(
			       r, "cannot ask for the address ranges of %s: %s", bdf, strerror(-r))
		     : 0;
}

static int iommufd_map(const struct vfs_vfio_iommu *iommu, const struct vfs_dma_map *map)
{
	struct vfs_iommu_ioas_map request = {
		.size = sizeof(request),
		.flags = VFS_IOMMU_IOAS_MAP_FIXED_IOVA,
		.ioas_id = iommu->ioas,
		.user_va = (uintptr_t)map->vaddr,
		.length = map->length,
		.iova = map->iova,
	};

	if (map->access & VFS_DMA_DEVICE_READS)
		request.flags |= VFS_IOMMU_IOAS_MAP_READABLE;
	if (map->access & VFS_DMA_DEVICE_WRITES)
		request.flags |= VFS_IOMMU_IOAS_MAP_WRITEABLE;
	if (ioctl(iommu->fd, VFS_IOMMU_IOAS_MAP, &request) < 0)
		return vfs_vfio_map_error(errno, map->length);
	return 0;
}

static int iommufd_unmap(const struct vfs_vfio_iommu *iommu, uint64_t iova, uint64_t length)
{
	struct vfs_iommu_ioas_unmap request = {
		.size = sizeof(request),
		.ioas_id = iommu->ioas,
		.iova = iova,
		.length = length,
	};

	if (ioctl(iommu->fd, VFS_IOMMU_IOAS_UNMAP, &request) < 0)
		return vfs_error(-errno, "cannot unmap memory of the device: %s", strerror(errno));
	return 0;
}

/* The descriptors may be a caller's, who keeps them: what was made here goes all the same. */
static void iommufd_leave(struct vfs_vfio_iommu *iommu, int device)
{
	struct vfs_vfio_detach detach = {.argsz = sizeof(detach)};
	struct vfs_iommu_destroy destroy = {.size = sizeof(destroy), .id = iommu->ioas};

	(void)ioctl(device, VFS_VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach);
	(void)ioctl(iommu->fd, VFS_IOMMU_DESTROY, &destroy);
}

static const struct vfs_vfio_iommu_ops iommufd_ops = {
	.map = iommufd_map,
	.unmap = iommufd_unmap,
	.leave = iommufd_leave,
};

int vfs_vfio_iommufd_enter(const char *bdf, const char *token, struct vfs_vfio_fds *fds,
	struct vfs_vfio_iommu *iommu, struct vfs_dma_limits *limits)
{
	struct vfs_iommu_ioas_alloc alloc = {.size = sizeof(alloc)};
	int r = bind_device(bdf, token, fds);

	if (r < 0)
		return r;
	if (ioctl(fds->iommufd, VFS_IOMMU_IOAS_ALLOC, &alloc) < 0)
		return vfs_error(
			-errno, "cannot make an address space for %s: %s", bdf, strerror(errno));
	*iommu = (struct vfs_vfio_iommu){
		.ops = &iommufd_ops, .fd = fds->iommufd, .ioas = alloc.out_ioas_id};
	r = attach_device(bdf, fds->device, iommu->ioas);
	return r < 0 ? r : read_limits(bdf, iommu, limits);
}
