/* SPDX-License-Identifier: MIT */
/*
 * The driver's side of a split ring.
 *
 * What this side knows is in struct vfs_ring and its shadow. Descriptors and the avail ring are
 * only written, never read: the device could have written them too.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_ring.h>

#include "core/core.h"
#include "virtio/virtio.h"

#define RING_SIZE_MAX	32768u
#define CHAIN_BYTES_MAX (1ULL << 32)

/* Half of the index space away: no completion comes near it soon, from either side. */
#define FAR_AWAY 0x8000u

_Static_assert(sizeof(struct vring_desc) == VFS_RING_DESC_SIZE, "descriptors are 16 bytes");

size_t vfs_ring_desc_bytes(uint16_t size)
{
	return sizeof(struct vring_desc) * size;
}

/* The event index of each ring stands behind its last entry, also when it is not in use. */
size_t vfs_ring_avail_bytes(uint16_t size)
{
	return sizeof(struct vring_avail) + sizeof(__virtio16) * size + sizeof(__virtio16);
}

size_t vfs_ring_used_bytes(uint16_t size)
{
	return sizeof(struct vring_used) + sizeof(struct vring_used_elem) * size +
	       sizeof(__virtio16);
}

/* Shared fields are loaded once and whole, so what was checked is what is used. */
static uint16_t load16(const __virtio16 *field)
{
	return le16toh(__atomic_load_n(field, __ATOMIC_RELAXED));
}

static uint32_t load32(const __virtio32 *field)
{
	return le32toh(__atomic_load_n(field, __ATOMIC_RELAXED));
}

static void store16(__virtio16 *field, uint16_t value)
{
	__atomic_store_n(field, htole16(value), __ATOMIC_RELAXED);
}

static uint16_t load_used_idx(const struct vfs_ring *ring)
{
	const struct vring_used *used = ring->memory.used;
	uint16_t idx;

	/* Acquire: used entries and replies are not read before the index that covers them. */
	idx = le16toh(__atomic_load_n(&used->idx, __ATOMIC_ACQUIRE));
	/* The same towards a bus, where acquire among processors may not be enough. */
	if (ring->barriers.io)
		vfs_barrier_read(ring->barriers);
	return idx;
}

static void store_avail_idx(struct vfs_ring *ring, uint16_t idx)
{
	struct vring_avail *avail = ring->memory.avail;

	/* Chains and messages reach a device behind a bus before the index that covers them. */
	if (ring->barriers.io)
		vfs_barrier_write(ring->barriers);
	/* Release: the same among processors, and loads of a reply end before its memory goes. */
	__atomic_store_n(&avail->idx, htole16(idx), __ATOMIC_RELEASE);
}

static __virtio16 *used_event(const struct vfs_ring *ring)
{
	struct vring_avail *avail = ring->memory.avail;

	return &avail->ring[ring->size];
}

static const __virtio16 *avail_event(const struct vfs_ring *ring)
{
	const struct vring_used *used = ring->memory.used;

	return (const __virtio16 *)(const void *)&used->ring[ring->size];
}

static void ask_for_interrupt(struct vfs_ring *ring)
{
	struct vring_avail *avail = ring->memory.avail;

	if (ring->event_idx)
		store16(used_event(ring), ring->used_idx);
	else if (!ring->interrupts)
		store16(&avail->flags, 0);
	ring->interrupts = true;
}

static void ask_for_no_interrupt(struct vfs_ring *ring)
{
	struct vring_avail *avail = ring->memory.avail;

	if (ring->event_idx)
		store16(used_event(ring), (uint16_t)(ring->used_idx + FAR_AWAY));
	else
		store16(&avail->flags, VRING_AVAIL_F_NO_INTERRUPT);
	ring->interrupts = false;
}

int vfs_ring_init(struct vfs_ring *ring, uint16_t size, const struct vfs_ring_memory *memory,
	bool event_idx, struct vfs_barriers barriers)
{
	struct vfs_ring_shadow *shadow;

	if (!is_power_of_2(size) || size > RING_SIZE_MAX)
		return vfs_error(-EINVAL, "a ring cannot have %u entries", size);
	shadow = calloc(size, sizeof(*shadow));
	if (!shadow)
		return vfs_error(-ENOMEM, "no memory for a ring of %u entries", size);
	for (uint16_t i = 0; i < size; i++)
		shadow[i].next = (uint16_t)(i + 1);

	memset(memory->desc, 0, vfs_ring_desc_bytes(size));
	memset(memory->avail, 0, vfs_ring_avail_bytes(size));
	memset(memory->used, 0, vfs_ring_used_bytes(size));
	*ring = (struct vfs_ring){
		.size = size,
		.event_idx = event_idx,
		.barriers = barriers,
		.memory = *memory,
		.shadow = shadow,
		.num_free = size,
	};
	ask_for_no_interrupt(ring);
	return 0;
}

