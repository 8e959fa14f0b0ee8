/* SPDX-License-Identifier: MIT */
/* A ring of the library and a device's view of the same memory. */
#ifndef TEST_RING_PAIR_H
#define TEST_RING_PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "virtio/device_ring.h"
#include "virtio/virtio.h"

struct ring_pair {
	struct vfs_ring driver;
	struct device_ring device;
	struct vfs_ring_memory memory;
};

/* Each part of the memory is an allocation of exactly its size, for the sanitizer to watch. */
void ring_pair_open(struct ring_pair *pair, uint16_t size, bool event_idx);
void ring_pair_close(struct ring_pair *pair);

/* As ring_pair_open(), with every index at @start, as if that many chains had gone through. */
void ring_pair_open_at(struct ring_pair *pair, uint16_t size, bool event_idx, uint16_t start);

/* A chain of segments: @num_readable that the device reads, the others it writes. */
struct vfs_chain chain_of(struct vring_desc *table, const struct device_segment *segments,
	unsigned int count, unsigned int num_readable);

/* Add a chain of one segment of @len writable bytes; the token is @token. */
int ring_pair_add(struct ring_pair *pair, void *token, uint32_t len);

/* Add, publish and let the device take it. Its head. */
uint16_t ring_pair_send(struct ring_pair *pair, void *token, uint32_t len);

/* Expect the completion of @token with @len bytes, or none. */
void ring_pair_expect(struct ring_pair *pair, void *token, uint32_t len);
void ring_pair_expect_none(struct ring_pair *pair);

/* Expect pop to fail with a message that has @words in it, and the ring to stay broken. */
void ring_pair_expect_broken(struct ring_pair *pair, const char *words);

/* Some pointers that are not NULL and not equal. */
void *token_of(uintptr_t number);

#endif
