/* SPDX-License-Identifier: MIT */
/* The kernel's VFIO: a group in a type 1 container, and a function of it. */
#ifndef VFS_VFIO_H
#define VFS_VFIO_H

#include <stdint.h>

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

/* Fill regions and interrupts of @pci from the device @fd; map what can be mapped. */
int vfs_vfio_device_probe(int fd, struct vfs_pci *pci);
void vfs_vfio_device_unmap(struct vfs_pci *pci);
int vfs_vfio_device_set_irqs(int fd, enum vfs_pci_irq irq, const int *fds, unsigned int count);

/* The whole of it. */
int vfs_vfio_open(const char *bdf, int group, struct vfs_pci **pci);

#endif
