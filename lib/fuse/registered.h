/* SPDX-License-Identifier: MIT */
/* Memory of the application that the device can reach. */
#ifndef VFS_REGISTERED_H
#define VFS_REGISTERED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/uio.h>

#include <vfs/memory.h>

#include "dma/dma.h"

struct vfs_mem {
	struct vfs_session *session;
	struct vfs_mapping mapping;
	struct vfs_memory memory; /* if it is the library's own */
	atomic_uint *uses; /* by requests of each queue, on a cache line each: they share nothing */
};

/* All of a session, sorted by address. */
struct vfs_mem_table {
	pthread_mutex_t lock;
	struct vfs_mem **mems;
	size_t count;
	atomic_uint generation; /* changes with the table */
};

/* What was found for a request last; it is looked at first, and without the lock. */
struct vfs_mem_hit {
	struct vfs_mem *mem;
	unsigned int generation;
};

void vfs_mem_table_init(struct vfs_mem_table *table);
/* Take back all that is left, from a device that was reset. */
void vfs_mem_table_end(struct vfs_mem_table *table);

#define VFS_MEM_USES_STRIDE (64 / sizeof(atomic_uint))

/* By a request of a queue. Returns what to let go. */
static inline atomic_uint *vfs_mem_hold(struct vfs_mem *mem, unsigned int queue)
{
	atomic_uint *held = &mem->uses[queue * VFS_MEM_USES_STRIDE];

	atomic_fetch_add_explicit(held, 1, memory_order_relaxed);
	return held;
}

static inline void vfs_mem_let_go(atomic_uint *held)
{
	atomic_fetch_sub_explicit(held, 1, memory_order_release);
}

static inline bool vfs_mem_has(const struct vfs_mem *mem, const struct iovec *iov, bool written)
{
	size_t offset = (size_t)((const uint8_t *)iov->iov_base - mem->mapping.base);

	return offset < mem->mapping.size && iov->iov_len <= mem->mapping.size - offset &&
	       !(written && mem->mapping.readable);
}

/* Which memory has all of these bytes, with the access that is needed; NULL: none. */
struct vfs_mem *vfs_mem_search(struct vfs_mem_table *table, struct vfs_mem_hit *hit,
	const struct iovec *iov, bool written);

/* The same, if it is what was found last. */
static inline struct vfs_mem *vfs_mem_find_again(struct vfs_mem_table *table,
	const struct vfs_mem_hit *hit, const struct iovec *iov, bool written)
{
	unsigned int generation = atomic_load_explicit(&table->generation, memory_order_acquire);

	if (hit->generation != generation || !hit->mem || !vfs_mem_has(hit->mem, iov, written))
		return NULL;
	return hit->mem;
}

#endif
