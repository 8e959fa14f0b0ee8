/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include <linux/virtio_ring.h>

#include "ring.h"
#include "say.h"

/* Where things lie in the two rings: flags, index, entries, event. */
#define FLAGS	       0u
#define INDEX	       2u
#define ENTRIES	       4u
#define AVAIL_ENTRY(i) (ENTRIES + 2u * (i))
#define USED_ENTRY(i)  (ENTRIES + 8u * (i))

static int load16(struct ring *ring, struct view *view, uint64_t offset, uint16_t *value)
{
	const uint16_t *p = view_at(view, &ring->avail_window, ring->space, ring->avail + offset,
		sizeof(*p), ACCESS_READ);

	if (!p)
		return -EFAULT;
	*value = le16toh(__atomic_load_n(p, __ATOMIC_ACQUIRE));
	return 0;
}

static int store16(struct ring *ring, struct view *view, uint64_t offset, uint16_t value)
{
	uint16_t *p = view_at(view, &ring->used_window, ring->space, ring->used + offset,
		sizeof(*p), ACCESS_WRITE);

	if (!p)
		return -EFAULT;
	__atomic_store_n(p, htole16(value), __ATOMIC_RELEASE);
	return 0;
}

static int store32(struct ring *ring, struct view *view, uint64_t offset, uint32_t value)
{
	uint32_t *p = view_at(view, &ring->used_window, ring->space, ring->used + offset,
		sizeof(*p), ACCESS_WRITE);

	if (!p)
		return -EFAULT;
	__atomic_store_n(p, htole32(value), __ATOMIC_RELAXED);
	return 0;
}

/* The used index survives in the driver's memory; the available one is the front end's to know. */
int ring_start(struct ring *ring, struct view *view, uint16_t base)
{
	const uint16_t *used;

	if (!ring->size || ring->size > RING_SIZE_MAX || (ring->size & (ring->size - 1)) ||
		ring->desc % 16 || ring->avail % 2 || ring->used % 4)
		return -EINVAL;
	ring->desc_window = ring->avail_window = ring->used_window = (struct window){0};
	used = view_at(view, &ring->used_window, ring->space, ring->used + INDEX, sizeof(*used),
		ACCESS_WRITE);
	if (!used)
		return -EFAULT;
	ring->next_avail = base;
	ring->next_used = le16toh(*used);
	ring->called_at_known = false;
	return 0;
}

static int add_segment(struct chain *chain, const struct vring_desc *desc)
{
	uint16_t flags = le16toh(desc->flags);
	uint32_t size = le32toh(desc->len);
	size_t count = (size_t)chain->num_read + chain->num_write;

	if (!size) {
		say("a descriptor has no length");
		return -EPROTO;
	}
	if (!(flags & VRING_DESC_F_WRITE) && chain->num_write) {
		say("a readable descriptor follows a writable one");
		return -EPROTO;
	}
	if (count == chain->room) {
		size_t room = chain->room ? chain->room * 2 : 16;
		struct segment *segments = realloc(chain->segments, room * sizeof(*segments));

		if (!segments)
			return -ENOMEM;
		chain->segments = segments;
		chain->room = room;
	}
	chain->segments[count] = (struct segment){.address = le64toh(desc->addr), .size = size};
	if (flags & VRING_DESC_F_WRITE) {
		chain->num_write++;
		chain->writable += size;
	} else {
		chain->num_read++;
		chain->readable += size;
	}
	return 0;
}

/* Descriptor @index of the ring's own table. */
static int read_desc(struct ring *ring, struct view *view, uint16_t index, struct vring_desc *desc)
{
	const struct vring_desc *p;

	if (index >= ring->size) {
		say("descriptor %u in a ring of %u", index, ring->size);
		return -EPROTO;
	}
	p = view_at(view, &ring->desc_window, ring->space,
		ring->desc + (uint64_t)index * sizeof(*p), sizeof(*p), ACCESS_READ);
	if (!p)
		return -EFAULT;
	*desc = *p;
	return 0;
}

/* A table of its own; it may be anywhere, also across pages. */
static int read_indirect(const struct ring *ring, struct view *view, const struct vring_desc *table,
	struct chain *chain)
{
	uint32_t size = le32toh(table->len), count = size / (uint32_t)sizeof(*table);
	uint64_t address = le64toh(table->addr);
	uint32_t seen, next = 0;

	if (!ring->indirect || size % sizeof(*table) || !count || count > UINT16_MAX ||
		le16toh(table->flags) & (VRING_DESC_F_NEXT | VRING_DESC_F_WRITE)) {
		say("an indirect table of %u bytes, flags %#x, is not allowed", size,
			le16toh(table->flags));
		return -EPROTO;
	}
	for (seen = 0; seen < count; seen++) {
		struct vring_desc desc;
		int r = view_read(view, address + next * sizeof(desc), &desc, sizeof(desc));

		if (r == 0 && le16toh(desc.flags) & VRING_DESC_F_INDIRECT) {
			say("an indirect table within an indirect table");
			r = -EPROTO;
		}
		if (r == 0)
			r = add_segment(chain, &desc);
		if (r < 0 || !(le16toh(desc.flags) & VRING_DESC_F_NEXT))
			return r;
		next = le16toh(desc.next);
		if (next >= count)
			break;
	}
	say("an indirect table does not end");
	return -EPROTO;
}

