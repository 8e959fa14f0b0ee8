/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "dma/dma.h"

void vfs_address_space_init(struct vfs_address_space *space, struct vfs_transport *transport,
	enum vfs_addressing addressing)
{
	*space = (struct vfs_address_space){
		.transport = transport,
		.addressing = addressing,
		.pagemap = vfs_pagemap_read,
	};
}

void vfs_address_space_fini(struct vfs_address_space *space)
{
	free(space->used);
	space->used = NULL;
	space->num_used = space->max_used = 0;
}

static int insert(struct vfs_address_space *space, size_t at, uint64_t start, uint64_t length)
{
	if (space->num_used == space->max_used) {
		size_t max = space->max_used ? 2 * space->max_used : 8;
		struct vfs_iova_interval *used = reallocarray(space->used, max, sizeof(*used));

		if (!used)
			return vfs_error(-ENOMEM, "out of memory");
		space->used = used;
		space->max_used = max;
	}
	memmove(&space->used[at + 1], &space->used[at],
		(space->num_used - at) * sizeof(space->used[0]));
	space->used[at] = (struct vfs_iova_interval){.start = start, .length = length};
	space->num_used++;
	return 0;
}

/* First fit in one range; true: *start is it, and it goes before used[*at]. */
static bool fit(const struct vfs_address_space *space, const struct vfs_iova_range *range,
	uint64_t length, uint64_t alignment, uint64_t *start, size_t *at)
{
	uint64_t candidate = range->start ? range->start : alignment;
	size_t i;

	for (i = 0; i < space->num_used; i++) {
		const struct vfs_iova_interval *used = &space->used[i];
		uint64_t last = used->start + (used->length - 1);
		uint64_t aligned = align_up(candidate, alignment);

		if (last < candidate)
			continue;
		if (aligned >= candidate && aligned <= used->start &&
			length <= used->start - aligned)
			break;
		if (last == UINT64_MAX)
			return false;
		candidate = last + 1;
	}
	*start = align_up(candidate, alignment);
	*at = i;
	return *start >= candidate && *start <= range->last && length - 1 <= range->last - *start;
}

int vfs_iova_alloc(
	struct vfs_address_space *space, uint64_t length, uint64_t alignment, uint64_t *iova)
{
	const struct vfs_dma_limits *limits = &space->transport->limits;
	uint64_t start;
	unsigned int i;
	size_t at;
	int r;

	if (length == 0 || !is_power_of_2(alignment))
		return vfs_error(-EINVAL, "no bus addresses for 0 bytes");
	for (i = 0; i < limits->num_ranges; i++) {
		if (!fit(space, &limits->ranges[i], length, alignment, &start, &at))
			continue;
		r = insert(space, at, start, length);
		if (r == 0)
			*iova = start;
		return r;
	}
	return vfs_error(-ENOSPC, "%s: no room for %llu bytes of bus addresses",
		space->transport->name, (unsigned long long)length);
}

void vfs_iova_free(struct vfs_address_space *space, uint64_t iova)
{
	size_t i;

	for (i = 0; i < space->num_used; i++) {
		if (space->used[i].start != iova)
			continue;
		space->num_used--;
		memmove(&space->used[i], &space->used[i + 1],
			(space->num_used - i) * sizeof(space->used[0]));
		return;
	}
}
