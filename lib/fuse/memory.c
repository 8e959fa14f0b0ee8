/* SPDX-License-Identifier: MIT */
/* Where a session's rings, indirect tables and request slots are in its arena. */
#include <errno.h>
#include <stdlib.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "core/core.h"
#include "fuse/fuse.h"

unsigned int vfs_slot_segments_max(size_t payload_size, size_t contiguous)
{
	size_t blocks;

	/* The message, the answer's header, its body. */
	if (contiguous == SIZE_MAX)
		return 3;
	blocks = (payload_size + contiguous - 1) / contiguous;
	/* Slots start on pages, so a block larger than that may begin and be divided anywhere. */
	if (contiguous > VFS_PAGE_SIZE)
		blocks += 2;
	return (unsigned int)blocks + 2;
}

size_t vfs_slot_payload_size(size_t max_payload)
{
	/* A message may use a page of it and still have an answer of the largest size. */
	return max_payload + VFS_PAGE_SIZE;
}

size_t vfs_payload_limit(size_t wanted, unsigned int max_descs, size_t contiguous)
{
	size_t payload = align_up(wanted, VFS_PAGE_SIZE);

	while (payload > VFS_PAGE_SIZE &&
		vfs_slot_segments_max(vfs_slot_payload_size(payload), contiguous) > max_descs)
		payload -= VFS_PAGE_SIZE;
	return payload;
}

static size_t table_stride(unsigned int max_segments)
{
	size_t stride = 16;

	/* A power of two, so that a table never crosses a block. */
	while (stride < max_segments * sizeof(struct vring_desc))
		stride *= 2;
	return stride;
}

size_t vfs_slot_stride(const struct vfs_queue_plan *queue)
{
	return VFS_SLOT_HEADER_SIZE + queue->payload_size;
}

void vfs_queue_plan_add(struct vfs_queue_plan *queue, struct vfs_arena_plan *arena)
{
	size_t stride = table_stride(queue->max_segments);

	queue->desc = vfs_arena_plan_add(arena, VFS_ZONE_READABLE,
		vfs_ring_desc_bytes(queue->ring_size), VFS_RING_DESC_ALIGN);
	queue->avail = vfs_arena_plan_add(arena, VFS_ZONE_READABLE,
		vfs_ring_avail_bytes(queue->ring_size), VFS_RING_AVAIL_ALIGN);
	queue->used = vfs_arena_plan_add(arena, VFS_ZONE_WRITABLE,
		vfs_ring_used_bytes(queue->ring_size), VFS_RING_USED_ALIGN);
	if (!queue->depth)
		return;
	if (queue->indirect)
		queue->indirect_tables = vfs_arena_plan_add(
			arena, VFS_ZONE_READABLE, queue->depth * stride, stride);
	queue->slots = vfs_arena_plan_add(
		arena, VFS_ZONE_WRITABLE, queue->depth * vfs_slot_stride(queue), VFS_PAGE_SIZE);
}

static void create_chain(
	struct vfs_request *request, const struct vfs_queue_plan *plan, unsigned int index)
{
	struct vfs_queue *queue = request->queue;
	const struct vfs_arena *arena = &queue->session->arena;
	struct vfs_chain *chain = &request->chain;
	struct vring_desc *table;
	size_t contiguous;

	chain->token = request;
	chain->indirect = plan->indirect;
	if (plan->indirect) {
		table = vfs_arena_at(arena, VFS_ZONE_READABLE,
			plan->indirect_tables + index * table_stride(plan->max_segments));
		chain->table_addr = vfs_mapping_address(&arena->mapping, table, &contiguous);
	} else {
		table = &queue->tables[(size_t)index * plan->max_segments];
	}
	vfs_chain_set_table(chain, table, (uint16_t)plan->max_segments);
}

static void create_slot(
	struct vfs_queue *queue, const struct vfs_queue_plan *plan, unsigned int index)
{
	const struct vfs_arena *arena = &queue->session->arena;
	struct vfs_request *request = &queue->requests[index];
	size_t contiguous;

	request->queue = queue;
	request->unique_base = 1ULL << 62 | (uint64_t)queue->index << 46 | (uint64_t)index << 33;
	request->reply.quirks = queue->session->options.quirks;
	request->payload_size = plan->payload_size;
	if (plan->data)
		request->data.pieces = &queue->pieces[(size_t)index * VFS_REQUEST_DATA_MAX];
	request->page = vfs_arena_at(
		arena, VFS_ZONE_WRITABLE, plan->slots + index * vfs_slot_stride(plan));
	request->page_addr = vfs_mapping_address(&arena->mapping, request->page, &contiguous);
	create_chain(request, plan, index);
}

static int allocate(struct vfs_queue *queue, const struct vfs_queue_plan *plan)
{
	size_t depth = plan->depth;

	queue->requests = vfs_page_alloc(&queue->session->page, depth, sizeof(*queue->requests));
	if (!queue->requests)
		return -ENOMEM;
	if (!plan->indirect)
		queue->tables = calloc(depth * plan->max_segments, sizeof(*queue->tables));
	if (plan->data)
		queue->pieces = calloc(depth * VFS_REQUEST_DATA_MAX, sizeof(*queue->pieces));
	if ((!plan->indirect && !queue->tables) || (plan->data && !queue->pieces))
		return vfs_error(-ENOMEM, "out of memory");
	return 0;
}

static int create_slots(struct vfs_queue *queue, const struct vfs_queue_plan *plan)
{
	unsigned int i;
	int r = allocate(queue, plan);

	for (i = 0; i < plan->depth && r == 0; i++) {
		create_slot(queue, plan, i);
		if (i == 0) {
			queue->reserved = &queue->requests[i];
			continue;
		}
		queue->requests[i].next = queue->free;
		queue->free = &queue->requests[i];
	}
	return r;
}

int vfs_queue_create(struct vfs_queue *queue, const struct vfs_queue_plan *plan)
{
	const struct vfs_session *session = queue->session;
	const struct vfs_arena *arena = &session->arena;
	struct vfs_ring_memory memory = {
		.desc = vfs_arena_at(arena, VFS_ZONE_READABLE, plan->desc),
		.avail = vfs_arena_at(arena, VFS_ZONE_READABLE, plan->avail),
		.used = vfs_arena_at(arena, VFS_ZONE_WRITABLE, plan->used),
		.shadow = vfs_page_alloc(
			&queue->session->page, plan->ring_size, sizeof(struct vfs_ring_shadow)),
	};
	struct vfs_barriers barriers = {
		.io = vfs_virtio_has(&session->virtio, VIRTIO_F_ORDER_PLATFORM)};
	int r;

	if (!memory.shadow)
		return -ENOMEM;
	queue->depth = plan->depth;
	r = vfs_ring_init(&queue->ring, plan->ring_size, &memory,
		vfs_virtio_has(&session->virtio, VIRTIO_RING_F_EVENT_IDX), barriers);
	if (r == 0 && plan->depth)
		r = create_slots(queue, plan);
	if (r == 0)
		r = vfs_observe_queue(queue, plan);
	return r;
}

void vfs_queue_destroy(struct vfs_queue *queue)
{
	vfs_wakeup_fini(&queue->wakeup);
	vfs_ring_fini(&queue->ring);
	free(queue->tables);
	free(queue->pieces);
}
