/* SPDX-License-Identifier: MIT */
/*
 * GETATTR of the root in a loop that does nothing else. Descriptors are written once, and there is
 * one kind of message and one size of an answer; but each message is written anew with a unique of
 * its own, each completion and the header of each answer are checked, and notifications are those
 * that the device asks for, by the event index if it has it. So it is the least that a client which
 * may believe its answers has to do, and what the library adds to it is the price of the library.
 *
 * A daemon that finds the next message before it has gone to sleep answers it much sooner, since it
 * need not be woken. A loop as short as this one comes in time for that now and then, and no
 *program that does anything with its answers. WORK makes it such a program: so many turns of a loop
 *of six instructions between the answers and the next messages.
 *
 *	bare-loop DEVICE COUNT DEPTH poll|interrupt [WORK]
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include <vfs/fuse_abi.h>

#include "core/core.h"
#include "discovery/device.h"
#include "dma/dma.h"
#include "transport/transport.h"
#include "virtio/virtio.h"

#define RING	 128u
#define IN_SIZE	 (sizeof(struct fuse_in_header) + sizeof(struct fuse_getattr_in))
#define INIT_IN	 (sizeof(struct fuse_in_header) + sizeof(struct fuse_init_in))
#define OUT_SIZE (sizeof(struct fuse_out_header) + sizeof(struct fuse_attr_out))
#define SLOT	 512u /* a message at 0, its answer at 256 */
#define ANSWER	 256u
#define QUEUES	 16u
#define REQUESTS 1u /* the first request queue */

/* Of the index space: no completion comes near it soon. */
#define FAR_AWAY 0x8000u

struct ring {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint8_t *slots;
};

struct loop {
	struct vfs_device *device;
	struct vfs_virtio virtio;
	struct vfs_address_space space;
	struct vfs_arena arena;
	struct ring rings[QUEUES];
	uint16_t added;
	uint16_t seen;
	bool event_idx;
	bool sleeps;
	uint64_t unique;	    /* of the newest message */
	uint64_t uniques[RING / 2]; /* that are in flight; 0: none */
};

struct message {
	struct fuse_in_header header;
	struct fuse_getattr_in in;
};

static uint64_t address(const struct loop *loop, const void *where)
{
	size_t contiguous;

	return vfs_mapping_address(&loop->arena.mapping, where, &contiguous);
}

static int choose_addresses(struct loop *loop)
{
	struct vfs_device *device = loop->device;
	struct vfs_addressing_facts facts = {
		.access_platform = device->info.features >> VIRTIO_F_ACCESS_PLATFORM & 1,
		.translation = device->transport->limits.translation,
		.physical_known = vfs_pagemap_usable(),
	};
	enum vfs_addressing addressing;
	int r = vfs_addressing_choose(device->info.name, &facts, &addressing);

	if (r == 0)
		vfs_address_space_init(&loop->space, device->transport, addressing);
	return r;
}

/* Each part in a block of its own, so that none is divided. */
static int create_memory(struct loop *loop)
{
	struct vfs_arena_plan plan = {.contiguous = VFS_PAGE_SIZE};
	unsigned int queues = loop->device->transport->num_queues;
	size_t at[QUEUES][3];
	size_t slots;
	unsigned int i;
	int r;

	for (i = 0; i < queues; i++) {
		at[i][0] = vfs_arena_plan_add(
			&plan, VFS_ZONE_WRITABLE, vfs_ring_desc_bytes(RING), VFS_PAGE_SIZE);
		at[i][1] = vfs_arena_plan_add(
			&plan, VFS_ZONE_WRITABLE, vfs_ring_avail_bytes(RING), VFS_PAGE_SIZE);
		at[i][2] = vfs_arena_plan_add(
			&plan, VFS_ZONE_WRITABLE, vfs_ring_used_bytes(RING), VFS_PAGE_SIZE);
	}
	slots = vfs_arena_plan_add(
		&plan, VFS_ZONE_WRITABLE, (size_t)RING / 2 * SLOT, VFS_PAGE_SIZE);
	r = vfs_arena_create(&loop->space, &plan, "bare-loop", false, &loop->arena);
	for (i = 0; i < queues && r == 0; i++)
		loop->rings[i] = (struct ring){
			.desc = vfs_arena_at(&loop->arena, VFS_ZONE_WRITABLE, at[i][0]),
			.avail = vfs_arena_at(&loop->arena, VFS_ZONE_WRITABLE, at[i][1]),
			.used = vfs_arena_at(&loop->arena, VFS_ZONE_WRITABLE, at[i][2]),
			.slots = vfs_arena_at(&loop->arena, VFS_ZONE_WRITABLE, slots),
		};
	return r;
}

