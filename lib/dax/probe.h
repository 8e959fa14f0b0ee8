/* SPDX-License-Identifier: MIT */
/*
 * What kind of memory the window is. Whoever maps it decides (a hypervisor, the kernel's VFIO, the
 * processor's tables), and nobody says, so it is measured.
 */
#ifndef VFS_PROBE_H
#define VFS_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include <vfs/dax.h>

/*
 * How fast @size bytes of the window are read, in percent of ordinary memory; no more than 64 KiB
 * of it. Takes some milliseconds at most, as long as the window is not slower than by a factor of
 * some thousands.
 *
 * Return: at least 1, or 0: it could not be measured, as there is nothing, or no memory for it
 */
unsigned int vfs_memory_speed(const void *window, size_t size);

enum vfs_memory_type vfs_memory_type_of(unsigned int speed);

/* How it is measured: a clock in nanoseconds, and a copy as vfs_copy_from_map(). */
struct vfs_probe {
	uint64_t (*now)(void);
	size_t (*copy)(void *to, const void *from, size_t size);
};

unsigned int vfs_memory_speed_by(const struct vfs_probe *probe, const void *window, size_t size);

#endif
