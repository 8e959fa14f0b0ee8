/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/core.h"
#include "dma/dma.h"

#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21u << 26)
#endif

/* Pages move at most once, when they are pinned; more often means something else is wrong. */
#define PIN_TRIES 8

static const unsigned int zone_access[VFS_NUM_ZONES] = {
	[VFS_ZONE_READABLE] = VFS_DMA_DEVICE_READS,
	[VFS_ZONE_WRITABLE] = VFS_DMA_DEVICE_READS | VFS_DMA_DEVICE_WRITES,
};

size_t vfs_arena_plan_add(
	struct vfs_arena_plan *plan, enum vfs_arena_zone zone, size_t size, size_t alignment)
{
	size_t offset = align_up(plan->used[zone], alignment);
	size_t unit = plan->contiguous;

	if (unit != SIZE_MAX && size <= unit && offset / unit != (offset + size - 1) / unit)
		offset = align_up(offset, unit);
	plan->used[zone] = offset + size;
	return offset;
}

static int no_hugepages(const struct vfs_arena *arena)
{
	return vfs_error(-ENOMEM,
		"the memory for %s has to be hugepages, and %zu of 2 MiB are not free: raise the "
		"sysctl vm.nr_hugepages",
		arena->space->transport->name, arena->size / VFS_HUGE_PAGE_SIZE);
}

static int create_memory(struct vfs_arena *arena, const char *name, bool huge)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;

	arena->fd = memfd_create(name, huge ? flags | MFD_HUGETLB | MFD_HUGE_2MB : flags);
	if (arena->fd < 0 && huge)
		return no_hugepages(arena);
	if (arena->fd < 0)
		return vfs_error(
			-errno, "cannot create memory for the device: %s", strerror(errno));
	if (ftruncate(arena->fd, (off_t)arena->size) < 0)
		return vfs_error(-ENOMEM, "cannot get %zu bytes for the device: %s", arena->size,
			strerror(errno));
	/* Nobody shrinks it under the device. */
	(void)fcntl(arena->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	arena->base = mmap(
		NULL, arena->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, arena->fd, 0);
	if (arena->base == MAP_FAILED) {
		arena->base = NULL;
		if (huge)
			return no_hugepages(arena);
		return vfs_error(-ENOMEM, "cannot get %zu bytes for the device: %s", arena->size,
			strerror(errno));
	}
	/* A child must not keep pinned pages, nor see them copied. */
	if (madvise(arena->base, arena->size, MADV_DONTFORK) < 0)
		return vfs_error(
			-errno, "cannot keep the memory from children: %s", strerror(errno));
	return 0;
}

static size_t zone_end(const struct vfs_arena *arena, unsigned int zone)
{
	return zone + 1 < VFS_NUM_ZONES ? arena->zone_offset[zone + 1] : arena->size;
}

static int map_part(
	struct vfs_arena *arena, size_t offset, size_t length, uint64_t iova, unsigned int zone)
{
	struct vfs_transport *t = arena->space->transport;
	struct vfs_dma_map map = {
		.vaddr = arena->base + offset,
		.iova = iova,
		.length = length,
		.access = zone_access[zone],
		.fd = arena->fd,
		.fd_offset = offset,
	};

	return t->ops->dma_map(t, &map);
}

static int map_iova(struct vfs_arena *arena)
{
	struct vfs_transport *t = arena->space->transport;
	unsigned int zone;
	int r;

	r = vfs_iova_alloc(arena->space, arena->size, VFS_HUGE_PAGE_SIZE, &arena->iova);
	for (zone = 0; zone < VFS_NUM_ZONES && r == 0; zone++) {
		size_t start = arena->zone_offset[zone];
		size_t length = zone_end(arena, zone) - start;

		if (length == 0)
			continue;
		r = map_part(arena, start, length, arena->iova + start, zone);
		if (r < 0 && start > 0)
			(void)t->ops->dma_unmap(t, arena->iova, start);
	}
	if (r < 0 && arena->iova) {
		vfs_iova_free(arena->space, arena->iova);
		arena->iova = 0;
	}
	return r;
}

/* A stretch of the arena that is in one piece physically and in one zone. */
struct run {
	size_t offset;
	size_t length;
	unsigned int zone;
};

static uint64_t physical(const struct vfs_arena *arena, size_t offset)
{
	return arena->pages[offset / arena->page_size] + offset % arena->page_size;
}

static bool next_run(const struct vfs_arena *arena, size_t offset, struct run *run)
{
	size_t end;

	if (offset >= arena->size)
		return false;
	*run = (struct run){.offset = offset};
	while (zone_end(arena, run->zone) <= offset)
		run->zone++;
	end = zone_end(arena, run->zone);
	do {
		size_t page_end = (offset / arena->page_size + 1) * arena->page_size;

		offset = min_size(page_end, end);
	} while (offset < end &&
		 physical(arena, offset) == physical(arena, run->offset) + (offset - run->offset));
	run->length = offset - run->offset;
	return true;
}

