/* SPDX-License-Identifier: MIT */
/* A virtio-fs PCI function, as the kernel has it. */
#ifndef INSPECT_FUNCTION_H
#define INSPECT_FUNCTION_H

#include "transport/sysfs.h"

/*
 * The function that @name means: its PCI address, or its tag. -ENODEV: there is none, or it is
 * not a virtio-fs device. -ENOTUNIQ: several have the tag.
 */
int function_find(const char *name, char bdf[VFS_BDF_SIZE]);

/*
 * The tag as the device has it: any bytes, up to 36, then a NUL. -EPROTO if it is empty, and what
 * vfs_pci_peek() returns.
 */
int function_raw_tag(const char *bdf, char tag[37]);

/* The kernel's name of a function that is bound to virtio-pci ("virtio0"). -ENOENT. */
int function_virtio_name(const char *bdf, char *name, size_t size);

#endif
