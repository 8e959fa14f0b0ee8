/* SPDX-License-Identifier: MIT */
/* Virtio structures in a PCI capability list (virtio 1.3 §4.1.4). */
#ifndef VFS_PCI_CAPS_H
#define VFS_PCI_CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VFS_PCI_CONFIG_BYTES 256u

/* Where a structure is. */
struct vfs_virtio_cap {
	bool present;
	uint8_t bar;
	uint8_t config_offset; /* of the capability itself, in configuration space */
	uint64_t offset;
	uint64_t length;
};

struct vfs_virtio_caps {
	struct vfs_virtio_cap common;
	struct vfs_virtio_cap notify;
	struct vfs_virtio_cap isr;
	struct vfs_virtio_cap device;
	struct vfs_virtio_cap window; /* VIRTIO_PCI_CAP_PCI_CFG */
	struct vfs_virtio_cap shm;    /* shared-memory region 0 */
	uint32_t notify_multiplier;
};

/*
 * Walk the capability list of @config, which is a function's first 256 bytes of configuration
 * space. @bar_sizes: bytes of each BAR, 0 if there is none. Of each type the first counts; one
 * with a reserved BAR number is skipped, as the specification wants.
 * -EPROTO: a loop, a structure that is missing, too short, misaligned or outside its BAR.
 */
int vfs_virtio_caps_parse(const uint8_t config[VFS_PCI_CONFIG_BYTES], const uint64_t bar_sizes[6],
	struct vfs_virtio_caps *caps);

#endif
