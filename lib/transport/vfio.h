/* SPDX-License-Identifier: MIT */
/* VFIO: a group in a type 1 container, a function of it; and the same through vfio-user. */
#ifndef VFS_VFIO_H
#define VFS_VFIO_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/vfio.h>

#include "transport/pci.h"

/* An IOMMU group in a container of its own. */
struct vfs_vfio_container {
	int container;
	int group;
};

/*
 * Open /dev/vfio/@group of the function @bdf. Returns the descriptor; -EBUSY: another process has
 * it, or other functions of the group are with other drivers; -EACCES, -ENOTSUP.
 */
int vfs_vfio_group_open(const char *bdf, int group);

/* Open the group, put it into a new container with an IOMMU, and learn the limits. */
int vfs_vfio_container_open(const char *bdf, int group, struct vfs_vfio_container *container,
	struct vfs_dma_limits *limits);
void vfs_vfio_container_close(struct vfs_vfio_container *container);

int vfs_vfio_dma_map(const struct vfs_vfio_container *container, const struct vfs_dma_map *map);
int vfs_vfio_dma_unmap(const struct vfs_vfio_container *container, uint64_t iova, uint64_t length);

/* Read the limits out of an answer to VFIO_IOMMU_GET_INFO of @size bytes. */
int vfs_vfio_limits_parse(const void *info, size_t size, struct vfs_dma_limits *limits);

/*
 * How a function is asked what it has: the kernel takes ioctls on a descriptor, a vfio-user server
 * messages, with the same structures.
 */
struct vfs_vfio_channel {
	/*
	 * VFIO_DEVICE_GET_INFO, VFIO_DEVICE_GET_REGION_INFO, VFIO_DEVICE_GET_IRQ_INFO: fill @arg,
	 * which starts with its argsz. *fd: what a region can be mapped from, the caller's to
	 * close if @owned; -1: nothing. Returns 0 or -errno without a message.
	 */
	int (*query)(struct vfs_vfio_channel *channel, unsigned long request, void *arg, int *fd);
	/* VFIO_DEVICE_SET_IRQS */
	int (*set_irqs)(
		struct vfs_vfio_channel *channel, const struct vfio_irq_set *set, const int *fds);
	bool owned;
};

/* Fill regions and interrupts of @pci; map what can be mapped. */
int vfs_vfio_device_probe(struct vfs_vfio_channel *channel, struct vfs_pci *pci);
void vfs_vfio_device_unmap(struct vfs_pci *pci);
int vfs_vfio_device_set_irqs(
	struct vfs_vfio_channel *channel, enum vfs_pci_irq irq, const int *fds, unsigned int count);

/* The whole of it, through the kernel. */
int vfs_vfio_open(const char *bdf, int group, struct vfs_pci **pci);

/* The whole of it, through the socket of a vfio-user server. */
int vfs_vfio_user_open(const char *path, struct vfs_pci **pci);

#endif
