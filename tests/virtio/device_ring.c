/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <stddef.h>
#include <string.h>

#include "virtio/device_ring.h"

enum {
	DESC_BYTES = 16,
	DESC_NEXT = 1,
	DESC_WRITE = 2,
	DESC_INDIRECT = 4,
	NO_INTERRUPT = 1,
	NO_NOTIFY = 1,
};

struct descriptor {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

static uint16_t load16(const uint8_t *at, int order)
{
	const uint16_t *field = (const void *)at;

	return le16toh(order == __ATOMIC_ACQUIRE ? __atomic_load_n(field, __ATOMIC_ACQUIRE)
						 : __atomic_load_n(field, __ATOMIC_RELAXED));
}

static void store16(uint8_t *at, uint16_t value, int order)
{
	uint16_t *field = (void *)at;

	if (order == __ATOMIC_RELEASE)
		__atomic_store_n(field, htole16(value), __ATOMIC_RELEASE);
	else
		__atomic_store_n(field, htole16(value), __ATOMIC_RELAXED);
}

static void store32(uint8_t *at, uint32_t value)
{
	__atomic_store_n((uint32_t *)(void *)at, htole32(value), __ATOMIC_RELAXED);
}

static uint8_t *used_event(const struct device_ring *ring)
{
	return ring->avail + 4 + 2 * (size_t)ring->size;
}

static uint8_t *avail_event(const struct device_ring *ring)
{
	return ring->used + 4 + 8 * (size_t)ring->size;
}

uint16_t device_ring_avail_idx(const struct device_ring *ring)
{
	return load16(ring->avail + 2, __ATOMIC_ACQUIRE);
}

uint16_t device_ring_avail_flags(const struct device_ring *ring)
{
	return load16(ring->avail, __ATOMIC_RELAXED);
}

uint16_t device_ring_used_event(const struct device_ring *ring)
{
	return load16(used_event(ring), __ATOMIC_RELAXED);
}

void device_ring_set_used_idx(struct device_ring *ring, uint16_t idx)
{
	ring->used_idx = idx;
	store16(ring->used + 2, idx, __ATOMIC_RELEASE);
}

void device_ring_set_used_flags(struct device_ring *ring, uint16_t flags)
{
	store16(ring->used, flags, __ATOMIC_RELAXED);
}

void device_ring_set_avail_event(struct device_ring *ring, uint16_t idx)
{
	store16(avail_event(ring), idx, __ATOMIC_RELAXED);
}

void device_ring_init(struct device_ring *ring, uint16_t size, bool event_idx, void *desc,
	void *avail, void *used)
{
	*ring = (struct device_ring){
		.size = size,
		.event_idx = event_idx,
		.desc = desc,
		.avail = avail,
		.used = used,
	};
}

void device_ring_jump(struct device_ring *ring, uint16_t idx)
{
	ring->next_avail = idx;
	ring->asked_idx = idx;
	store16(ring->avail + 2, idx, __ATOMIC_RELAXED);
	device_ring_set_used_idx(ring, idx);
}

static struct descriptor load_descriptor(const uint8_t *at)
{
	struct descriptor d;

	memcpy(&d.addr, at, 8);
	memcpy(&d.len, at + 8, 4);
	memcpy(&d.flags, at + 12, 2);
	memcpy(&d.next, at + 14, 2);
	return (struct descriptor){
		le64toh(d.addr), le32toh(d.len), le16toh(d.flags), le16toh(d.next)};
}

static int fault(struct device_ring *ring, const char *what)
{
	ring->fault = what;
	return -1;
}

static int add_segment(
	struct device_ring *ring, struct device_chain *chain, const struct descriptor *d)
{
	bool writable = d->flags & DESC_WRITE;