static int start(struct loop *loop)
{
	struct vfs_transport *t = loop->device->transport;
	unsigned int i;
	int r = t->ops->set_bus_master(t, true);

	if (r == 0)
		r = t->ops->enable_interrupts(t, t->num_queues);
	for (i = 0; i < t->num_queues && r == 0; i++) {
		struct ring *ring = &loop->rings[i];
		struct vfs_queue_layout layout = {
			.size = RING,
			.desc = address(loop, ring->desc),
			.avail = address(loop, ring->avail),
			.used = address(loop, ring->used),
		};

		ring->avail->flags = loop->sleeps || loop->event_idx
					     ? 0
					     : htole16(VRING_AVAIL_F_NO_INTERRUPT);
		ring->avail->ring[RING] = htole16(FAR_AWAY);
		if (t->ops->queue_max_size(t, (uint16_t)i) >= (int)RING)
			r = t->ops->enable_queue(t, (uint16_t)i, &layout);
	}
	return r == 0 ? vfs_virtio_start(&loop->virtio) : r;
}

/* Descriptors 2i and 2i + 1: message and answer of slot i. */
static void describe(struct loop *loop, unsigned int slot, size_t in_size)
{
	struct ring *ring = &loop->rings[REQUESTS];
	uint8_t *memory = ring->slots + (size_t)slot * SLOT;

	ring->desc[2 * slot] = (struct vring_desc){
		.addr = htole64(address(loop, memory)),
		.len = htole32((uint32_t)in_size),
		.flags = htole16(VRING_DESC_F_NEXT),
		.next = htole16((uint16_t)(2 * slot + 1)),
	};
	ring->desc[2 * slot + 1] = (struct vring_desc){
		.addr = htole64(address(loop, memory + ANSWER)),
		.len = htole32(OUT_SIZE),
		.flags = htole16(VRING_DESC_F_WRITE),
	};
}

static void fail(const char *what)
{
	fprintf(stderr, "bare-loop: %s\n", what);
	exit(1);
}

/* Not yet visible. */
static inline void add(struct loop *loop, unsigned int slot)
{
	struct vring_avail *avail = loop->rings[REQUESTS].avail;

	avail->ring[loop->added++ % RING] = htole16((uint16_t)(2 * slot));
}

static inline void ask(struct loop *loop, unsigned int slot)
{
	struct message *message = (void *)(loop->rings[REQUESTS].slots + (size_t)slot * SLOT);

	loop->unique += 2;
	*message = (struct message){
		.header =
			{
				.len = IN_SIZE,
				.opcode = FUSE_GETATTR,
				.unique = loop->unique,
				.nodeid = FUSE_ROOT_ID,
			},
	};
	loop->uniques[slot] = loop->unique;
	add(loop, slot);
}

/* Does it want to be notified of what is between these two? */
static inline bool is_awaited(const struct loop *loop, uint16_t old, uint16_t added)
{
	const struct vring_used *used = loop->rings[REQUESTS].used;
	const uint16_t *event = (const void *)&used->ring[RING];

	if (loop->event_idx)
		return vring_need_event(
			le16toh(__atomic_load_n(event, __ATOMIC_RELAXED)), added, old);
	return !(le16toh(__atomic_load_n(&used->flags, __ATOMIC_RELAXED)) & VRING_USED_F_NO_NOTIFY);
}

