/* SPDX-License-Identifier: MIT */
/*
 * Device configuration read through PCI configuration space (VIRTIO_PCI_CAP_PCI_CFG, virtio 1.3
 * §4.1.4.9). It needs no BAR mapping, so it works whichever driver has the function.
 */
#ifndef VFS_PCI_WINDOW_H
#define VFS_PCI_WINDOW_H

#include <stdint.h>

#include "transport/pci_caps.h"

/* Configuration of a function that is not opened. */
struct vfs_pci_peek {
	uint8_t config[VFS_PCI_CONFIG_BYTES];
	struct vfs_virtio_caps caps;
};

/*
 * Read configuration space and its capabilities, then @length bytes (a multiple of 4) of device
 * configuration. -EACCES or -EPERM without root, -ENOENT if the function has no window, -EPROTO.
 */
int vfs_pci_peek(const char *bdf, struct vfs_pci_peek *peek, void *device_config, size_t length);

#endif
