/* SPDX-License-Identifier: MIT */
/*
 * The driver's side of a split ring (virtio 1.3 §2.7).
 *
 * What this side knows is in struct vfs_ring and its shadow. Descriptors and the avail ring are
 * only written, never read: the device could have written them too.
 */
#ifndef VFS_RING_H
#define VFS_RING_H

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/virtio_ring.h>

#include "core/barrier.h"

/*
 * A chain: what the device reads, then what it writes, one descriptor for each piece. With an
 * indirect table the descriptors are written where the device finds them; without one they are
 * copied into the ring. Nothing is ever read from a table that the device can reach.
 */
struct vfs_chain {
	struct vring_desc *table; /* room for @room descriptors, one at least */
	uint64_t table_addr;	  /* for the device, if it is an indirect table */
	bool indirect;		  /* it is one: only with VIRTIO_RING_F_INDIRECT_DESC */
	size_t room;
	size_t count;	 /* descriptors so far */
	size_t readable; /* their bytes */
	size_t writable;
	void *token; /* comes back with the completion; not NULL */
};

/* The table of a new chain: each descriptor goes on at the next one. */
static inline void vfs_chain_set_table(
	struct vfs_chain *chain, struct vring_desc *table, uint16_t room)
{
	chain->table = table;
	chain->room = room;
	for (uint16_t i = 0; i < room; i++)
		table[i].next = htole16((uint16_t)(i + 1));
}

/* Nothing is in it. */
static inline void vfs_chain_clear(struct vfs_chain *chain)
{
	chain->count = 0;
	chain->readable = 0;
	chain->writable = 0;
}

/* All but the link. */
static inline void vfs_desc_write(
	struct vring_desc *desc, uint64_t addr, uint32_t len, uint16_t flags)
{
	desc->addr = htole64(addr);
	desc->len = htole32(len);
	desc->flags = htole16(flags);
}

/* Only this piece is in it, which the device reads. It is not empty. */
static inline void vfs_chain_begin(struct vfs_chain *chain, uint64_t addr, uint32_t len)
{
	vfs_desc_write(&chain->table[0], addr, len, 0);
	chain->count = 1;
	chain->readable = len;
	chain->writable = 0;
}

/*
 * Append a piece; an empty one is left out. Those that the device writes come last. False: there
 * is no room.
 */
static inline bool vfs_chain_add(struct vfs_chain *chain, uint64_t addr, uint32_t len, bool written)
{
	size_t at = chain->count;

	if (!len)
		return true;
	if (at == chain->room)
		return false;
	chain->count = at + 1;
	/* So far it was the last one. */
	if (at)
		chain->table[at - 1].flags = htole16(
			VRING_DESC_F_NEXT | (chain->writable ? VRING_DESC_F_WRITE : 0));
	vfs_desc_write(&chain->table[at], addr, len, written ? VRING_DESC_F_WRITE : 0);
	if (written)
		chain->writable += len;
	else
		chain->readable += len;
	return true;
}

struct vfs_ring_shadow;

/*
 * Memory of a ring's three parts, each contiguous for the device, and of what the driver alone
 * knows of its descriptors, zeroed; NULL: it is allocated.
 */
struct vfs_ring_memory {
	void *desc;
	void *avail;
	void *used;
	struct vfs_ring_shadow *shadow;
};

/* Bytes of a descriptor, in the ring or in an indirect table. */
#define VFS_RING_DESC_SIZE 16u

#define VFS_RING_DESC_ALIGN  16u
#define VFS_RING_AVAIL_ALIGN 2u
#define VFS_RING_USED_ALIGN  4u

size_t vfs_ring_desc_bytes(uint16_t size);
size_t vfs_ring_avail_bytes(uint16_t size);
size_t vfs_ring_used_bytes(uint16_t size);

/* Per head: what the driver knows without reading what the device could have written. */
struct vfs_ring_shadow {
	void *token;	/* NULL: no chain begins here */
	uint64_t batch; /* which publication makes the chain visible */
	uint16_t next;	/* free list, and the chain of descriptors that a head owns */
	uint16_t last;	/* of these */
	uint16_t count; /* how many there are */
	uint32_t limit; /* bytes that the device may write: the largest valid used.len */
};

struct vfs_ring {
	uint16_t size;
	bool event_idx;
	bool broken;	 /* the device broke the protocol; nothing is taken from it any more */
	bool interrupts; /* one was asked for */
	struct vfs_barriers barriers;
	struct vfs_ring_memory memory;
	struct vfs_ring_shadow *shadow; /* @size entries */
	uint16_t free_head;
	uint16_t num_free;
	uint16_t avail_idx;	/* next index to be filled */
	uint16_t published_idx; /* what avail.idx in memory is */
	uint16_t used_idx;	/* next used entry to be looked at */
	uint16_t seen_idx;	/* up to here the device has used them; checked */
	uint16_t take_back_from;
	uint64_t batch; /* publications so far */
};

/*
 * Clears the memory; interrupts are off. -EINVAL: @size is not a power of two up to 32768.
 * -ENOMEM.
 */