static inline void publish(struct loop *loop, uint16_t old)
{
	struct vfs_transport *t = loop->device->transport;
	struct vring_avail *avail = loop->rings[REQUESTS].avail;

	/* One interrupt, for the last one. */
	if (loop->sleeps && loop->event_idx)
		avail->ring[RING] = htole16((uint16_t)(loop->added - 1));
	__atomic_store_n(&avail->idx, htole16(loop->added), __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (is_awaited(loop, old, loop->added))
		t->ops->notify(t, REQUESTS);
}

static void sleep_for_it(struct loop *loop)
{
	struct vfs_transport *t = loop->device->transport;
	struct pollfd pfd = {.fd = t->ops->queue_fd(t, REQUESTS), .events = POLLIN};

	if (poll(&pfd, 1, 10000) != 1)
		fail("no answer");
	vfs_eventfd_clear(pfd.fd);
}

/* The slot that was answered next. */
static inline unsigned int next_answered(struct loop *loop, uint32_t len)
{
	const struct vring_used *used = loop->rings[REQUESTS].used;
	const struct vring_used_elem *elem = &used->ring[loop->seen++ % RING];
	uint32_t id = le32toh(__atomic_load_n(&elem->id, __ATOMIC_RELAXED));

	if (id >= RING || id % 2 || le32toh(__atomic_load_n(&elem->len, __ATOMIC_RELAXED)) != len)
		fail("a completion that is none");
	return id / 2;
}

static inline void take(struct loop *loop)
{
	unsigned int slot = next_answered(loop, OUT_SIZE);
	struct fuse_out_header out;

	memcpy(&out, loop->rings[REQUESTS].slots + (size_t)slot * SLOT + ANSWER, sizeof(out));
	if (!loop->uniques[slot] || out.unique != loop->uniques[slot] || out.len != OUT_SIZE ||
		out.error)
		fail("an answer that is not to the message, or an error");
	loop->uniques[slot] = 0;
}

/* So many as have been completed. */
static inline uint16_t completed(struct loop *loop)
{
	const uint16_t *idx = &loop->rings[REQUESTS].used->idx;
	uint16_t count = (uint16_t)(le16toh(__atomic_load_n(idx, __ATOMIC_ACQUIRE)) - loop->seen);

	if (count > (uint16_t)(loop->added - loop->seen))
		fail("an index that jumped");
	return count;
}

static inline uint16_t wait_for_some(struct loop *loop)
{
	uint16_t count;

	while ((count = completed(loop)) == 0) {
		if (loop->sleeps)
			sleep_for_it(loop);
		else
			vfs_cpu_relax();
	}
	return count;
}

/* @depth messages at once, and all their answers. */
static void exchange(struct loop *loop, unsigned int depth)
{
	uint16_t old = loop->added;
	unsigned int i;

	for (i = 0; i < depth; i++)
		ask(loop, i);
	publish(loop, old);
	while (loop->seen != loop->added)
		for (i = wait_for_some(loop); i; i--)
			take(loop);
}

static void connect(struct loop *loop)
{
	struct {
		struct fuse_in_header header;
		struct fuse_init_in in;
	} init = {
		.header = {.len = INIT_IN, .opcode = FUSE_INIT, .unique = 2},
		.in = {.major = FUSE_KERNEL_VERSION, .minor = 36, .max_readahead = 1u << 20},
	};

	describe(loop, 0, INIT_IN);
	memcpy(loop->rings[REQUESTS].slots, &init, INIT_IN);
	add(loop, 0);
	publish(loop, 0);
	wait_for_some(loop);
	(void)next_answered(loop, sizeof(struct fuse_out_header) + sizeof(struct fuse_init_out));
	loop->unique = init.header.unique;
}

static inline void work(unsigned long turns)
{
	for (volatile unsigned long i = 0; i < turns; i++)
		;
}

static void run(struct loop *loop, unsigned long count, unsigned int depth, unsigned long turns)
{
	unsigned long rounds = count / depth;
	uint64_t begin;
	unsigned long i;

	connect(loop);
	for (i = 0; i < depth; i++)
		describe(loop, (unsigned int)i, IN_SIZE);
	begin = vfs_now_ns();
	for (i = 0; i < rounds; i++) {
		exchange(loop, depth);
		work(turns);
	}
	printf("ns_per_op=%" PRIu64 "\n", (vfs_now_ns() - begin) / (rounds * depth));
}

static int prepare(struct loop *loop)
{
	int r = choose_addresses(loop);

	loop->virtio.transport = loop->device->transport;
	loop->virtio.timeout_ms = VFS_DEVICE_RESET_MS;
	if (r == 0)
		r = vfs_virtio_negotiate(&loop->virtio,
			1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_F_ACCESS_PLATFORM |
				1ull << VIRTIO_RING_F_EVENT_IDX,
			0);
	loop->event_idx = vfs_virtio_has(&loop->virtio, VIRTIO_RING_F_EVENT_IDX);
	if (r == 0)
		r = create_memory(loop);
	if (r == 0)
		r = start(loop);
	if (r < 0)
		fprintf(stderr, "bare-loop: %s\n", vfs_last_error());
	return r;
}

int main(int argc, char **argv)
{
	static struct loop loop;
	bool complete = argc == 5 || argc == 6;
	unsigned long count = complete ? strtoul(argv[2], NULL, 10) : 0;
	unsigned long depth = complete ? strtoul(argv[3], NULL, 10) : 0;
	unsigned long turns = argc == 6 ? strtoul(argv[5], NULL, 10) : 0;
	int r;

	if (depth < 1 || depth > RING / 2 || count < depth) {
		fprintf(stderr, "usage: bare-loop DEVICE COUNT DEPTH poll|interrupt [WORK]\n");
		return 2;
	}
	loop.sleeps = strcmp(argv[4], "interrupt") == 0;
	if (vfs_device_open(argv[1], NULL, &loop.device) < 0) {
		fprintf(stderr, "bare-loop: %s\n", vfs_last_error());
		return 1;
	}
	r = prepare(&loop);
	if (r == 0)
		run(&loop, count, (unsigned int)depth, turns);
	(void)vfs_virtio_stop(&loop.virtio);
	vfs_arena_destroy(&loop.arena);
	vfs_address_space_fini(&loop.space);
	vfs_device_close(loop.device);
	return r < 0;
}
