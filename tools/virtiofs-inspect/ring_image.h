/* SPDX-License-Identifier: MIT */
/* A copy of a ring, as its device and its session have it in the arena (virtio 1.3 §2.7). */
#ifndef INSPECT_RING_IMAGE_H
#define INSPECT_RING_IMAGE_H

#include <stdint.h>

#include <linux/virtio_ring.h>

#include "attach.h"

/* All in the byte order of this machine. */
struct ring_image {
	unsigned int size;
	struct vring_desc *desc;
	uint16_t avail_flags;
	uint16_t avail_idx;
	uint16_t *avail;
	uint16_t used_event;
	uint16_t used_flags;
	uint16_t used_idx;
	struct vring_used_elem *used;
	uint16_t avail_event;
};

/* -ENOENT: the queue has no ring, or it cannot be read. -ENOMEM. */
int ring_image_read(const struct attached *session, const struct vfs_observe_queue *queue,
	struct ring_image *image);
void ring_image_free(struct ring_image *image);

/*
 * Descriptors from @address on, a table of @count (VRING_DESC_F_INDIRECT). False: they are not in
 * the arena.
 */
bool ring_image_table(const struct attached *session, uint64_t address, struct vring_desc *table,
	unsigned int count);

#endif