void vfs_ring_fini(struct vfs_ring *ring)
{
	free(ring->shadow);
	ring->shadow = NULL;
}

static int broken_before(void)
{
	return vfs_error(-EIO, "the device broke the protocol of this ring before");
}

static uint32_t num_segments(const struct vfs_chain *chain)
{
	return (uint32_t)chain->num_readable + chain->num_writable;
}

static int empty_segment(const struct vfs_chain *chain)
{
	uint32_t i = 0;

	while (chain->segments[i].len)
		i++;
	return vfs_error(-EINVAL, "segment %u of a chain of %u is empty", i, num_segments(chain));
}

static int check_chain(const struct vfs_ring *ring, const struct vfs_chain *chain)
{
	uint32_t count = num_segments(chain);

	if (!chain->token)
		return vfs_error(-EINVAL, "a chain without a token");
	if (count == 0 || count > ring->size)
		return vfs_error(-EINVAL, "a chain of %u segments for a ring of %u entries", count,
			ring->size);
	return 0;
}

static inline void describe(
	struct vring_desc *desc, const struct vfs_segment *segment, uint16_t flags, uint16_t next)
{
	desc->addr = htole64(segment->addr);
	desc->len = htole32(segment->len);
	desc->flags = htole16(flags);
	desc->next = htole16(next);
}

/* How many bytes the chain has in all; 0: one of its segments is empty. */
static inline uint64_t fill_indirect(const struct vfs_chain *chain, uint64_t *writable)
{
	const struct vfs_segment *segment = chain->segments;
	const struct vfs_segment *readable_end = segment + chain->num_readable;
	const struct vfs_segment *end = readable_end + chain->num_writable;
	struct vring_desc *desc = chain->indirect;
	uint64_t readable_bytes = 0;
	uint64_t bytes = 0;
	uint16_t next = 1;

	for (; segment < readable_end; segment++) {
		if (!segment->len)
			return 0;
		bytes += segment->len;
		describe(desc++, segment, VRING_DESC_F_NEXT, next++);
	}
	readable_bytes = bytes;
	for (; segment < end; segment++) {
		if (!segment->len)
			return 0;
		bytes += segment->len;
		describe(desc++, segment, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, next++);
	}
	desc[-1].flags = htole16(chain->num_writable ? VRING_DESC_F_WRITE : 0);
	desc[-1].next = 0;
	*writable = bytes - readable_bytes;
	return bytes;
}

/* The same in the ring itself; *next is the descriptor behind them. */
static __attribute__((noinline)) uint64_t fill_direct(const struct vfs_ring *ring,
	const struct vfs_chain *chain, uint64_t *writable, uint16_t *next)
{
	struct vring_desc *desc = ring->memory.desc;
	uint32_t count = num_segments(chain);
	uint16_t id = ring->free_head;
	uint64_t bytes[2] = {0};

	for (uint32_t i = 0; i < count; i++) {
		bool written = i >= chain->num_readable;
		bool last = i + 1 == count;
		uint16_t flags = last ? 0 : VRING_DESC_F_NEXT;

		if (!chain->segments[i].len)
			return 0;
		bytes[written] += chain->segments[i].len;
		*next = ring->shadow[id].next;
		describe(&desc[id], &chain->segments[i], flags | (written ? VRING_DESC_F_WRITE : 0),
			last ? 0 : *next);
		id = *next;
	}
	*writable = bytes[1];
	return bytes[0] + bytes[1];
}

int vfs_ring_add(struct vfs_ring *ring, const struct vfs_chain *chain)
{
	struct vring_avail *avail = ring->memory.avail;
	struct vring_desc *desc = ring->memory.desc;
	uint16_t head = ring->free_head;
	struct vfs_ring_shadow *shadow = &ring->shadow[head];
	uint16_t descs = vfs_chain_descs(chain);
	uint64_t writable = 0;
	uint16_t next;
	uint64_t bytes;
	int err;

	if (ring->broken)
		return broken_before();
	err = check_chain(ring, chain);
	if (err)
		return err;
	if (descs > ring->num_free)
		return -ENOSPC;
	/* The device does not look at any of these yet. */
	next = shadow->next;
	if (chain->indirect) {
		struct vfs_segment table = {.addr = chain->indirect_addr,
			.len = num_segments(chain) * VFS_RING_DESC_SIZE};

		bytes = fill_indirect(chain, &writable);
		describe(&desc[head], &table, VRING_DESC_F_INDIRECT, 0);
	} else {
		bytes = fill_direct(ring, chain, &writable, &next);
	}
	if (!bytes)
		return empty_segment(chain);
	if (bytes > CHAIN_BYTES_MAX)
		return vfs_error(-EINVAL, "a chain of more than 2^32 bytes");

	shadow->token = chain->token;
	shadow->batch = ring->batch;
	shadow->count = descs;
	/* One more than used.len can say is as good as that. */
	shadow->limit = writable > UINT32_MAX ? UINT32_MAX : (uint32_t)writable;
	ring->free_head = next;
	ring->num_free = (uint16_t)(ring->num_free - descs);
	store16(&avail->ring[ring->avail_idx & (ring->size - 1u)], head);
	ring->avail_idx++;
	return 0;
}

