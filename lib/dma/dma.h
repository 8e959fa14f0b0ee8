/* SPDX-License-Identifier: MIT */
/* Memory that the device can reach, and the addresses at which it sees it. */
#ifndef VFS_DMA_H
#define VFS_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/transport.h"

#define VFS_PAGE_SIZE	   4096u
#define VFS_HUGE_PAGE_SIZE (2u << 20)

/* ---- which addresses ---- */

enum vfs_addressing {
	VFS_ADDRESSING_IOVA,	 /* our own choice of bus addresses; an IOMMU translates */
	VFS_ADDRESSING_PHYSICAL, /* the memory's physical addresses, IOMMU or not */
};

/* What the choice depends on. */
struct vfs_addressing_facts {
	bool access_platform; /* VIRTIO_F_ACCESS_PLATFORM is offered */
	enum vfs_translation translation;
	enum vfs_dma_mode mode;
	bool physical_known; /* physical addresses can be had, see vfs_pagemap_usable() */
};

/*
 * -EPERM: only physical addresses would be right and they cannot be had.
 * -EINVAL: addresses of our own were asked for and nothing would translate them.
 */
int vfs_addressing_choose(
	const char *device, const struct vfs_addressing_facts *facts, enum vfs_addressing *choice);

/* ---- physical addresses (/proc/self/pagemap) ---- */

/* Does the kernel show them to this process? */
bool vfs_pagemap_usable(void);

/* Physical address of each page of @page_size bytes from @start on; pages have to be present. */
int vfs_pagemap_read(const void *start, size_t page_size, size_t count, uint64_t *addresses);

/* Where physical addresses come from; tests bring their own. */
typedef int (*vfs_pagemap_fn)(
	const void *start, size_t page_size, size_t count, uint64_t *addresses);

/* ---- address space of a device ---- */

struct vfs_iova_interval {
	uint64_t start;
	uint64_t length;
};

struct vfs_address_space {
	struct vfs_transport *transport;
	enum vfs_addressing addressing;
	vfs_pagemap_fn pagemap;
	struct vfs_iova_interval *used; /* sorted */
	size_t num_used;
	size_t max_used;
	uint32_t num_entries; /* mappings, with physical addresses */
};

void vfs_address_space_init(struct vfs_address_space *space, struct vfs_transport *transport,
	enum vfs_addressing addressing);
void vfs_address_space_fini(struct vfs_address_space *space);

/*
 * Find @length bytes of bus addresses inside the device's ranges. Address 0 is never used: too
 * many devices take it for "none". -ENOSPC, -ENOMEM; *iova is unchanged then.
 */
int vfs_iova_alloc(
	struct vfs_address_space *space, uint64_t length, uint64_t alignment, uint64_t *iova);
void vfs_iova_free(struct vfs_address_space *space, uint64_t iova);

/* ---- memory that another process can map ---- */

struct vfs_memory {
	int fd;
	uint8_t *base;
	size_t size;
};

/*
 * @name: what the memfd is called. @huge: from 2 MiB pages or not at all (-ENOMEM). It is present,
 * cannot shrink, and children do not have it.
 */
int vfs_memory_create(struct vfs_memory *memory, size_t size, const char *name, bool huge);
void vfs_memory_destroy(struct vfs_memory *memory);

int vfs_memory_keep_from_children(void *base, size_t size);

/* Make all of it present; @written: each page a private one. */
int vfs_memory_populate(void *base, size_t size, bool written);

/* Does nothing but its owner move or free these pages: are they huge, or locked? */
bool vfs_memory_stays(const void *base, size_t size);

/* ---- mapping: memory that the device can reach ---- */

struct vfs_mapping {
	struct vfs_address_space *space;
	uint8_t *base;
	size_t size;	  /* whole pages */
	size_t readable;  /* so many bytes in front the device only reads; whole pages */
	size_t page_size; /* of the memory behind it, at least */
	int fd;		  /* of the memory, -1 if it has none */
	uint64_t fd_offset;
	uint64_t iova; /* with VFS_ADDRESSING_IOVA */
	/* With VFS_ADDRESSING_PHYSICAL: address of each page, and bytes in one piece from there. */
	uint64_t *pages;
	uint64_t *runs;
	unsigned int page_shift;
	uint32_t num_entries;
};

/* Map for the device what the first members say, from base to fd_offset. */
int vfs_mapping_create(struct vfs_address_space *space, struct vfs_mapping *mapping);
/* The device must not use it any more. */
void vfs_mapping_destroy(struct vfs_mapping *mapping);

/* The runs that belong to the pages. */
void vfs_mapping_find_runs(struct vfs_mapping *mapping);

/* Address for the device of one byte, and how many bytes from there on are in one piece. */
static inline uint64_t vfs_mapping_address(
	const struct vfs_mapping *mapping, const void *ptr, size_t *contiguous)
{
	size_t offset = (size_t)((const uint8_t *)ptr - mapping->base);
	size_t page;

	if (!mapping->pages) {
		*contiguous = mapping->size - offset;
		return mapping->iova + offset;
	}
	page = offset >> mapping->page_shift;
	offset &= mapping->page_size - 1;
	*contiguous = mapping->runs[page] - offset;
	return mapping->pages[page] + offset;
}

/* ---- arena: one piece of memory for everything that a session shares with its device ---- */

enum vfs_arena_zone {
	VFS_ZONE_READABLE, /* the device only reads it */
	VFS_ZONE_WRITABLE,
	VFS_NUM_ZONES,
};

/* Where things will be in an arena, before there is one. */
struct vfs_arena_plan {
	/*
	 * Blocks of how many bytes the device sees in one piece: the size of the pages behind the
	 * arena with physical addresses, SIZE_MAX with addresses of our own.
	 */
	size_t contiguous;
	size_t used[VFS_NUM_ZONES];
};

/* A place in a zone. What is not larger than @plan->contiguous will be in one piece. */
size_t vfs_arena_plan_add(
	struct vfs_arena_plan *plan, enum vfs_arena_zone zone, size_t size, size_t alignment);

struct vfs_arena {
	struct vfs_memory memory;
	struct vfs_mapping mapping;
	size_t zone_offset[VFS_NUM_ZONES];
};

/*
 * Make the memory of a plan and map it for the device. @name: what the memfd is called.
 * @huge: from 2 MiB pages or not at all (-ENOMEM).
 */
int vfs_arena_create(struct vfs_address_space *space, const struct vfs_arena_plan *plan,
	const char *name, bool huge, struct vfs_arena *arena);
/* The device must not reach memory any more (reset, bus mastering off). */
void vfs_arena_destroy(struct vfs_arena *arena);

static inline void *vfs_arena_at(
	const struct vfs_arena *arena, enum vfs_arena_zone zone, size_t offset)
{
	return arena->memory.base + arena->zone_offset[zone] + offset;
}

#endif
