/* SPDX-License-Identifier: MIT */
/*
 * What the virtio layer offers: a device brought from reset to DRIVER_OK, and split rings.
 * Nothing here knows of FUSE requests or of PCI.
 */
#ifndef VFS_VIRTIO_H
#define VFS_VIRTIO_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/virtio_ring.h>

#include "core/barrier.h"
#include "transport/transport.h"

/* ---- device (virtio 1.3 §3.1.1) ---- */

struct vfs_virtio {
	struct vfs_transport *transport;
	unsigned int timeout_ms; /* for each reset */
	uint64_t offered;	 /* feature bits of the device */
	uint64_t features;	 /* agreed on */
};

/*
 * Reset, ACKNOWLEDGE, DRIVER, features, FEATURES_OK. Of the offered features those in @wanted
 * and @required are taken; VIRTIO_F_VERSION_1 always is required.
 * -EPROTO: a required feature is not offered, or the device did not keep FEATURES_OK. -EIO: it
 * asks to be reset. -ENODEV: it is gone. -ETIMEDOUT: it does not finish its reset.
 * On error FAILED is set where that could still be written; the device was given no memory.
 */
int vfs_virtio_negotiate(struct vfs_virtio *virtio, uint64_t wanted, uint64_t required);

/*
 * Set DRIVER_OK once all queues are enabled. -EIO when the device asks to be reset instead, or
 * does not keep the bit. On error it may own the queues' memory already: stop it.
 */
int vfs_virtio_start(struct vfs_virtio *virtio);

/* Reset the device: it owns no memory afterwards. */
int vfs_virtio_stop(struct vfs_virtio *virtio);

/* 0; -EIO when DEVICE_NEEDS_RESET is set; -ENODEV when the device is gone. */
int vfs_virtio_check(struct vfs_virtio *virtio);

static inline bool vfs_virtio_has(const struct vfs_virtio *virtio, unsigned int bit)
{
	return (virtio->features >> bit & 1) != 0;
}

/* The name of a feature bit ("VIRTIO_F_VERSION_1"), NULL if it has none we know. */
const char *vfs_virtio_feature_name(unsigned int bit);

/* ---- struct virtio_fs_config (virtio 1.3 §5.11.4) ---- */

struct vfs_fs_config {
	char tag[VFS_TAG_MAX + 1];
	uint32_t num_request_queues;
};

/*
 * -EPROTO: the tag is empty, does not end at its first NUL, or holds a control character (it
 * goes into log lines and onto command lines); there is no request queue; too few bytes.
 * @config is unchanged then.
 */
int vfs_fs_config_read(struct vfs_transport *transport, struct vfs_fs_config *config);

/* The same from bytes (struct virtio_fs_config); for what read them in another way. */
int vfs_fs_config_parse(const void *bytes, size_t length, struct vfs_fs_config *config);

/* Feature bit: there is a notification queue, and the configuration says for what buffers. */
#define VFS_FS_F_NOTIFICATION 0u

/* notify_buf_size, which is there with VFS_FS_F_NOTIFICATION only. */
int vfs_fs_config_read_notify(struct vfs_transport *transport, uint32_t *size);

/* ---- split ring (virtio 1.3 §2.7) ---- */

/*
 * A chain: what the device reads, then what it writes, one descriptor for each piece. With an
 * indirect table the descriptors are written where the device finds them; without one they are
 * copied into the ring. Nothing is ever read from a table that the device can reach.
 */
struct vfs_chain {
	struct vring_desc *table; /* room for @room descriptors */
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

/*
 * Append a piece; an empty one is left out. Those that the device writes come last. False: there
 * is no room.
 */
static inline bool vfs_chain_add(struct vfs_chain *chain, uint64_t addr, uint32_t len, bool written)
{
	struct vring_desc *desc = &chain->table[chain->count];

	if (!len)
		return true;
	if (chain->count == chain->room)
		return false;
	chain->count++;
	desc->addr = htole64(addr);
	desc->len = htole32(len);
	desc->flags = htole16(VRING_DESC_F_NEXT | (written ? VRING_DESC_F_WRITE : 0));
	if (written)
		chain->writable += len;
	else
		chain->readable += len;
	return true;
}

/* Memory of a ring's three parts. Each part is contiguous for the device. */
struct vfs_ring_memory {
	void *desc;
	void *avail;
	void *used;
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

/*
 * Put a chain into the ring, not yet visible to the device.
 * -ENOSPC: not enough free descriptors; this is back-pressure and leaves no message. -EINVAL: no
 * token, an empty chain, more descriptors than the ring has entries, more bytes than used.len can
 * say. -EIO: the ring is broken.
 */
int vfs_ring_add(struct vfs_ring *ring, const struct vfs_chain *chain);

/*
 * Make all added chains visible to the device. True: it wants to be notified, and this is the
 * only time that it is said. False when nothing was added or the ring is broken.
 */
bool vfs_ring_publish(struct vfs_ring *ring);

/*
 * Take one completion. 1: there was one, *token and *len are set. 0: there is none. -EIO: the
 * device broke the protocol (id out of range or not in flight, more bytes than were writable,
 * an index that jumped); the ring is broken from then on and the message says why. @len is what
 * the device says it wrote, at most what was writable.
 */
int vfs_ring_pop(struct vfs_ring *ring, void **token, uint32_t *len);

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
