/* SPDX-License-Identifier: MIT */
/*
 * The device's side of a split ring, from the specification (virtio 1.3 §2.7) and byte offsets
 * alone: it shares nothing with the library. An address in a descriptor is a pointer, or what
 * reach() makes of it.
 */
#ifndef TEST_DEVICE_RING_H
#define TEST_DEVICE_RING_H

#include <stdbool.h>
#include <stdint.h>

#define DEVICE_CHAIN_MAX 256

struct device_segment {
	uint64_t addr;
	uint32_t len;
	bool writable;
};

struct device_chain {
	uint16_t head;
	bool indirect;
	unsigned int count;
	unsigned int num_readable;
	uint64_t writable_bytes;
	struct device_segment segments[DEVICE_CHAIN_MAX];
};

struct device_ring {
	uint16_t size;
	bool event_idx;
	const uint8_t *desc;
	uint8_t *avail;
	uint8_t *used;
	uint16_t next_avail; /* next entry to take */
	uint16_t used_idx;   /* what used.idx in memory is */
	uint16_t asked_idx;  /* used_idx at the last question whether to interrupt */
	const char *fault;   /* what the driver did against the specification */

	/* Memory that the device may read at an address, NULL if there is none. */
	const uint8_t *(*reach)(void *ctx, uint64_t addr, uint64_t length);
	void *ctx;
};

void device_ring_init(struct device_ring *ring, uint16_t size, bool event_idx, void *desc,
	void *avail, void *used);

/* Continue as if @idx chains had gone through. */
void device_ring_jump(struct device_ring *ring, uint16_t idx);

/* 1: took a chain; 0: there is none; -1: the driver broke the rules, see fault. */
int device_ring_take(struct device_ring *ring, struct device_chain *chain);

/* Write a used entry, not yet visible; then show all that were written. */
void device_ring_put(struct device_ring *ring, uint32_t id, uint32_t len);
void device_ring_flush(struct device_ring *ring);

/* Both at once. */
void device_ring_complete(struct device_ring *ring, uint32_t id, uint32_t len);

/* Does the driver want to hear of what was flushed since this was asked last? */
bool device_ring_wants_interrupt(struct device_ring *ring);

/* Ask for a notification at the next chain. True: there is one already. */
bool device_ring_enable_notify(struct device_ring *ring);
void device_ring_disable_notify(struct device_ring *ring);

/* Raw access, for devices that break the rules. */
uint16_t device_ring_avail_idx(const struct device_ring *ring);
uint16_t device_ring_avail_flags(const struct device_ring *ring);
uint16_t device_ring_used_event(const struct device_ring *ring);
void device_ring_set_used_idx(struct device_ring *ring, uint16_t idx);
void device_ring_set_used_flags(struct device_ring *ring, uint16_t flags);
void device_ring_set_avail_event(struct device_ring *ring, uint16_t idx);

#endif
