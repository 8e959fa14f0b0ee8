/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/vfio.h>

#include "transport/fake_tree.h"
#include "transport/fake_vfio.h"
#include "transport/vfio_compat.h"

int __wrap_ioctl(int fd, unsigned long request, ...);

struct fake_vfio fake_vfio;

static const uint8_t config[256] = {0xf4, 0x1a, 0x5a, 0x10};

int fake_vfio_make(void **state)
{
	if (tree_make(state) < 0)
		return -1;
	fake_vfio = (struct fake_vfio){.num_ranges = 2, .alignment = 4096};
	tree_function(FAKE_FS, TREE_VIRTIO, TREE_VIRTIO_FS, "vfio-pci", FAKE_GROUP);
	tree_dir("sys/devices/pci0000:00/" FAKE_FS "/vfio-dev/vfio3");
	tree_file("dev/vfio/1", "%s", "");
	tree_file("dev/iommu", "%s", "");
	tree_bytes("dev/vfio/devices/vfio3", config, sizeof(config));
	tree_bytes("from-group", config, sizeof(config));
	return 0;
}

int fake_vfio_remove(void **state)
{
	return tree_remove(state);
}

void fake_vfio_without_iommu(void)
{
	char group[PATH_MAX];

	fake_vfio.noiommu = true;
	tree_file("sys/kernel/iommu_groups/1/name", "vfio-noiommu\n");
	snprintf(group, sizeof(group), "%s", tree_path("dev/vfio/1"));
	assert_int_equal(rename(group, tree_path("dev/vfio/noiommu-1")), 0);
	/* The kernel makes no such device, though sysfs has its name. */
	assert_int_equal(unlink(tree_path("dev/vfio/devices/vfio3")), 0);
}

