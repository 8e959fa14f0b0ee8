/* SPDX-License-Identifier: MIT */
/* A split virtqueue from the device's side (virtio 1.3, 2.7). */
#ifndef DEVICE_RING_H
#define DEVICE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"

#define RING_SIZE_MAX 32768u

struct ring {
	uint16_t size;
	enum space space; /* of the next three */
	uint64_t desc;
	uint64_t avail;
	uint64_t used;
	bool event_idx;
	bool indirect;

	uint16_t next_avail;
	uint16_t next_used;
	uint16_t called_at; /* next_used when the driver was last asked whether it wants a call */
	bool called_at_known;
	struct window desc_window;
	struct window avail_window;
	struct window used_window;
};

struct segment {
	uint64_t address;
	uint32_t size;
};

/* A request's buffers: first those that the device reads, then those it writes. */
struct chain {
	uint16_t head;
	uint16_t num_read;
	uint16_t num_write;
	size_t readable;
	size_t writable;
	struct segment *segments;
	size_t room;
};

/* Start at @base, as after a reset or where another back end stopped. */
int ring_start(struct ring *ring, struct view *view, uint16_t base);

/*
 * All of the following between view_begin() and view_end(); -EFAULT: see view_resolve(), the call
 * can be repeated. -EPROTO: the driver broke the ring, the reason has been said.
 */

/* The next chain. 1, or 0: there is none. */
int ring_pop(struct ring *ring, struct view *view, struct chain *chain);

/* Give a chain back, with @length bytes written into it. */
int ring_push(struct ring *ring, struct view *view, uint32_t head, uint32_t length);

/* Let the used index go ahead by @count without any entries, which no device may do. */
int ring_jump(struct ring *ring, struct view *view, uint32_t count);

/* 1: the driver wants to be told of what was pushed. */
int ring_wants_call(struct ring *ring, struct view *view);

/* Ask for a kick. 1: there is something to pop already, do not sleep. */
int ring_want_kick(struct ring *ring, struct view *view);

/* A kick would be wasted: the device is looking anyway. */
int ring_no_kick(struct ring *ring, struct view *view);

/* Move @size bytes out of what the device reads, or into what it writes. -EFAULT, -EPROTO */
int chain_read(
	const struct chain *chain, struct view *view, size_t offset, void *buffer, size_t size);
int chain_write(const struct chain *chain, struct view *view, size_t offset, const void *buffer,
	size_t size);

void chain_free(struct chain *chain);

#endif
