/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "core/core.h"
#include "transport/vfio.h"

#define INFO_MAX 65536u

/* More vectors than any queue layout of ours asks for. */
#define MSIX_MAX 2048u

static void map_area(int fd, struct vfs_pci_region *region, uint64_t offset, uint64_t size)
{
	void *addr;

	if (region->num_areas == VFS_PCI_AREAS_MAX || size == 0 || size > region->size ||
		offset > region->size - size)
		return;
	addr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		(off_t)(region->fd_offset + offset));
	/* What cannot be mapped is read and written through the descriptor. */
	if (addr == MAP_FAILED)
		return;
	region->areas[region->num_areas++] = (struct vfs_pci_area){
		.offset = offset, .size = size, .addr = addr};
}

static const struct vfio_region_info_cap_sparse_mmap *find_sparse(
	const struct vfio_region_info *info, uint32_t size)
{
	uint32_t offset = info->flags & VFIO_REGION_INFO_FLAG_CAPS ? info->cap_offset : 0;
	unsigned int steps;

	for (steps = 0; offset && steps < 16; steps++) {
		const struct vfio_region_info_cap_sparse_mmap *cap;

		if (offset % 8 || size < sizeof(*cap) || offset > size - sizeof(*cap))
			return NULL;
		cap = (const void *)((const char *)info + offset);
		if (cap->header.id == VFIO_REGION_INFO_CAP_SPARSE_MMAP) {
			if (cap->nr_areas > (size - offset - sizeof(*cap)) / sizeof(cap->areas[0]))
				return NULL;
			return cap;
		}
		offset = cap->header.next;
	}
	return NULL;
}

/* Registers are read and written: half of that is no use. */
static bool is_mappable(const struct vfio_region_info *info)
{
	const uint32_t all = VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_READ |
			     VFIO_REGION_INFO_FLAG_WRITE;

	return (info->flags & all) == all;
}

/* A server's file can be shorter than it says, or become so under the mapping: SIGBUS. */
static bool is_sound(
	const struct vfs_vfio_channel *channel, int fd, const struct vfs_pci_region *region)
{
	struct stat st;
	int seals;

	if (!channel->owned)
		return true;
	seals = fcntl(fd, F_GET_SEALS);
	return seals >= 0 && (seals & F_SEAL_SHRINK) && fstat(fd, &st) == 0 &&
	       region->size <= (uint64_t)st.st_size &&
	       region->fd_offset <= (uint64_t)st.st_size - region->size;
}

static void map_region(
	int fd, struct vfs_pci_region *region, const struct vfio_region_info *info, uint32_t size)
{
	const struct vfio_region_info_cap_sparse_mmap *sparse;
	uint32_t i;

	if (!is_mappable(info))
		return;
	sparse = find_sparse(info, size);
	if (!sparse) {
		map_area(fd, region, 0, region->size);
		return;
	}
	for (i = 0; i < sparse->nr_areas; i++)
		map_area(fd, region, sparse->areas[i].offset, sparse->areas[i].size);
}

static void close_owned(const struct vfs_vfio_channel *channel, int *fd)
{
	if (channel->owned && *fd >= 0)
		close(*fd);
	*fd = -1;
}

static int no_description(const struct vfs_pci *pci, const char *what, int error)
{
	return vfs_error(
		-EIO, "VFIO does not describe %s of %s: %s", what, pci->name, strerror(-error));
}

/* Ask twice: how much there is to say, then all of it. */
static int query_region(struct vfs_vfio_channel *channel, const struct vfs_pci *pci,
	unsigned int index, struct vfio_region_info **info, uint32_t *size, int *fd)
{
	struct vfio_region_info head = {.argsz = sizeof(head), .index = index};
	int r = channel->query(channel, VFIO_DEVICE_GET_REGION_INFO, &head, fd);

	if (r < 0)
		return no_description(pci, "a region", r);
	close_owned(channel, fd);
	*size = head.argsz < sizeof(head) ? (uint32_t)sizeof(head) : head.argsz;
	if (*size > INFO_MAX)
		return vfs_error(-EPROTO, "malformed region information from VFIO");
	*info = calloc(1, *size);
	if (!*info)
		return vfs_error(-ENOMEM, "out of memory");
	(*info)->argsz = *size;
	(*info)->index = index;
	r = channel->query(channel, VFIO_DEVICE_GET_REGION_INFO, *info, fd);
	if (r < 0) {
		free(*info);
		*info = NULL;
		return no_description(pci, "a region", r);
	}
	return 0;
}

