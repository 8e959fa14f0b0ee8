/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "core/core.h"
#include "transport/sysfs.h"
#include "transport/vfio.h"

/* The device ID above the vendor ID, as configuration space has them. */
#define VIRTIO_FS_PCI_ID 0x105a1af4u

struct vfio {
	struct vfs_pci base;
	struct vfs_vfio_channel channel;
	struct vfs_vfio_fds fds;
	struct vfs_vfio_iommu iommu;
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
	n = pread(to_vfio(pci)->fds.device, buffer, length,
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
	n = pwrite(to_vfio(pci)->fds.device, buffer, length,
		(off_t)(pci->regions[region].fd_offset + offset));
	return n == (ssize_t)length ? 0 : access_error(pci, n);
}

static int vfio_query(struct vfs_vfio_channel *channel, unsigned long request, void *arg, int *fd)
{
	*fd = container_of(channel, struct vfio, channel)->fds.device;
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
	if (ioctl(container_of(channel, struct vfio, channel)->fds.device, VFIO_DEVICE_SET_IRQS,
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
	const struct vfs_vfio_iommu *iommu = &to_vfio(pci)->iommu;

	return iommu->ops->map(iommu, map);
}

static int vfio_dma_unmap(struct vfs_pci *pci, uint64_t iova, uint64_t length)
{
	const struct vfs_vfio_iommu *iommu = &to_vfio(pci)->iommu;

	return iommu->ops->unmap(iommu, iova, length);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void vfs_vfio_fds_close(struct vfs_vfio_fds *fds)
{
	/* The function is disabled when its descriptor goes; only then may memory be unpinned. */
	close_fd(&fds->device);
	close_fd(&fds->group);
	close_fd(&fds->container);
	close_fd(&fds->iommufd);
}

static void vfio_close(struct vfs_pci *pci)
{
	struct vfio *vfio = to_vfio(pci);

	vfs_vfio_device_unmap(pci);
	if (vfio->iommu.ops)
		vfio->iommu.ops->leave(&vfio->iommu, vfio->fds.device);
	vfs_vfio_fds_close(&vfio->fds);
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

static int copy_fd(const char *what, int given, int *fd)
{
	if (given < 0)
		return 0;
	*fd = fcntl(given, F_DUPFD_CLOEXEC, 0);
	return *fd < 0 ? vfs_error(-errno, "%s descriptor %d: %s", what, given, strerror(errno))
		       : 0;
}

/* The caller keeps its own. */
static int copy_fds(const char *bdf, const struct vfs_vfio_fds *given, struct vfs_vfio_fds *fds)
{
	bool device = given->device >= 0;
	bool iommufd = given->iommufd >= 0;
	bool group = given->group >= 0;
	int r;

	if (iommufd ? !device || group || given->container >= 0 : !group || given->container < 0)
		return vfs_error(-EINVAL,
			"%s needs the descriptors of an iommufd and a device, or of a container "
			"and a group",
			bdf);
	r = copy_fd("device", given->device, &fds->device);
	if (r == 0)
		r = copy_fd("iommufd", given->iommufd, &fds->iommufd);
	if (r == 0)
		r = copy_fd("group", given->group, &fds->group);
	if (r == 0)
		r = copy_fd("container", given->container, &fds->container);
	return r;
}

static int open_cdev(const char *bdf, int group, struct vfs_vfio_fds *fds)
{
	int r;

	if (vfs_sysfs_group_is_noiommu(group))
		return vfs_error(
			-ENOTSUP, "%s has no IOMMU, which iommufd needs: use vfio=group", bdf);
	r = vfs_vfio_cdev_open_all(bdf, fds);
	if (r < 0)
		vfs_vfio_fds_close(fds);
	return r;
}

/* What works is taken; what does not says why. Every kernel knows tokens through the group. */
static int open_any(const char *bdf, int group, bool token, struct vfs_vfio_fds *fds)
{
	char name[32];
	int r;

	if (!token && open_cdev(bdf, group, fds) == 0)
		return 0;
	r = vfs_vfio_group_open_all(bdf, group, fds);
	if (r == -ENOTSUP && vfs_sysfs_vfio_device(bdf, name, sizeof(name)) == 0)
		return open_cdev(bdf, group, fds);
	return r;
}

static int open_files(
	const char *bdf, int group, const struct vfs_device_options *o, struct vfs_vfio_fds *fds)
{
	if (o->vfio_fds)
		return copy_fds(bdf, o->vfio_fds, fds);
	if (o->vfio == VFS_VFIO_IOMMUFD)
		return open_cdev(bdf, group, fds);
	if (o->vfio == VFS_VFIO_GROUP)
		return vfs_vfio_group_open_all(bdf, group, fds);
	return open_any(bdf, group, o->vf_token, fds);
}

int vfs_vfio_check(const char *bdf, int group)
{
	struct vfs_vfio_fds fds = VFS_VFIO_NO_FDS;
	bool has_device = open_cdev(bdf, group, &fds) == 0;
	int r;

	vfs_vfio_fds_close(&fds);
	/* Only the group tells whether somebody has the function. */
	r = vfs_vfio_group_open(bdf, group);
	if (r >= 0)
		close(r);
	return r >= 0 || (has_device && r != -EBUSY) ? 0 : r;
}

/* The address of a function that was handed in is what the caller says it is. */
static int check_identity(struct vfs_pci *pci)
{
	uint32_t id;
	int r = vfs_pci_read(pci, VFS_PCI_CONFIG_REGION, PCI_VENDOR_ID, 4, &id);

	if (r < 0 || id == VIRTIO_FS_PCI_ID)
		return r;
	return vfs_error(-ENODEV, "%s is not a virtio-fs device (1af4:105a)", pci->name);
}

static int open_function(struct vfio *vfio, int group, const struct vfs_device_options *o)
{
	struct vfs_pci *pci = &vfio->base;
	int r = open_files(pci->bdf, group, o, &vfio->fds);

	if (r < 0)
		return r;
	if (vfio->fds.iommufd >= 0)
		r = vfs_vfio_iommufd_enter(
			pci->bdf, o->vf_token, &vfio->fds, &vfio->iommu, &pci->limits);
	else
		r = vfs_vfio_container_enter(
			pci->bdf, o->vf_token, &vfio->fds, &vfio->iommu, &pci->limits);
	if (r == 0)
		r = vfs_vfio_device_probe(&vfio->channel, pci);
	if (r == 0)
		r = check_identity(pci);
	if (r == 0)
		vfs_log(VFS_LOG_INFO, "%s: through %s", pci->name,
			vfio->fds.iommufd >= 0 ? "iommufd" : "its group");
	return r;
}

int vfs_vfio_open(
	const char *bdf, int group, const struct vfs_device_options *options, struct vfs_pci **pci)
{
	struct vfio *vfio;
	uint8_t uuid[16];
	int r;

	if (options->vf_token && !vfs_vfio_token_parse(options->vf_token, uuid))
		return vfs_error(-EINVAL, "the vf_token \"%s\" is not a UUID", options->vf_token);
	vfio = calloc(1, sizeof(*vfio));
	if (!vfio)
		return vfs_error(-ENOMEM, "out of memory");
	vfio->base.ops = &vfio_ops;
	vfio->channel = (struct vfs_vfio_channel){
		.query = vfio_query, .set_irqs = vfio_channel_set_irqs};
	vfio->fds = (struct vfs_vfio_fds)VFS_VFIO_NO_FDS;
	snprintf(vfio->base.bdf, sizeof(vfio->base.bdf), "%s", bdf);
	snprintf(vfio->base.name, sizeof(vfio->base.name), "vfio %s", bdf);
	r = open_function(vfio, group, options);
	if (r < 0) {
		vfio_close(&vfio->base);
		return r;
	}
	*pci = &vfio->base;
	return 0;
}
