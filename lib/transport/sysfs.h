/* SPDX-License-Identifier: MIT */
/* What the kernel says of PCI functions, their drivers and IOMMU groups. */
#ifndef VFS_SYSFS_H
#define VFS_SYSFS_H

#include <stdbool.h>
#include <stdint.h>

/* "0000:00:05.0" */
#define VFS_BDF_SIZE 16

/* Where to look; tests point them at trees of their own. */
extern const char *vfs_sysfs_root; /* "/sys" */
extern const char *vfs_dev_root;   /* "/dev" */

/* "00:05.0" or "0000:00:05.0" to the long form. False: not a PCI address. */
bool vfs_bdf_parse(const char *text, char bdf[VFS_BDF_SIZE]);

/* Is there a function at this address, and is it a virtio-fs device? */
bool vfs_sysfs_exists(const char *bdf);
bool vfs_sysfs_is_virtio_fs(const char *bdf);

/* Name of the bound driver, "" if none. */
void vfs_sysfs_driver(const char *bdf, char *name, size_t size);

/* Number of the IOMMU group; -ENOENT if there is none. */
int vfs_sysfs_group(const char *bdf);

/* Is the group one that VFIO made up because there is no IOMMU? */
bool vfs_sysfs_group_is_noiommu(int group);

/*
 * May VFIO make up a group for a function that has none (enable_unsafe_noiommu_mode)? -ENOENT: this
 * kernel cannot, or VFIO is not loaded.
 */
int vfs_sysfs_noiommu_mode(void);

/* Name of a function's own VFIO device ("vfio0", in /dev/vfio/devices); -ENOENT if it has none. */
int vfs_sysfs_vfio_device(const char *bdf, char *name, size_t size);

/*
 * Call @visit for each name in <sysfs>/@dir, in the order of the alphabet, until it returns
 * non-zero. Returns that, 0, or -errno if the directory cannot be read.
 */
int vfs_sysfs_list(const char *dir, int (*visit)(const char *name, void *ctx), void *ctx);

/* All functions of the machine, all functions of a group. */
int vfs_sysfs_each_function(int (*visit)(const char *bdf, void *ctx), void *ctx);
int vfs_sysfs_each_in_group(int group, int (*visit)(const char *bdf, void *ctx), void *ctx);

/* Bytes of each BAR; an upper half and what is missing have 0. */
int vfs_sysfs_bar_sizes(const char *bdf, uint64_t sizes[6]);

/* Open the configuration space file of a function; -errno. */
int vfs_sysfs_open_config(const char *bdf, int flags);

#endif
