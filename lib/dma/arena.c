/* SPDX-License-Identifier: MIT */
#include "core/core.h"
#include "dma/dma.h"

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

int vfs_arena_create(struct vfs_address_space *space, const struct vfs_arena_plan *plan,
	const char *name, bool huge, struct vfs_arena *arena)
{
	size_t unit = huge ? VFS_HUGE_PAGE_SIZE : VFS_PAGE_SIZE;
	size_t end = 0;
	unsigned int zone;
	int r;

	*arena = (struct vfs_arena){.memory.fd = -1};
	for (zone = 0; zone < VFS_NUM_ZONES; zone++) {
		arena->zone_offset[zone] = end;
		end += align_up(plan->used[zone], unit);
	}
	r = vfs_memory_create(&arena->memory, end, name, huge);
	if (r < 0)
		return r;
	arena->mapping = (struct vfs_mapping){
		.base = arena->memory.base,
		.size = end,
		.readable = arena->zone_offset[VFS_ZONE_WRITABLE],
		.page_size = unit,
		.fd = arena->memory.fd,
	};
	r = vfs_mapping_create(space, &arena->mapping);
	if (r < 0)
		vfs_memory_destroy(&arena->memory);
	return r;
}

void vfs_arena_destroy(struct vfs_arena *arena)
{
	if (!arena->memory.base)
		return;
	vfs_mapping_destroy(&arena->mapping);
	vfs_memory_destroy(&arena->memory);
}
