/* SPDX-License-Identifier: MIT */
/*
 * What a transport offers to the layers above: a virtio device's registers, queues and
 * interrupts, and memory mapped for it. Nothing here knows of FUSE.
 *
 * Every function returns 0 or a negative errno with a message, if not said otherwise. The
 * control functions belong to one thread at a time; notify may be called by each queue's own.
 */
#ifndef VFS_TRANSPORT_H
#define VFS_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vfs/device.h>

/* An inclusive range of bus addresses. */
struct vfs_iova_range {
	uint64_t start;
	uint64_t last;
};

#define VFS_IOVA_RANGES_MAX 32

/* What bus addresses mean for the device. */
enum vfs_translation {
	VFS_TRANSLATED,	  /* there is an IOMMU between device and memory */
	VFS_UNTRANSLATED, /* the device sees physical memory (no-IOMMU) */
	VFS_MEMORY_TABLE, /* what is mapped is all there is for it, at the addresses we say */
};

struct vfs_dma_limits {
	enum vfs_translation translation;
	struct vfs_iova_range ranges[VFS_IOVA_RANGES_MAX]; /* sorted, usable bus addresses */
	unsigned int num_ranges;
	uint64_t page_size;   /* smallest unit of a mapping, bytes */
	uint32_t max_entries; /* how many mappings there may be */
};

#define VFS_DMA_DEVICE_READS  1u
#define VFS_DMA_DEVICE_WRITES 2u

/* Memory for the device; addresses and length are multiples of its page size. */
struct vfs_dma_map {
	void *vaddr;
	uint64_t iova;
	uint64_t length;
	unsigned int access;
	int fd; /* of the memory, for a device that is another process; it outlives the mapping */
	uint64_t fd_offset;
};

struct vfs_queue_layout {
	uint16_t size;
	uint64_t desc;
	uint64_t avail;
	uint64_t used;
};

/* A shared-memory region as it is mapped into this process, until the transport is closed. */
struct vfs_shm_region {
	uint64_t length; /* bytes */
	void *addr;
};

struct vfs_transport;

struct vfs_transport_ops {
	/* Write 0 to the status and wait until it reads 0. -ETIMEDOUT, -ENODEV. */
	int (*reset)(struct vfs_transport *t, unsigned int timeout_ms);

	/* The status byte, or -ENODEV when the device is gone. */
	int (*get_status)(struct vfs_transport *t);
	int (*set_status)(struct vfs_transport *t, uint8_t status);

	int (*get_features)(struct vfs_transport *t, uint64_t *features);
	int (*set_features)(struct vfs_transport *t, uint64_t features);

	/* Read device configuration, all from one generation of it. */
	int (*read_config)(struct vfs_transport *t, uint32_t offset, void *buffer, uint32_t length);

	/* Largest size of a queue, 0 if it does not exist, or -errno. */
	int (*queue_max_size)(struct vfs_transport *t, uint16_t queue);
	int (*enable_queue)(
		struct vfs_transport *t, uint16_t queue, const struct vfs_queue_layout *layout);
	void (*notify)(struct vfs_transport *t, uint16_t queue);

	/* Prepare interrupts for so many queues; call before queues are enabled. */
	int (*enable_interrupts)(struct vfs_transport *t, unsigned int num_queues);
	void (*disable_interrupts)(struct vfs_transport *t);
	/* The eventfd of a queue, or -ENOTSUP. Several queues may share one. */
	int (*queue_fd)(struct vfs_transport *t, uint16_t queue);

	/*
	 * -ENOENT if there is no region with this id. -ENOTSUP, and a length of 0, if this process
	 * cannot have it mapped.
	 */
	int (*shm_region)(struct vfs_transport *t, uint8_t id, struct vfs_shm_region *region);

	/*
	 * Undo what is mapped in the regions: the reset that did so for the device may have come
	 * while they were read. NULL: they stay as they are.
	 */
	void (*shm_clear)(struct vfs_transport *t);

	int (*dma_map)(struct vfs_transport *t, const struct vfs_dma_map *map);
	/* Everything that was mapped in this range, in whole. */
	int (*dma_unmap)(struct vfs_transport *t, uint64_t iova, uint64_t length);

	/* May the device reach memory? Off before anything is unmapped. */
	int (*set_bus_master)(struct vfs_transport *t, bool on);

	/* Errors, removal requests, configuration changes; see vfs_device_event_fd(). */
	int (*event_fd)(struct vfs_transport *t);
	/* 0, -ENODEV or -EIO, and forget what happened since. */
	int (*check_events)(struct vfs_transport *t);

	void (*close)(struct vfs_transport *t);
};

struct vfs_transport {
	const struct vfs_transport_ops *ops;
	char name[48]; /* "vfio 0000:00:05.0" */
	char bdf[16];
	uint16_t num_queues; /* that the device has */
	unsigned int num_vectors;
	struct vfs_dma_limits limits;
};

/*
 * Is there anything in the way of opening the virtio-fs PCI function at this address
 * ("0000:00:05.0")? The errors of vfs_device_open(), without having changed anything.
 */
int vfs_transport_check(const char *bdf);

/* Does the name say a socket ("vfio-user:" and a path, or a path with a slash), not a function? */
bool vfs_transport_is_socket(const char *name);

/*
 * Open the function at an address through VFIO, or the daemon behind a socket. @options: NULL for
 * the defaults; of VFIO, only for a function.
 */
int vfs_transport_open(const char *name, const struct vfs_device_options *options,
	struct vfs_transport **transport);

#endif