static int read_chain(struct ring *ring, struct view *view, struct chain *chain)
{
	uint16_t seen, next = chain->head;

	for (seen = 0; seen < ring->size; seen++) {
		struct vring_desc desc;
		int r = read_desc(ring, view, next, &desc);

		if (r < 0)
			return r;
		if (le16toh(desc.flags) & VRING_DESC_F_INDIRECT)
			return read_indirect(ring, view, &desc, chain);
		r = add_segment(chain, &desc);
		if (r < 0 || !(le16toh(desc.flags) & VRING_DESC_F_NEXT))
			return r;
		next = le16toh(desc.next);
	}
	say("a chain of descriptors does not end");
	return -EPROTO;
}

/* How many chains wait. */
static int available(struct ring *ring, struct view *view, uint16_t *count)
{
	uint16_t index;
	int r = load16(ring, view, INDEX, &index);

	if (r < 0)
		return r;
	*count = (uint16_t)(index - ring->next_avail);
	if (*count <= ring->size)
		return 0;
	say("the available index jumps from %u to %u in a ring of %u", ring->next_avail, index,
		ring->size);
	return -EPROTO;
}

int ring_pop(struct ring *ring, struct view *view, struct chain *chain)
{
	uint16_t count;
	int r = available(ring, view, &count);

	if (r < 0 || !count)
		return r;
	*chain = (struct chain){.segments = chain->segments, .room = chain->room};
	r = load16(ring, view, AVAIL_ENTRY(ring->next_avail & (ring->size - 1u)), &chain->head);
	if (r == 0)
		r = read_chain(ring, view, chain);
	if (r < 0)
		return r;
	ring->next_avail++;
	return 1;
}

int ring_push(struct ring *ring, struct view *view, uint32_t head, uint32_t length)
{
	uint64_t entry = USED_ENTRY(ring->next_used & (ring->size - 1u));
	int r = store32(ring, view, entry, head);

	if (r == 0)
		r = store32(ring, view, entry + 4, length);
	if (r == 0)
		r = store16(ring, view, INDEX, (uint16_t)(ring->next_used + 1));
	if (r == 0)
		ring->next_used++;
	return r;
}

int ring_jump(struct ring *ring, struct view *view, uint32_t count)
{
	uint16_t index = (uint16_t)(ring->next_used + count);
	int r = store16(ring, view, INDEX, index);

	if (r == 0)
		ring->next_used = index;
	return r;
}

int ring_wants_call(struct ring *ring, struct view *view)
{
	uint16_t from = ring->called_at, value;
	bool known = ring->called_at_known;
	int r;

	/* The index has to be out before what the driver wants is read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	r = load16(ring, view, ring->event_idx ? AVAIL_ENTRY(ring->size) : FLAGS, &value);
	if (r < 0)
		return r;
	ring->called_at = ring->next_used;
	ring->called_at_known = true;
	if (!ring->event_idx)
		return !(value & VRING_AVAIL_F_NO_INTERRUPT);
	return !known || vring_need_event(value, ring->next_used, from);
}

int ring_want_kick(struct ring *ring, struct view *view)
{
	uint16_t count;
	int r;

	if (ring->event_idx)
		r = store16(ring, view, USED_ENTRY(ring->size), ring->next_avail);
	else
		r = store16(ring, view, FLAGS, 0);
	if (r < 0)
		return r;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	r = available(ring, view, &count);
	return r < 0 ? r : count > 0;
}

int ring_no_kick(struct ring *ring, struct view *view)
{
	/* With an event index the last one asked for is in the past already. */
	return ring->event_idx ? 0 : store16(ring, view, FLAGS, VRING_USED_F_NO_NOTIFY);
}

typedef int (*mover)(struct view *view, uint64_t address, char *buffer, size_t size);

static int move_in(struct view *view, uint64_t address, char *buffer, size_t size)
{
	return view_read(view, address, buffer, size);
}

static int move_out(struct view *view, uint64_t address, char *buffer, size_t size)
{
	return view_write(view, address, buffer, size);
}

static int walk(const struct segment *segments, uint16_t count, struct view *view, size_t offset,
	char *buffer, size_t size, mover move)
{
	uint16_t i;

	for (i = 0; i < count && size; i++) {
		size_t n;
		int r;

		if (offset >= segments[i].size) {
			offset -= segments[i].size;
			continue;
		}
		n = segments[i].size - offset;
		n = n < size ? n : size;
		r = move(view, segments[i].address + offset, buffer, n);
		if (r < 0)
			return r;
		buffer += n;
		size -= n;
		offset = 0;
	}
	return size ? -EPROTO : 0;
}

int chain_read(
	const struct chain *chain, struct view *view, size_t offset, void *buffer, size_t size)
{
	return walk(chain->segments, chain->num_read, view, offset, buffer, size, move_in);
}

int chain_write(const struct chain *chain, struct view *view, size_t offset, const void *buffer,
	size_t size)
{
	return walk(chain->segments + chain->num_read, chain->num_write, view, offset,
		(char *)(uintptr_t)buffer, size, move_out);
}

void chain_free(struct chain *chain)
{
	free(chain->segments);
	*chain = (struct chain){0};
}
