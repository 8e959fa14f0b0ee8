/* SPDX-License-Identifier: MIT */
/* Translations of bus addresses that the other side gave: which user address each stands for. */
#ifndef DEVICE_IOTLB_H
#define DEVICE_IOTLB_H

#include <stddef.h>
#include <stdint.h>

#include "memory.h"

struct iotlb_entry {
	uint64_t bus;
	uint64_t user;
	uint64_t size;
	enum access access;
};

/* Zeroed is empty. Entries are sorted by bus address and do not overlap. */
struct iotlb {
	struct iotlb_entry *entries;
	size_t count;
	size_t room;
};

/* Replaces what overlaps. -EINVAL: it overflows. -ENOMEM */
int iotlb_add(struct iotlb *tlb, uint64_t bus, uint64_t user, uint64_t size, enum access access);

/* Drops every entry that overlaps; whoever needs the rest of it asks again. */
void iotlb_remove(struct iotlb *tlb, uint64_t bus, uint64_t size);

void iotlb_clear(struct iotlb *tlb);

/* The entry that holds @bus and allows @access, or NULL. */
const struct iotlb_entry *iotlb_find(const struct iotlb *tlb, uint64_t bus, enum access access);

#endif