bool vfs_ring_publish(struct vfs_ring *ring)
{
	const struct vring_used *used = ring->memory.used;
	uint16_t old = ring->published_idx;

	if (ring->broken || ring->avail_idx == old)
		return false;
	store_avail_idx(ring, ring->avail_idx);
	ring->published_idx = ring->avail_idx;
	ring->batch++;
	/*
	 * Full: the device sees the index before its wish is read. It asks to be notified and
	 * then looks at the index, so one of the two sees what the other did.
	 */
	vfs_barrier_full(ring->barriers);
	if (ring->event_idx)
		return vring_need_event(load16(avail_event(ring)), ring->published_idx, old);
	return !(load16(&used->flags) & VRING_USED_F_NO_NOTIFY);
}

/* Give the descriptors of a head back, and return its token. */
static void *release(struct vfs_ring *ring, uint16_t head)
{
	struct vfs_ring_shadow *shadow = &ring->shadow[head];
	void *token = shadow->token;
	uint16_t last = head;

	for (uint16_t i = 1; i < shadow->count; i++)
		last = ring->shadow[last].next;
	ring->shadow[last].next = ring->free_head;
	ring->free_head = head;
	ring->num_free = (uint16_t)(ring->num_free + shadow->count);
	shadow->token = NULL;
	return token;
}

/* Is used.idx where a device can have moved it? */
static int check_used_idx(struct vfs_ring *ring, uint16_t idx)
{
	/* Each published chain counts once in published_idx, each completed one in used_idx. */
	uint16_t in_flight = (uint16_t)(ring->published_idx - ring->used_idx);

	if ((uint16_t)(idx - ring->used_idx) <= in_flight)
		return 0;
	ring->broken = true;
	return vfs_error(-EIO, "the device moved used.idx from %u to %u with %u chains in flight",
		ring->used_idx, idx, in_flight);
}

/* Has the device completed more than was seen before? */
static int look_at_used_idx(struct vfs_ring *ring)
{
	uint16_t idx = load_used_idx(ring);
	int err = check_used_idx(ring, idx);

	if (err)
		return err;
	ring->seen_idx = idx;
	return idx != ring->used_idx;
}

static int check_used_elem(struct vfs_ring *ring, uint32_t id, uint32_t len)
{
	const struct vfs_ring_shadow *shadow = &ring->shadow[id & (ring->size - 1u)];

	if (id < ring->size && shadow->token && shadow->batch != ring->batch &&
		len <= shadow->limit)
		return 0;
	ring->broken = true;
	if (id >= ring->size)
		return vfs_error(
			-EIO, "the device returned descriptor %u of a ring of %u", id, ring->size);
	if (!shadow->token || shadow->batch == ring->batch)
		return vfs_error(-EIO,
			"the device returned descriptor %u, which is not the head of a chain in "
			"flight",
			id);
	return vfs_error(
		-EIO, "the device wrote %u bytes to a chain with room for %u", len, shadow->limit);
}

int vfs_ring_pop(struct vfs_ring *ring, void **token, uint32_t *len)
{
	const struct vring_used *used = ring->memory.used;
	const struct vring_used_elem *elem = &used->ring[ring->used_idx & (ring->size - 1u)];
	uint32_t id;
	uint32_t written;
	int err;

	if (ring->broken)
		return broken_before();
	if (ring->used_idx == ring->seen_idx) {
		err = look_at_used_idx(ring);
		if (err <= 0)
			return err;
	}
	id = load32(&elem->id);
	written = load32(&elem->len);
	err = check_used_elem(ring, id, written);
	if (err)
		return err;
	ring->used_idx++;
	*token = release(ring, (uint16_t)id);
	*len = written;
	return 1;
}

bool vfs_ring_has_used(const struct vfs_ring *ring)
{
	return ring->broken || load_used_idx(ring) != ring->used_idx;
}

bool vfs_ring_enable_interrupts(struct vfs_ring *ring)
{
	ask_for_interrupt(ring);
	/*
	 * Full: the device sees the wish before the index is read. It moves the index and then
	 * looks at the wish, so one of the two sees what the other did.
	 */
	vfs_barrier_full(ring->barriers);
	return vfs_ring_has_used(ring);
}

void vfs_ring_disable_interrupts(struct vfs_ring *ring)
{
	if (ring->interrupts)
		ask_for_no_interrupt(ring);
}

void *vfs_ring_take_back(struct vfs_ring *ring)
{
	while (ring->take_back_from < ring->size) {
		uint16_t id = ring->take_back_from++;

		if (ring->shadow[id].token)
			return release(ring, id);
	}
	return NULL;
}
