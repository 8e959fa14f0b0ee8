/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "core/core.h"
#include "transport/vfio.h"

struct vfio {
	struct vfs_pci base;
	struct vfs_vfio_channel channel;
	struct vfs_vfio_container container;
	int device;
};

static struct vfio *to_vfio(struct vfs_pci *pci)
{
	return container_of(pci, struct vfio, base);
}

static int check_access(
	const struct vfs_pci *pci, unsigned int region, uint64_t offset, size_t length)
{
	uint64_t size = pci->regions[region].size;

	if (length > size || offset > size - length)
		return vfs_error(-EPROTO, "%s: access outside region %u", pci->name, region);
	return 0;
}

static int access_error(const struct vfs_pci *pci, ssize_t n)
{
	return vfs_error(-EIO, "%s: cannot access its registers: %s", pci->name,
		n < 0 ? strerror(errno) : "short transfer");
}

static int vfio_region_read(
	struct vfs_pci *pci, unsigned int region, uint64_t offset, void *buffer, size_t length)
{
	int r = check_access(pci, region, offset, length);
	ssize_t n;

	if (r < 0)
		return r;
	n = pread(to_vfio(pci)->device, buffer, length,
		(off_t)(pci->regions[region].fd_offset + offset));
	return n == (ssize_t)length ? 0 : access_error(pci, n);
}

static int vfio_region_write(struct vfs_pci *pci, unsigned int region, uint64_t offset,
	const void *buffer, size_t length)
{
	int r = check_access(pci, region, offset, length);
	ssize_t n;

	if (r < 0)
		return r;
	n = pwrite(to_vfio(pci)->device, buffer, length,
		(off_t)(pci->regions[region].fd_offset + offset));
	return n == (ssize_t)length ? 0 : access_error(pci, n);
}

static int vfio_query(struct vfs_vfio_channel *channel, unsigned long request, void *arg, int *fd)
{
	*fd = container_of(channel, struct vfio, channel)->device;
	return ioctl(*fd, request, arg) < 0 ? -errno : 0;
}

static int vfio_channel_set_irqs(
	struct vfs_vfio_channel *channel, const struct vfio_irq_set *set, const int *fds)
{
	size_t size = sizeof(*set) + set->count * sizeof(fds[0]);
	struct vfio_irq_set *whole = calloc(1, size);
	int r = 0;

	if (!whole)
		return -ENOMEM;
	*whole = *set;
	whole->argsz = (uint32_t)size;
	if (set->count)
		memcpy(whole->data, fds, set->count * sizeof(fds[0]));
	if (ioctl(container_of(channel, struct vfio, channel)->device, VFIO_DEVICE_SET_IRQS,
		    whole) < 0)
		r = -errno;
	free(whole);
	return r;
}

static int vfio_set_irqs(
	struct vfs_pci *pci, enum vfs_pci_irq irq, const int *fds, unsigned int count)
{
	return vfs_vfio_device_set_irqs(&to_vfio(pci)->channel, irq, fds, count);
}

static int vfio_dma_map(struct vfs_pci *pci, const struct vfs_dma_map *map)
{
	return vfs_vfio_dma_map(&to_vfio(pci)->container, map);
}

static int vfio_dma_unmap(struct vfs_pci *pci, uint64_t iova, uint64_t length)
{
	return vfs_vfio_dma_unmap(&to_vfio(pci)->container, iova, length);
}

static void vfio_close(struct vfs_pci *pci)
{
	struct vfio *vfio = to_vfio(pci);

	vfs_vfio_device_unmap(pci);
	/* The function is disabled when its descriptor goes; only then may memory be unpinned. */
	if (vfio->device >= 0)
		close(vfio->device);
	vfs_vfio_container_close(&vfio->container);
	free(vfio);
}

static const struct vfs_pci_ops vfio_ops = {
	.region_read = vfio_region_read,
	.region_write = vfio_region_write,
	.set_irqs = vfio_set_irqs,
	.dma_map = vfio_dma_map,
	.dma_unmap = vfio_dma_unmap,
	.close = vfio_close,
};

static int open_device(struct vfio *vfio)
{
	vfio->device = ioctl(vfio->container.group, VFIO_GROUP_GET_DEVICE_FD, vfio->base.bdf);
	if (vfio->device < 0)
		return vfs_error(-errno, "VFIO does not give %s: %s", vfio->base.bdf,
			errno == ENODEV ? "it is not bound to vfio-pci" : strerror(errno));
	return vfs_vfio_device_probe(&vfio->channel, &vfio->base);
}

int vfs_vfio_open(const char *bdf, int group, struct vfs_pci **pci)
{
	struct vfio *vfio = calloc(1, sizeof(*vfio));
	int r;

	if (!vfio)
		return vfs_error(-ENOMEM, "out of memory");
	vfio->base.ops = &vfio_ops;
	vfio->channel = (struct vfs_vfio_channel){
		.query = vfio_query, .set_irqs = vfio_channel_set_irqs};
	vfio->device = -1;
	snprintf(vfio->base.bdf, sizeof(vfio->base.bdf), "%s", bdf);
	snprintf(vfio->base.name, sizeof(vfio->base.name), "vfio %s", bdf);
	r = vfs_vfio_container_open(bdf, group, &vfio->container, &vfio->base.limits);
	if (r == 0)
		r = open_device(vfio);
	if (r < 0) {
		vfio_close(&vfio->base);
		return r;
	}
	*pci = &vfio->base;
	return 0;
}