int vfs_ring_init(struct vfs_ring *ring, uint16_t size, const struct vfs_ring_memory *memory,
	bool event_idx, struct vfs_barriers barriers);
void vfs_ring_fini(struct vfs_ring *ring);

/* Descriptors of the ring that a chain takes. */
static inline uint16_t vfs_chain_descs(const struct vfs_chain *chain)
{
	return chain->indirect ? 1 : (uint16_t)chain->count;
}

/* ---- parts of adding and popping; what is rare is in ring.c ---- */

/* Shared fields are loaded once and whole, so what was checked is what is used. */
static inline uint16_t vfs_ring_load16(const __virtio16 *field)
{
	return le16toh(__atomic_load_n(field, __ATOMIC_RELAXED));
}

static inline uint32_t vfs_ring_load32(const __virtio32 *field)
{
	return le32toh(__atomic_load_n(field, __ATOMIC_RELAXED));
}

static inline void vfs_ring_store16(__virtio16 *field, uint16_t value)
{
	__atomic_store_n(field, htole16(value), __ATOMIC_RELAXED);
}

static inline bool vfs_ring_takes(const struct vfs_ring *ring, const struct vfs_chain *chain)
{
	/* An empty one has no bytes. */
	return !ring->broken && chain->token && chain->count <= ring->size &&
	       chain->readable + chain->writable - 1 < UINT32_MAX;
}

/* The chain begins at the first free descriptor and owns @descs of them, up to @last. */
static inline void vfs_ring_enter(
	struct vfs_ring *ring, const struct vfs_chain *chain, uint16_t descs, uint16_t last)
{
	struct vring_avail *avail = ring->memory.avail;
	struct vfs_ring_shadow *shadow = &ring->shadow[ring->free_head];

	shadow->token = chain->token;
	shadow->batch = ring->batch;
	shadow->last = last;
	shadow->count = descs;
	shadow->limit = (uint32_t)chain->writable;
	vfs_ring_store16(&avail->ring[ring->avail_idx & (ring->size - 1u)], ring->free_head);
	ring->avail_idx++;
	ring->free_head = ring->shadow[last].next;
	ring->num_free = (uint16_t)(ring->num_free - descs);
}

/*
 * The usual case of vfs_ring_add(): a chain in a table of its own, and there is room. False:
 * nothing was done.
 */
static inline bool vfs_ring_add_table(struct vfs_ring *ring, const struct vfs_chain *chain)
{
	struct vring_desc *descs = ring->memory.desc;
	struct vring_desc *desc = &descs[ring->free_head];

	if (!chain->indirect || !ring->num_free || !vfs_ring_takes(ring, chain))
		return false;
	vfs_desc_write(desc, chain->table_addr, (uint32_t)chain->count * VFS_RING_DESC_SIZE,
		VRING_DESC_F_INDIRECT);
	desc->next = 0;
	vfs_ring_enter(ring, chain, 1, ring->free_head);
	return true;
}

/* All others: those that are copied into the ring, and those that are not taken. */
int vfs_ring_add_otherwise(struct vfs_ring *ring, const struct vfs_chain *chain);

static inline uint16_t vfs_ring_load_used_idx(const struct vfs_ring *ring)
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

static inline void vfs_ring_store_avail_idx(struct vfs_ring *ring, uint16_t idx)
{
	struct vring_avail *avail = ring->memory.avail;

	/* Chains and messages reach a device behind a bus before the index that covers them. */
	if (ring->barriers.io)
		vfs_barrier_write(ring->barriers);
	/* Release: the same among processors, and loads of a reply end before its memory goes. */
	__atomic_store_n(&avail->idx, htole16(idx), __ATOMIC_RELEASE);
}

/* After the index was stored, and a full barrier: does the device want to hear of it? */
static inline bool vfs_ring_is_awaited(const struct vfs_ring *ring, uint16_t old, uint16_t idx)
{
	const struct vring_used *used = ring->memory.used;
	const void *avail_event = &used->ring[ring->size];

	if (ring->event_idx)
		return vring_need_event(vfs_ring_load16(avail_event), idx, old);
	return !(vfs_ring_load16(&used->flags) & VRING_USED_F_NO_NOTIFY);
}

/* The ring was broken before, or is by this used.idx; the message says why. */
int vfs_ring_refuse_idx(struct vfs_ring *ring, uint16_t idx);

/* How far the device has come. False: further than it can have, or the ring was broken before. */
static inline bool vfs_ring_see(struct vfs_ring *ring, uint16_t *idx)
{
	*idx = vfs_ring_load_used_idx(ring);
	/* Each published chain counts once in published_idx, each completed one in used_idx. */
	if (ring->broken || (uint16_t)(*idx - ring->used_idx) >
				    (uint16_t)(ring->published_idx - ring->used_idx))
		return false;
	ring->seen_idx = *idx;
	return true;
}

/* Has the device completed more than was seen before? -EIO: it, or the ring before, is broken. */
static inline int vfs_ring_look(struct vfs_ring *ring)
{
	uint16_t idx;

	if (!vfs_ring_see(ring, &idx))
		return vfs_ring_refuse_idx(ring, idx);
	return idx != ring->used_idx;
}

