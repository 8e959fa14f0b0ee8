/* SPDX-License-Identifier: MIT */
/* What is rare in the life of a ring, and what is not done for each chain. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "virtio/virtio.h"

#define RING_SIZE_MAX 32768u

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

static __virtio16 *used_event(const struct vfs_ring *ring)
{
	struct vring_avail *avail = ring->memory.avail;

	return &avail->ring[ring->size];
}

static void ask_for_interrupt(struct vfs_ring *ring)
{
	struct vring_avail *avail = ring->memory.avail;

	if (ring->event_idx)
		vfs_ring_store16(used_event(ring), ring->used_idx);
	else if (!ring->interrupts)
		vfs_ring_store16(&avail->flags, 0);
	ring->interrupts = true;
}

static void ask_for_no_interrupt(struct vfs_ring *ring)
{
	struct vring_avail *avail = ring->memory.avail;

	if (ring->event_idx)
		vfs_ring_store16(used_event(ring), (uint16_t)(ring->used_idx + FAR_AWAY));
	else
		vfs_ring_store16(&avail->flags, VRING_AVAIL_F_NO_INTERRUPT);
	ring->interrupts = false;
}

int vfs_ring_init(struct vfs_ring *ring, uint16_t size, const struct vfs_ring_memory *memory,
	bool event_idx, struct vfs_barriers barriers)
{
	struct vfs_ring_shadow *shadow = memory->shadow;

	if (!is_power_of_2(size) || size > RING_SIZE_MAX)
		return vfs_error(-EINVAL, "a ring cannot have %u entries", size);
	if (!shadow)
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
	if (!ring->memory.shadow)
		free(ring->shadow);
	ring->shadow = NULL;
}

static int broken_before(void)
{
	return vfs_error(-EIO, "the device broke the protocol of this ring before");
}

/* Why a chain is not taken. */
static __attribute__((cold)) int refuse(const struct vfs_ring *ring, const struct vfs_chain *chain)
{
	if (ring->broken)
		return broken_before();
	if (!chain->token)
		return vfs_error(-EINVAL, "a chain without a token");
	if (!chain->count || chain->count > ring->size)
		return vfs_error(-EINVAL, "a chain of %zu descriptors for a ring of %u entries",
			chain->count, ring->size);
	return vfs_error(-EINVAL, "a chain of more than %u bytes", UINT32_MAX);
}

/* Along the free list. */
static int add_direct(struct vfs_ring *ring, const struct vfs_chain *chain)
{
	struct vring_desc *desc = ring->memory.desc;
	uint16_t next = ring->free_head;
	uint16_t last = next;

	if (chain->count > ring->num_free)
		return -ENOSPC;
	for (size_t i = 0; i < chain->count; i++) {
		last = next;
		next = ring->shadow[last].next;
		desc[last] = chain->table[i];
		desc[last].next = htole16(next);
	}
	vfs_ring_enter(ring, chain, (uint16_t)chain->count, last);
	return 0;
}

int vfs_ring_add_otherwise(struct vfs_ring *ring, const struct vfs_chain *chain)
{
	if (!vfs_ring_takes(ring, chain))
		return refuse(ring, chain);
	return chain->indirect ? -ENOSPC : add_direct(ring, chain);
}

__attribute__((cold)) int vfs_ring_refuse_idx(struct vfs_ring *ring, uint16_t idx)
{
	if (ring->broken)
		return broken_before();
	ring->broken = true;
	return vfs_error(-EIO, "the device moved used.idx from %u to %u with %u chains in flight",
		ring->used_idx, idx, (uint16_t)(ring->published_idx - ring->used_idx));
}

__attribute__((cold)) void vfs_ring_refuse_used(struct vfs_ring *ring, uint32_t id, uint32_t len)
{
	const struct vfs_ring_shadow *shadow = &ring->shadow[id & (ring->size - 1u)];

	ring->broken = true;
	if (id >= ring->size)
		vfs_error(
			-EIO, "the device returned descriptor %u of a ring of %u", id, ring->size);
	else if (!shadow->token || shadow->batch == ring->batch)
		vfs_error(-EIO,
			"the device returned descriptor %u, which is not the head of a chain in "
			"flight",
			id);
	else
		vfs_error(-EIO, "the device wrote %u bytes to a chain with room for %u", len,
			shadow->limit);
}

bool vfs_ring_has_used(const struct vfs_ring *ring)
{
	return ring->broken || vfs_ring_load_used_idx(ring) != ring->used_idx;
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
			return vfs_ring_release(ring, id);
	}
	return NULL;
}