int fake_vfio_open(const char *name)
{
	int fd = open(tree_path(name), O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int refuse(int error)
{
	errno = error;
	return -1;
}

/* What a descriptor is: the end of its file's path. */
static bool is(int fd, const char *end)
{
	char link[64];
	char path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	return n >= (ssize_t)strlen(end) &&
	       memcmp(path + (size_t)n - strlen(end), end, strlen(end)) == 0;
}

static bool is_group(int fd)
{
	return is(fd, fake_vfio.noiommu ? "/vfio/noiommu-1" : "/vfio/1");
}

static int take_map(void *vaddr, uint64_t iova, uint64_t length, uint32_t flags)
{
	fake_vfio.num_maps++;
	fake_vfio.map = (struct vfs_dma_map){.vaddr = vaddr, .iova = iova, .length = length};
	fake_vfio.map_flags = flags;
	return 0;
}

static int container(unsigned long request, void *arg)
{
	const struct vfio_iommu_type1_dma_map *map = arg;

	switch (request) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		/* Before there is a group in it, it could become either. */
		if (!fake_vfio.in_container)
			return 1;
		return (uintptr_t)arg ==
		       (fake_vfio.noiommu ? VFIO_NOIOMMU_IOMMU : VFIO_TYPE1v2_IOMMU);
	case VFIO_SET_IOMMU:
		if (!fake_vfio.in_container || fake_vfio.iommu)
			return refuse(EINVAL);
		fake_vfio.iommu = (uintptr_t)arg;
		return 0;
	case VFIO_IOMMU_GET_INFO:
		((struct vfio_iommu_type1_info *)arg)->flags = 0;
		return fake_vfio.iommu == VFIO_TYPE1v2_IOMMU ? 0 : refuse(ENOTTY);
	case VFIO_IOMMU_MAP_DMA:
		return take_map((void *)(uintptr_t)map->vaddr, map->iova, map->size, map->flags);
	case VFIO_IOMMU_UNMAP_DMA:
		fake_vfio.num_unmaps++;
		return 0;
	default:
		return refuse(ENOTTY);
	}
}

static int get_device(const char *name)
{
	const char *token = strstr(name, " vf_token=");

	snprintf(fake_vfio.device_name, sizeof(fake_vfio.device_name), "%s", name);
	if (!fake_vfio.iommu)
		return refuse(EINVAL);
	if (strncmp(name, FAKE_FS, strlen(FAKE_FS)) != 0)
		return refuse(ENODEV);
	if (token && !fake_vfio.token)
		return refuse(EINVAL);
	if (fake_vfio.token && (!token || strcmp(token + 10, fake_vfio.token) != 0))
		return refuse(EACCES);
	return fake_vfio_open("from-group");
}

static int group(unsigned long request, void *arg)
{
	struct vfio_group_status *status = arg;

	switch (request) {
	case VFIO_GROUP_GET_STATUS:
		status->flags = VFIO_GROUP_FLAGS_VIABLE |
				(fake_vfio.in_container ? VFIO_GROUP_FLAGS_CONTAINER_SET : 0);
		return 0;
	case VFIO_GROUP_SET_CONTAINER:
		if (fake_vfio.in_container || !is(*(int *)arg, "/vfio/vfio"))
			return refuse(EINVAL);
		fake_vfio.in_container = true;
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		return get_device(arg);
	default:
		return refuse(ENOTTY);
	}
}

static int bind(const struct vfs_vfio_bind *arg)
{
	if (fake_vfio.bind_error)
		return refuse(fake_vfio.bind_error);
	if (fake_vfio.bound || !is(arg->iommufd, "/dev/iommu"))
		return refuse(EINVAL);
	if (arg->flags & ~(fake_vfio.bind_takes_token ? VFS_VFIO_BIND_FLAG_TOKEN : 0))
		return refuse(EINVAL);
	if (arg->flags)
		memcpy(fake_vfio.uuid, (const void *)(uintptr_t)arg->token_uuid_ptr, 16);
	fake_vfio.bound = true;
	return 0;
}

static int attach(const struct vfs_vfio_attach *arg)
{
	if (!fake_vfio.bound)
		return refuse(EINVAL);
	if (!fake_vfio.has_ioas || arg->pt_id != FAKE_IOAS)
		return refuse(ENOENT);
	fake_vfio.attached = true;
	return 0;
}

/* A function with a configuration space and nothing else. */
static int device(unsigned long request, void *arg)
{
	struct vfio_device_info *info = arg;
	struct vfio_region_info *region = arg;

	switch (request) {
	case VFIO_DEVICE_GET_INFO:
		info->flags = VFIO_DEVICE_FLAGS_PCI;
		info->num_regions = VFIO_PCI_NUM_REGIONS;
		return 0;
	case VFIO_DEVICE_GET_REGION_INFO:
		region->flags = 0;
		region->offset = 0;
		region->size = region->index == VFIO_PCI_CONFIG_REGION_INDEX ? sizeof(config) : 0;
		return 0;
	case VFIO_DEVICE_GET_IRQ_INFO:
		((struct vfio_irq_info *)arg)->count = 0;
		return 0;
	default:
		return refuse(ENOTTY);
	}
}

static int cdev(unsigned long request, void *arg)
{
	switch (request) {
	case VFS_VFIO_DEVICE_BIND_IOMMUFD:
		return bind(arg);
	case VFS_VFIO_DEVICE_ATTACH_IOMMUFD_PT:
		return attach(arg);
	case VFS_VFIO_DEVICE_DETACH_IOMMUFD_PT:
		fake_vfio.attached = false;
		return 0;
	default:
		return fake_vfio.attached ? device(request, arg) : refuse(EINVAL);
	}
}

/* The first ends below the window for interrupts, as on x86; the others are 1 MiB each. */
static int ranges(struct vfs_iommu_ioas_iova_ranges *query)
{
	struct vfs_iommu_iova_range *range = (void *)(uintptr_t)query->allowed_iovas;
	uint32_t room = query->num_iovas;
	uint32_t i;

	query->num_iovas = fake_vfio.num_ranges;
	query->out_iova_alignment = fake_vfio.alignment;
	for (i = 0; i < fake_vfio.num_ranges && i < room; i++) {
		uint64_t start = 0x100000000ULL + i * 0x200000ULL;

		range[i].start = i ? start : 0;
		range[i].last = i ? start + 0xfffff : 0xfedfffff;
	}
	return fake_vfio.num_ranges > room ? refuse(EMSGSIZE) : 0;
}

static int destroy(const struct vfs_iommu_destroy *arg)
{
	if (!fake_vfio.has_ioas || arg->id != FAKE_IOAS)
		return refuse(ENOENT);
	if (fake_vfio.attached)
		return refuse(EBUSY);
	fake_vfio.has_ioas = false;
	return 0;
}

static int iommufd(unsigned long request, void *arg)
{
	const struct vfs_iommu_ioas_map *map = arg;

	switch (request) {
	case VFS_IOMMU_IOAS_ALLOC:
		fake_vfio.has_ioas = true;
		((struct vfs_iommu_ioas_alloc *)arg)->out_ioas_id = FAKE_IOAS;
		return 0;
	case VFS_IOMMU_IOAS_IOVA_RANGES:
		return ranges(arg);
	case VFS_IOMMU_IOAS_MAP:
		if (map->ioas_id != FAKE_IOAS || map->reserved)
			return refuse(ENOENT);
		return take_map(
			(void *)(uintptr_t)map->user_va, map->iova, map->length, map->flags);
	case VFS_IOMMU_IOAS_UNMAP:
		fake_vfio.num_unmaps++;
		return 0;
	case VFS_IOMMU_DESTROY:
		return destroy(arg);
	default:
		return refuse(ENOTTY);
	}
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (is(fd, "/vfio/vfio"))
		return container(request, arg);
	if (is_group(fd))
		return group(request, arg);
	if (is(fd, "/devices/vfio3"))
		return cdev(request, arg);
	if (is(fd, "/dev/iommu"))
		return iommufd(request, arg);
	return is(fd, "/from-group") ? device(request, arg) : refuse(ENOTTY);
}
