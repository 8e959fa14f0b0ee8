/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "iotlb.h"

/* How many entries end at or before @bus. */
static size_t entries_before(const struct iotlb *tlb, uint64_t bus)
{
	size_t low = 0, high = tlb->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct iotlb_entry *entry = &tlb->entries[middle];

		/* The last byte, since the end of the address space cannot be counted. */
		if (entry->bus + (entry->size - 1) < bus)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct iotlb_entry *iotlb_find(const struct iotlb *tlb, uint64_t bus, enum access access)
{
	size_t i = entries_before(tlb, bus);
	const struct iotlb_entry *entry = &tlb->entries[i];

	if (i == tlb->count || entry->bus > bus || (access & ~entry->access))
		return NULL;
	return entry;
}

void iotlb_remove(struct iotlb *tlb, uint64_t bus, uint64_t size)
{
	uint64_t last = size && size - 1 <= UINT64_MAX - bus ? bus + (size - 1) : UINT64_MAX;
	size_t first = entries_before(tlb, bus);
	size_t end = first;

	if (!size)
		return;
	while (end < tlb->count && tlb->entries[end].bus <= last)
		end++;
	if (end == first)
		return;
	memmove(&tlb->entries[first], &tlb->entries[end],
		(tlb->count - end) * sizeof(*tlb->entries));
	tlb->count -= end - first;
}

static int make_room(struct iotlb *tlb)
{
	size_t room = tlb->room ? tlb->room * 2 : 64;
	struct iotlb_entry *entries;

	if (tlb->count < tlb->room)
		return 0;
	entries = realloc(tlb->entries, room * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	tlb->entries = entries;
	tlb->room = room;
	return 0;
}

int iotlb_add(struct iotlb *tlb, uint64_t bus, uint64_t user, uint64_t size, enum access access)
{
	size_t i;
	int r;

	if (!size || size - 1 > UINT64_MAX - bus || size - 1 > UINT64_MAX - user)
		return -EINVAL;
	r = make_room(tlb);
	if (r < 0)
		return r;
	iotlb_remove(tlb, bus, size);
	i = entries_before(tlb, bus);
	memmove(&tlb->entries[i + 1], &tlb->entries[i], (tlb->count - i) * sizeof(*tlb->entries));
	tlb->entries[i] = (struct iotlb_entry){
		.bus = bus, .user = user, .size = size, .access = access};
	tlb->count++;
	return 0;
}

void iotlb_clear(struct iotlb *tlb)
{
	free(tlb->entries);
	*tlb = (struct iotlb){0};
}
