/* SPDX-License-Identifier: MIT */
/* VFIO: a function, and its memory through a container or iommufd; and the same through vfio-user.
 */
#ifndef VFS_VFIO_H
#define VFS_VFIO_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/vfio.h>

#include "transport/pci.h"

/*
 * Where memory is mapped for a function: a group's container, which may be one without an IOMMU, or
 * an address space of an iommufd.
 */
struct vfs_vfio_iommu {
	const struct vfs_vfio_iommu_ops *ops; /* NULL: the function is in none yet */
	int fd;	       /* the container or the iommufd; somebody else's to close */
	uint32_t ioas; /* of an iommufd */
};

struct vfs_vfio_iommu_ops {
	int (*map)(const struct vfs_vfio_iommu *iommu, const struct vfs_dma_map *map);
	int (*unmap)(const struct vfs_vfio_iommu *iommu, uint64_t iova, uint64_t length);
	/* Before @device is closed: take the function out. */
	void (*leave)(struct vfs_vfio_iommu *iommu, int device);
};

/* The descriptors through which a function is reached: none yet. */
#define VFS_VFIO_NO_FDS                                                   \
	{                                                                 \
		.device = -1, .iommufd = -1, .group = -1, .container = -1 \
	}
void vfs_vfio_fds_close(struct vfs_vfio_fds *fds);

/*
 * Open /dev/vfio/@group of the function @bdf. Returns the descriptor; -EBUSY: another process has
 * it, or other functions of the group are with other drivers; -EACCES, -ENOTSUP.
 */
int vfs_vfio_group_open(const char *bdf, int group);

/* Open the files of one interface: @fds->group and container; iommufd and device. */
int vfs_vfio_group_open_all(const char *bdf, int group, struct vfs_vfio_fds *fds);
int vfs_vfio_cdev_open_all(const char *bdf, struct vfs_vfio_fds *fds);

/* Why a file could not be opened (errno). */
int vfs_vfio_open_error(const char *path, const char *bdf);

/* -EBUSY if sysfs knows functions of other drivers in the group of @bdf. */
int vfs_vfio_group_shared(const char *bdf);

/*
 * Bring the function where memory can be mapped for it, learn the limits, and have @fds->device
 * ready for use. @token: as in struct vfs_device_options, or NULL. Opens nothing.
 */
int vfs_vfio_container_enter(const char *bdf, const char *token, struct vfs_vfio_fds *fds,
	struct vfs_vfio_iommu *iommu, struct vfs_dma_limits *limits);
int vfs_vfio_iommufd_enter(const char *bdf, const char *token, struct vfs_vfio_fds *fds,
	struct vfs_vfio_iommu *iommu, struct vfs_dma_limits *limits);

/* Why memory could not be mapped (errno). */
int vfs_vfio_map_error(int error, uint64_t length);

/* The bytes of a UUID as text, in the order of the text. False: it is not one. */
bool vfs_vfio_token_parse(const char *text, uint8_t uuid[16]);

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

/*
 * The whole of it, through the kernel: by the descriptors in @options, else by those that it opens
 * itself. @group: number of its IOMMU group, -1 if that is not known.
 */
int vfs_vfio_open(
	const char *bdf, int group, const struct vfs_device_options *options, struct vfs_pci **pci);

/* Could that be opened, with default options? Nothing is changed. */
int vfs_vfio_check(const char *bdf, int group);

/* The whole of it, through the socket of a vfio-user server. */
int vfs_vfio_user_open(const char *path, struct vfs_pci **pci);

#endif
