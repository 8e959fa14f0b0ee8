/* SPDX-License-Identifier: MIT */
/* Histograms of how long answers take. */
#ifndef VFS_TIMES_H
#define VFS_TIMES_H

#include <vfs/observe.h>

/* By the thread whose they are. */
void vfs_times_add(struct vfs_observe_times *times, uint64_t ticks);

/* All of @from as well. What is not plausible does no harm. */
void vfs_times_merge(struct vfs_observe_times *to, const struct vfs_observe_times *from);

/* Ticks that a share of them, in thousandths, is not above; 0: there are none. */
uint64_t vfs_times_quantile(const struct vfs_observe_times *times, unsigned int thousandths);

#endif
