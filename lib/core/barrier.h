/* SPDX-License-Identifier: MIT */
/*
 * Memory barriers between this driver and a device (virtio 1.3 §2.7.13, §6.2).
 *
 * A device that is another thread of the same machine's memory system (a VMM, a daemon) needs
 * what any two processors need: SMP barriers. A device behind a bus of its own needs I/O
 * barriers; VIRTIO_F_ORDER_PLATFORM says so.
 */
#ifndef VFS_BARRIER_H
#define VFS_BARRIER_H

#include <stdbool.h>

struct vfs_barriers {
	bool io;
};

/* Everything before is seen before everything after. */
static inline void vfs_barrier_full(struct vfs_barriers b)
{
#if defined(__aarch64__)
	if (b.io)
		__asm__ __volatile__("dmb osh" ::: "memory");
	else
		__asm__ __volatile__("dmb ish" ::: "memory");
#else
	(void)b;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* Stores before are seen before stores after. */
static inline void vfs_barrier_write(struct vfs_barriers b)
{
#if defined(__aarch64__)
	if (b.io)
		__asm__ __volatile__("dmb oshst" ::: "memory");
	else
		__asm__ __volatile__("dmb ishst" ::: "memory");
#elif defined(__x86_64__)
	if (b.io)
		__asm__ __volatile__("sfence" ::: "memory");
	else
		__atomic_thread_fence(__ATOMIC_RELEASE);
#else
	(void)b;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* Loads before are done before loads after. */
static inline void vfs_barrier_read(struct vfs_barriers b)
{
#if defined(__aarch64__)
	if (b.io)
		__asm__ __volatile__("dmb oshld" ::: "memory");
	else
		__asm__ __volatile__("dmb ishld" ::: "memory");
#elif defined(__x86_64__)
	if (b.io)
		__asm__ __volatile__("lfence" ::: "memory");
	else
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
#else
	(void)b;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* Stores to memory are seen before the store to a device register that follows. */
static inline void vfs_barrier_mmio(void)
{
#if defined(__aarch64__)
	__asm__ __volatile__("dsb st" ::: "memory");
#elif defined(__x86_64__)
	__asm__ __volatile__("sfence" ::: "memory");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

#endif