	if (d->flags & ~(DESC_NEXT | DESC_WRITE))
		return fault(ring, "unknown flags");
	if (d->len == 0)
		return fault(ring, "an empty segment");
	if (chain->count == DEVICE_CHAIN_MAX)
		return fault(ring, "a chain that is longer than the tests use");
	if (!writable && chain->num_readable != chain->count)
		return fault(ring, "a readable segment behind a writable one");
	if (writable)
		chain->writable_bytes += d->len;
	else
		chain->num_readable++;
	chain->segments[chain->count++] = (struct device_segment){d->addr, d->len, writable};
	return 0;
}

/* Follow a chain through a table of @entries descriptors. */
static int walk(struct device_ring *ring, struct device_chain *chain, const uint8_t *table,
	uint32_t entries, uint16_t first)
{
	uint16_t at = first;

	for (uint32_t n = 0; n < entries; n++) {
		struct descriptor d;

		if (at >= entries)
			return fault(ring, "a next index beyond the table");
		d = load_descriptor(table + (size_t)at * DESC_BYTES);
		if (add_segment(ring, chain, &d))
			return -1;
		if (!(d.flags & DESC_NEXT))
			return 0;
		at = d.next;
	}
	return fault(ring, "a loop");
}

static const uint8_t *reach(const struct device_ring *ring, uint64_t addr, uint64_t length)
{
	return ring->reach ? ring->reach(ring->ctx, addr, length)
			   : (const uint8_t *)(uintptr_t)addr;
}

static int walk_indirect(
	struct device_ring *ring, struct device_chain *chain, const struct descriptor *d)
{
	const uint8_t *table;

	if (d->flags != DESC_INDIRECT)
		return fault(ring, "an indirect descriptor with other flags");
	if (d->len == 0 || d->len % DESC_BYTES)
		return fault(ring, "an indirect table of odd length");
	if (d->len / DESC_BYTES > ring->size)
		return fault(ring, "an indirect table that is longer than the ring");
	table = reach(ring, d->addr, d->len);
	if (!table)
		return fault(ring, "an indirect table out of reach");
	chain->indirect = true;
	if (walk(ring, chain, table, d->len / DESC_BYTES, 0))
		return -1;
	if (chain->count != d->len / DESC_BYTES)
		return fault(ring, "an indirect table that is not used up");
	return 0;
}

int device_ring_take(struct device_ring *ring, struct device_chain *chain)
{
	uint16_t idx = device_ring_avail_idx(ring);
	struct descriptor d;
	size_t slot;

	if (idx == ring->next_avail)
		return 0;
	if ((uint16_t)(idx - ring->next_avail) > ring->size)
		return fault(ring, "avail.idx jumped");
	slot = ring->next_avail % ring->size;
	*chain = (struct device_chain){
		.head = load16(ring->avail + 4 + 2 * slot, __ATOMIC_RELAXED)};
	if (chain->head >= ring->size)
		return fault(ring, "a head beyond the ring");
	ring->next_avail++;
	d = load_descriptor(ring->desc + (size_t)chain->head * DESC_BYTES);
	if (d.flags & DESC_INDIRECT)
		return walk_indirect(ring, chain, &d) ? -1 : 1;
	return walk(ring, chain, ring->desc, ring->size, chain->head) ? -1 : 1;
}

void device_ring_put(struct device_ring *ring, uint32_t id, uint32_t len)
{
	uint8_t *entry = ring->used + 4 + 8 * (size_t)(ring->used_idx % ring->size);

	store32(entry, id);
	store32(entry + 4, len);
	ring->used_idx++;
}

void device_ring_flush(struct device_ring *ring)
{
	device_ring_set_used_idx(ring, ring->used_idx);
}

void device_ring_complete(struct device_ring *ring, uint32_t id, uint32_t len)
{
	device_ring_put(ring, id, len);
	device_ring_flush(ring);
}

/* Is @event one of the indices old, old + 1, ... that were passed on the way to @now? */
static bool passed(uint16_t event, uint16_t old, uint16_t now)
{
	for (uint16_t i = old; i != now; i++) {
		if (i == event)
			return true;
	}
	return false;
}

bool device_ring_wants_interrupt(struct device_ring *ring)
{
	uint16_t old = ring->asked_idx;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	ring->asked_idx = ring->used_idx;
	if (!ring->event_idx)
		return !(device_ring_avail_flags(ring) & NO_INTERRUPT);
	return passed(device_ring_used_event(ring), old, ring->used_idx);
}

bool device_ring_enable_notify(struct device_ring *ring)
{
	if (ring->event_idx)
		device_ring_set_avail_event(ring, ring->next_avail);
	else
		device_ring_set_used_flags(ring, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return device_ring_avail_idx(ring) != ring->next_avail;
}

void device_ring_disable_notify(struct device_ring *ring)
{
	if (ring->event_idx)
		device_ring_set_avail_event(ring, (uint16_t)(ring->next_avail + 0x8000));
	else
		device_ring_set_used_flags(ring, NO_NOTIFY);
}
