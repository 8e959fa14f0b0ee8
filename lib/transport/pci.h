/* SPDX-License-Identifier: MIT */
/*
 * The seam between a PCI function and what drives it: how its regions are read, its interrupts
 * delivered and memory mapped for it differs between the kernel's VFIO and a vfio-user socket;
 * everything above is virtio_pci.c and is written once.
 */
#ifndef VFS_PCI_H
#define VFS_PCI_H

#include <stddef.h>
#include <stdint.h>

#include "transport/transport.h"

#define VFS_PCI_NUM_BARS      6u
#define VFS_PCI_CONFIG_REGION 7u /* the index that VFIO gives configuration space */
#define VFS_PCI_NUM_REGIONS   8u
#define VFS_PCI_AREAS_MAX     4u

/* A part of a region that is mapped into this process. */
struct vfs_pci_area {
	uint64_t offset;
	uint64_t size;
	volatile uint8_t *addr;
};

struct vfs_pci_region {
	uint64_t size; /* 0: there is none */
	uint64_t fd_offset;
	struct vfs_pci_area areas[VFS_PCI_AREAS_MAX];
	unsigned int num_areas;
};

enum vfs_pci_irq {
	VFS_PCI_IRQ_MSIX,
	VFS_PCI_IRQ_ERROR,   /* the bus reported an error of the function */
	VFS_PCI_IRQ_REQUEST, /* somebody wants the function back */
};

struct vfs_pci;

struct vfs_pci_ops {
	/* Access to what is not mapped; at most 8 bytes, little-endian as the device has them. */
	int (*region_read)(struct vfs_pci *pci, unsigned int region, uint64_t offset, void *buffer,
		size_t length);
	int (*region_write)(struct vfs_pci *pci, unsigned int region, uint64_t offset,
		const void *buffer, size_t length);
	/* The same without waiting for it to arrive; NULL: region_write does not wait either. */
	int (*region_post)(struct vfs_pci *pci, unsigned int region, uint64_t offset,
		const void *buffer, size_t length);
	/* Signal @fds[i] for vector i; @count 0 turns the interrupt off. */
	int (*set_irqs)(
		struct vfs_pci *pci, enum vfs_pci_irq irq, const int *fds, unsigned int count);
	int (*dma_map)(struct vfs_pci *pci, const struct vfs_dma_map *map);
	int (*dma_unmap)(struct vfs_pci *pci, uint64_t iova, uint64_t length);
	/*
	 * For a function that is another process: a descriptor that hangs up with it, and whether
	 * it is there, -ENODEV if not. NULL for one that is not.
	 */
	int (*hangup_fd)(struct vfs_pci *pci);
	int (*check)(struct vfs_pci *pci);
	void (*close)(struct vfs_pci *pci);
};

struct vfs_pci {
	const struct vfs_pci_ops *ops;
	char name[48];
	char bdf[16];
	struct vfs_pci_region regions[VFS_PCI_NUM_REGIONS];
	unsigned int num_msix;
	struct vfs_dma_limits limits;
};

/* Registers, @width 1, 2 or 4, in this machine's byte order; through the mapping if there is one.
 */
int vfs_pci_read(struct vfs_pci *pci, unsigned int region, uint64_t offset, unsigned int width,
	uint32_t *value);
int vfs_pci_write(struct vfs_pci *pci, unsigned int region, uint64_t offset, unsigned int width,
	uint32_t value);

/* vfs_pci_write() that does not wait for the function, as for a doorbell. */
int vfs_pci_post(struct vfs_pci *pci, unsigned int region, uint64_t offset, unsigned int width,
	uint32_t value);

/* The mapping of [offset, offset + length), NULL if it is not mapped as a whole. */
volatile uint8_t *vfs_pci_mapped(
	const struct vfs_pci *pci, unsigned int region, uint64_t offset, uint64_t length);

/* Make the virtio transport of a function; it owns @pci from then on, also on error. */
int vfs_virtio_pci_create(struct vfs_pci *pci, struct vfs_transport **transport);

#endif