static int probe_region(struct vfs_vfio_channel *channel, struct vfs_pci *pci, unsigned int index)
{
	struct vfs_pci_region *region = &pci->regions[index];
	struct vfio_region_info *info = NULL;
	uint32_t size = 0;
	int fd = -1;
	int r = query_region(channel, pci, index, &info, &size, &fd);

	if (!info)
		return r;
	region->size = info->size;
	region->fd_offset = info->offset;
	if (index < VFS_PCI_NUM_BARS && fd >= 0 && is_sound(channel, fd, region))
		map_region(fd, region, info, size);
	close_owned(channel, &fd);
	free(info);
	return 0;
}

static unsigned int irq_index(enum vfs_pci_irq irq)
{
	switch (irq) {
	case VFS_PCI_IRQ_MSIX:
		return VFIO_PCI_MSIX_IRQ_INDEX;
	case VFS_PCI_IRQ_ERROR:
		return VFIO_PCI_ERR_IRQ_INDEX;
	default:
		return VFIO_PCI_REQ_IRQ_INDEX;
	}
}

static void probe_msix(struct vfs_vfio_channel *channel, struct vfs_pci *pci)
{
	struct vfio_irq_info info = {.argsz = sizeof(info), .index = VFIO_PCI_MSIX_IRQ_INDEX};
	int fd = -1;

	if (channel->query(channel, VFIO_DEVICE_GET_IRQ_INFO, &info, &fd) == 0 &&
		info.flags & VFIO_IRQ_INFO_EVENTFD)
		pci->num_msix = info.count > MSIX_MAX ? MSIX_MAX : info.count;
	close_owned(channel, &fd);
}

int vfs_vfio_device_probe(struct vfs_vfio_channel *channel, struct vfs_pci *pci)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	unsigned int index;
	int fd = -1;
	int r;

	r = channel->query(channel, VFIO_DEVICE_GET_INFO, &info, &fd);
	if (r < 0)
		return no_description(pci, "the function", r);
	close_owned(channel, &fd);
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI) || info.num_regions <= VFS_PCI_CONFIG_REGION)
		return vfs_error(-ENODEV, "%s is not a PCI function", pci->name);
	for (index = 0; index < VFS_PCI_NUM_BARS; index++) {
		r = probe_region(channel, pci, index);
		if (r < 0)
			return r;
	}
	r = probe_region(channel, pci, VFS_PCI_CONFIG_REGION);
	if (r == 0)
		probe_msix(channel, pci);
	return r;
}

void vfs_vfio_device_unmap(struct vfs_pci *pci)
{
	unsigned int index;
	unsigned int i;

	for (index = 0; index < VFS_PCI_NUM_REGIONS; index++) {
		struct vfs_pci_region *region = &pci->regions[index];

		for (i = 0; i < region->num_areas; i++)
			munmap((void *)(uintptr_t)region->areas[i].addr, region->areas[i].size);
		region->num_areas = 0;
	}
}

int vfs_vfio_device_set_irqs(
	struct vfs_vfio_channel *channel, enum vfs_pci_irq irq, const int *fds, unsigned int count)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_ACTION_TRIGGER |
			 (count ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE),
		.index = irq_index(irq),
		.count = count,
	};
	int r;

	if (count > MSIX_MAX)
		return vfs_error(-EINVAL, "too many interrupt vectors");
	r = channel->set_irqs(channel, &set, fds);
	return r < 0 ? vfs_error(r, "VFIO cannot set up interrupts: %s", strerror(-r)) : 0;
}
