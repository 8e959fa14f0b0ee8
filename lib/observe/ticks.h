/* SPDX-License-Identifier: MIT */
/*
 * The processor's own clock. clock_gettime() reads it too, and then computes; and where the kernel
 * does not trust it, as in most emulated machines, it is a system call.
 */
#ifndef VFS_TICKS_H
#define VFS_TICKS_H

#include <stdint.h>

#include "core/core.h"

static inline uint64_t vfs_ticks(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#else
	return vfs_now_ns();
#endif
}

/* Ticks and CLOCK_MONOTONIC of the same moment. */
struct vfs_tick_pair {
	uint64_t ticks;
	uint64_t ns;
};

struct vfs_tick_pair vfs_tick_pair(void);

/* @ticks in nanoseconds, by how many there were between two moments; 0 if that cannot be told. */
uint64_t vfs_ticks_to_ns(
	uint64_t ticks, const struct vfs_tick_pair *from, const struct vfs_tick_pair *to);

#endif