/* A head, not what is within a chain, of a chain that the device can have seen. */
static inline bool vfs_ring_used_is_good(const struct vfs_ring *ring, uint32_t id, uint32_t len)
{
	const struct vfs_ring_shadow *shadow;

	if (id >= ring->size)
		return false;
	shadow = &ring->shadow[id];
	return shadow->token && shadow->batch != ring->batch && len <= shadow->limit;
}

/* The ring is broken by such an entry; the message says why. */
void vfs_ring_refuse_used(struct vfs_ring *ring, uint32_t id, uint32_t len);

/* Give the descriptors of a head back, and return its token. */
static inline void *vfs_ring_release(struct vfs_ring *ring, uint16_t head)
{
	struct vfs_ring_shadow *shadow = &ring->shadow[head];
	void *token = shadow->token;

	ring->shadow[shadow->last].next = ring->free_head;
	ring->free_head = head;
	ring->num_free = (uint16_t)(ring->num_free + shadow->count);
	shadow->token = NULL;
	return token;
}

/* The next of those that were seen, which is still to be taken. False: it is not to be believed. */
static inline bool vfs_ring_peek(const struct vfs_ring *ring, uint32_t *id, uint32_t *len)
{
	const struct vring_used *used = ring->memory.used;
	const struct vring_used_elem *elem = &used->ring[ring->used_idx & (ring->size - 1u)];

	*id = vfs_ring_load32(&elem->id);
	*len = vfs_ring_load32(&elem->len);
	return vfs_ring_used_is_good(ring, *id, *len);
}

/* What vfs_ring_peek() found. */
static inline void *vfs_ring_take(struct vfs_ring *ring, uint32_t id)
{
	ring->used_idx++;
	return vfs_ring_release(ring, (uint16_t)id);
}

/* The next of those that were seen. */
static inline int vfs_ring_take_used(struct vfs_ring *ring, void **token, uint32_t *len)
{
	uint32_t written;
	uint32_t id;

	if (!vfs_ring_peek(ring, &id, &written)) {
		vfs_ring_refuse_used(ring, id, written);
		return -EIO;
	}
	*token = vfs_ring_take(ring, id);
	*len = written;
	return 1;
}

/* ---- what a ring is for ---- */

/*
 * Put a chain into the ring, not yet visible to the device.
 * -ENOSPC: not enough free descriptors; this is back-pressure and leaves no message. -EINVAL: no
 * token, an empty chain, more descriptors than the ring has entries, more bytes than used.len can
 * say. -EIO: the ring is broken.
 */
static inline int vfs_ring_add(struct vfs_ring *ring, const struct vfs_chain *chain)
{
	return vfs_ring_add_table(ring, chain) ? 0 : vfs_ring_add_otherwise(ring, chain);
}

/* vfs_ring_publish(), of a ring that is not broken and to which something was added. */
static inline bool vfs_ring_publish_added(struct vfs_ring *ring)
{
	uint16_t old = ring->published_idx;
	uint16_t idx = ring->avail_idx;

	vfs_ring_store_avail_idx(ring, idx);
	ring->published_idx = idx;
	ring->batch++;
	/*
	 * Full: the device sees the index before its wish is read. It asks to be notified and
	 * then looks at the index, so one of the two sees what the other did.
	 */
	vfs_barrier_full(ring->barriers);
	return vfs_ring_is_awaited(ring, old, idx);
}

/*
 * Make all added chains visible to the device. True: it wants to be notified, and this is the
 * only time that it is said. False when nothing was added or the ring is broken.
 */
static inline bool vfs_ring_publish(struct vfs_ring *ring)
{
	if (ring->broken || ring->avail_idx == ring->published_idx)
		return false;
	return vfs_ring_publish_added(ring);
}

/*
 * Take one completion. 1: there was one, *token and *len are set. 0: there is none. -EIO: the
 * device broke the protocol (id out of range or not in flight, more bytes than were writable,
 * an index that jumped); the ring is broken from then on and the message says why. @len is what
 * the device says it wrote, at most what was writable.
 */
static inline int vfs_ring_pop(struct vfs_ring *ring, void **token, uint32_t *len)
{
	if (ring->broken || ring->used_idx == ring->seen_idx) {
		int r = vfs_ring_look(ring);

		if (r <= 0)
			return r;
	}
	return vfs_ring_take_used(ring, token, len);
}

/* Is there a completion to be popped, or is the ring broken? */
bool vfs_ring_has_used(const struct vfs_ring *ring);

/*
 * Ask for an interrupt at the next completion. It is for one interrupt with the event index,
 * for all without it. True: something completed already and there may be no interrupt for it, or
 * the ring is broken: pop.
 */
bool vfs_ring_enable_interrupts(struct vfs_ring *ring);
/* Say that none are needed; a hint. */
void vfs_ring_disable_interrupts(struct vfs_ring *ring);

/*
 * Take back a chain that was added and not popped, published or not, after the device was reset.
 * In no particular order. NULL: none is left; only fini may follow.
 */
void *vfs_ring_take_back(struct vfs_ring *ring);

#endif