static bool in_ranges(const struct vfs_dma_limits *limits, uint64_t start, uint64_t length)
{
	unsigned int i;

	for (i = 0; i < limits->num_ranges; i++) {
		const struct vfs_iova_range *range = &limits->ranges[i];

		if (start >= range->start && start <= range->last &&
			length - 1 <= range->last - start)
			return true;
	}
	return false;
}

static void unmap_runs(struct vfs_arena *arena, size_t end)
{
	struct vfs_transport *t = arena->space->transport;
	struct run run = {0};

	while (run.offset + run.length < end && next_run(arena, run.offset + run.length, &run))
		(void)t->ops->dma_unmap(t, physical(arena, run.offset), run.length);
}

static int map_runs(struct vfs_arena *arena)
{
	struct vfs_transport *t = arena->space->transport;
	struct run run = {0};
	uint32_t entries = 0;
	int r = 0;

	while (next_run(arena, run.offset + run.length, &run)) {
		uint64_t address = physical(arena, run.offset);

		if (!in_ranges(&t->limits, address, run.length))
			r = vfs_error(-EPERM,
				"%s: physical address 0x%llx is outside what its IOMMU can map",
				t->name, (unsigned long long)address);
		else if (++entries > t->limits.max_entries)
			r = vfs_error(-ENOMEM,
				"%s: memory is in more pieces than VFIO maps (%u): use hugepages",
				t->name, t->limits.max_entries);
		else
			r = map_part(arena, run.offset, run.length, address, run.zone);
		if (r < 0) {
			unmap_runs(arena, run.offset);
			return r;
		}
	}
	return 0;
}

/* Mapping pins the pages, and pinning may move them first: look again afterwards. */
static int map_physical(struct vfs_arena *arena)
{
	size_t count = arena->size / arena->page_size;
	uint64_t *again = calloc(count, sizeof(*again));
	int tries;
	int r;

	arena->pages = calloc(count, sizeof(*arena->pages));
	if (!arena->pages || !again) {
		free(again);
		return vfs_error(-ENOMEM, "out of memory");
	}
	r = arena->space->pagemap(arena->base, arena->page_size, count, arena->pages);
	for (tries = 0; r == 0; tries++) {
		r = map_runs(arena);
		if (r < 0)
			break;
		r = arena->space->pagemap(arena->base, arena->page_size, count, again);
		if (r == 0 && memcmp(again, arena->pages, count * sizeof(*again)) == 0)
			break;
		unmap_runs(arena, arena->size);
		memcpy(arena->pages, again, count * sizeof(*again));
		if (r == 0 && tries == PIN_TRIES)
			r = vfs_error(-EIO, "%s: pages for the device do not keep their place",
				arena->space->transport->name);
	}
	free(again);
	if (r < 0) {
		free(arena->pages);
		arena->pages = NULL;
	}
	return r;
}

static void release_memory(struct vfs_arena *arena)
{
	if (arena->base)
		munmap(arena->base, arena->size);
	if (arena->fd >= 0)
		close(arena->fd);
	free(arena->pages);
	*arena = (struct vfs_arena){.fd = -1};
}

int vfs_arena_create(struct vfs_address_space *space, const struct vfs_arena_plan *plan,
	const char *name, bool huge, struct vfs_arena *arena)
{
	size_t unit = huge ? VFS_HUGE_PAGE_SIZE : VFS_PAGE_SIZE;
	size_t end = 0;
	unsigned int zone;
	int r;

	*arena = (struct vfs_arena){.space = space, .fd = -1, .page_size = unit};
	for (zone = 0; zone < VFS_NUM_ZONES; zone++) {
		arena->zone_offset[zone] = end;
		end += align_up(plan->used[zone], unit);
	}
	arena->size = end;
	r = create_memory(arena, name, huge);
	if (r == 0)
		r = space->addressing == VFS_ADDRESSING_IOVA ? map_iova(arena)
							     : map_physical(arena);
	if (r < 0)
		release_memory(arena);
	return r;
}

void vfs_arena_destroy(struct vfs_arena *arena)
{
	if (!arena->base)
		return;
	if (arena->space->addressing == VFS_ADDRESSING_IOVA) {
		struct vfs_transport *t = arena->space->transport;

		(void)t->ops->dma_unmap(t, arena->iova, arena->size);
		vfs_iova_free(arena->space, arena->iova);
	} else {
		unmap_runs(arena, arena->size);
	}
	release_memory(arena);
}

uint64_t vfs_arena_address(const struct vfs_arena *arena, const void *ptr, size_t *contiguous)
{
	size_t offset = (size_t)((const uint8_t *)ptr - arena->base);
	size_t end = offset;

	if (arena->space->addressing == VFS_ADDRESSING_IOVA) {
		*contiguous = arena->size - offset;
		return arena->iova + offset;
	}
	do {
		end = (end / arena->page_size + 1) * arena->page_size;
	} while (end < arena->size &&
		 physical(arena, end) == physical(arena, offset) + (end - offset));
	*contiguous = end - offset;
	return physical(arena, offset);
}
