/* SPDX-License-Identifier: MIT */
#include "snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "text.h"

/* More than there are; whoever goes through all of them comes to an end. */
#define QUEUES_MAX   4096u
#define REQUESTS_MAX 16384u
#define EVENTS_MAX   (1u << 20)

static bool is_inside(uint64_t offset, uint64_t length, uint64_t size)
{
	return offset <= size && length <= size - offset;
}

static int no_page(const char *why)
{
	return vfs_error(
		-EPROTO, "that is no page of a session, or one of another version: %s", why);
}

/* Those of a shorter one, of before it had more, read as 0. */
static int copy_head(struct snapshot *snapshot)
{
	struct vfs_observe_page *head = &snapshot->head;
	size_t least = offsetof(struct vfs_observe_page, state);

	if (snapshot->size < least)
		return no_page("it is too short");
	memcpy(head, snapshot->bytes, least);
	if (memcmp(head->magic, VFS_OBSERVE_MAGIC, sizeof(head->magic)) != 0)
		return no_page("it does not begin as one does");
	if (head->version != VFS_OBSERVE_VERSION)
		return vfs_error(-EPROTO, "the page has the layout %u, and this program knows %u",
			head->version, VFS_OBSERVE_VERSION);
	if (head->head < least || head->head > snapshot->size)
		return no_page("its head has no size");
	memcpy(head, snapshot->bytes, min_size(head->head, sizeof(*head)));
	return 0;
}

static int check(const struct snapshot *snapshot)
{
	const struct vfs_observe_page *head = &snapshot->head;

	if (head->state == VFS_OBSERVE_STARTING)
		return vfs_error(-EAGAIN, "the session is being created");
	if (head->state > VFS_OBSERVE_FAILED)
		return no_page("its state is none");
	if (head->queue_info.stride < sizeof(struct vfs_observe_queue) || !head->queues.count ||
		head->queues.count > QUEUES_MAX || head->queue_info.count != head->queues.count ||
		!snapshot_element(snapshot, &head->queue_info, head->queue_info.count - 1) ||
		!snapshot_element(snapshot, &head->queues, head->queues.count - 1))
		return no_page("its queues are not in it");
	return 0;
}

int snapshot_init(struct snapshot *snapshot, uint8_t *bytes, size_t size)
{
	int r;

	*snapshot = (struct snapshot){.bytes = bytes, .size = size, .taken = vfs_tick_pair()};
	r = copy_head(snapshot);
	if (r == 0)
		r = check(snapshot);
	if (r < 0)
		snapshot_free(snapshot);
	snapshot->created = (struct vfs_tick_pair){
		snapshot->head.created_ticks, snapshot->head.created_ns};
	return r;
}

void snapshot_free(struct snapshot *snapshot)
{
	free(snapshot->bytes);
	*snapshot = (struct snapshot){0};
}

const void *snapshot_at(const struct snapshot *snapshot, uint64_t offset, size_t length)
{
	return is_inside(offset, length, snapshot->size) ? snapshot->bytes + offset : NULL;
}

const void *snapshot_element(
	const struct snapshot *snapshot, const struct vfs_observe_array *array, uint64_t index)
{
	uint64_t skip = index * array->stride;

	/* Both are less than 2^32. */
	if (index >= array->count || !array->stride ||
		!is_inside(array->offset, skip, snapshot->size))
		return NULL;
	return snapshot_at(snapshot, array->offset + skip, array->stride);
}

/* Of one of these sizes; any other is none. */
static uint64_t load(const uint8_t *bytes, size_t size)
{
	uint8_t n8;
	uint16_t n16;
	uint32_t n32;
	uint64_t n64;

	switch (size) {
	case sizeof(n8):
		memcpy(&n8, bytes, sizeof(n8));
		return n8;
	case sizeof(n16):
		memcpy(&n16, bytes, sizeof(n16));
		return n16;
	case sizeof(n32):
		memcpy(&n32, bytes, sizeof(n32));
		return n32;
	case sizeof(n64):
		memcpy(&n64, bytes, sizeof(n64));
		return n64;
	default:
		return 0;
	}
}

static uint64_t number(const struct snapshot *snapshot, const struct vfs_observe_array *array,
	uint64_t index, struct vfs_observe_field field)
{
	const uint8_t *element = snapshot_element(snapshot, array, index);

	if (!element || !is_inside(field.offset, field.size, array->stride))
		return 0;
	return load(element + field.offset, field.size);
}

bool snapshot_figure(
	const struct snapshot *snapshot, enum vfs_observe_figure figure, uint64_t *value)
{
	struct vfs_observe_place place = snapshot->head.figures[figure];
	const uint8_t *bytes = place.size <= sizeof(*value)
				       ? snapshot_at(snapshot, place.offset, place.size)
				       : NULL;

	if (!place.size || !bytes)
		return false;
	*value = load(bytes, place.size);
	return true;
}

unsigned int snapshot_num_queues(const struct snapshot *snapshot)
{
	return snapshot->head.queues.count;
}

/* What is not in there as a whole is nothing. */
static void confine(const struct snapshot *snapshot, struct vfs_observe_array *array, uint32_t max)
{
	if (array->count > max || !snapshot_element(snapshot, array, array->count - 1ull))
		array->count = 0;
}

struct vfs_observe_queue snapshot_queue(const struct snapshot *snapshot, unsigned int queue)
{
	const void *info = snapshot_element(snapshot, &snapshot->head.queue_info, queue);
	struct vfs_observe_queue result = {0};

	if (info)
		memcpy(&result, info, sizeof(result));
	/* A ring of another size is none. */
	if (!is_power_of_2(result.size) || result.size > 32768)
		result.size = 0;
	confine(snapshot, &result.requests, REQUESTS_MAX);
	confine(snapshot, &result.heads, 32768);
	confine(snapshot, &result.times, VFS_OBSERVE_OPCODES);
	confine(snapshot, &result.events, EVENTS_MAX);
	return result;
}

uint64_t snapshot_queue_field(
	const struct snapshot *snapshot, unsigned int queue, enum vfs_observe_queue_field field)
{
	return number(snapshot, &snapshot->head.queues, queue, snapshot->head.queue_fields[field]);
}

uint64_t snapshot_request_field(const struct snapshot *snapshot,
	const struct vfs_observe_queue *queue, uint64_t request,
	enum vfs_observe_request_field field)
{
	return number(snapshot, &queue->requests, request, snapshot->head.request_fields[field]);
}

uint64_t snapshot_head_field(const struct snapshot *snapshot, const struct vfs_observe_queue *queue,
	uint64_t head, enum vfs_observe_head_field field)
{
	return number(snapshot, &queue->heads, head, snapshot->head.head_fields[field]);
}

uint64_t snapshot_owed(const struct snapshot *snapshot, unsigned int queue)
{
	uint64_t submitted = snapshot_queue_field(snapshot, queue, VFS_OBSERVE_SUBMITTED);
	uint64_t completed = snapshot_queue_field(snapshot, queue, VFS_OBSERVE_COMPLETED);

	return submitted > completed ? submitted - completed : 0;
}

int64_t snapshot_request_at(
	const struct snapshot *snapshot, const struct vfs_observe_queue *queue, uint64_t head)
{
	uint64_t token = snapshot_head_field(snapshot, queue, head, VFS_OBSERVE_TOKEN);
	uint64_t stride = queue->requests.stride;

	if (!token || !stride || token < queue->token || (token - queue->token) % stride ||
		(token - queue->token) / stride >= queue->requests.count)
		return -1;
	return (int64_t)((token - queue->token) / stride);
}

bool snapshot_in_flight(
	const struct snapshot *snapshot, const struct vfs_observe_queue *queue, uint64_t request)
{
	return snapshot_request_field(snapshot, queue, request, VFS_OBSERVE_LENT) ||
	       snapshot_request_field(snapshot, queue, request, VFS_OBSERVE_STATE) ==
		       VFS_OBSERVE_IS_SUBMITTED;
}

uint64_t snapshot_ns(const struct snapshot *snapshot, uint64_t ticks)
{
	return vfs_ticks_to_ns(ticks, &snapshot->created, &snapshot->taken);
}

uint64_t snapshot_age_ns(const struct snapshot *snapshot, uint64_t ticks)
{
	/* Clocks of two processors may differ a little. */
	return ticks < snapshot->taken.ticks ? snapshot_ns(snapshot, snapshot->taken.ticks - ticks)
					     : 0;
}

bool snapshot_text(const struct snapshot *snapshot, uint64_t index, struct vfs_observe_text *text)
{
	const struct vfs_observe_array *texts = &snapshot->head.texts;
	uint64_t number = snapshot->head.num_texts - index;
	const void *element;

	if (index >= snapshot->head.num_texts || index >= texts->count ||
		texts->stride < sizeof(*text))
		return false;
	element = snapshot_element(snapshot, texts, (number - 1) % texts->count);
	if (!element)
		return false;
	memcpy(text, element, sizeof(*text));
	/* Another one is being written there. */
	return text->number == number;
}

void snapshot_last_text(const struct snapshot *snapshot, char *text, size_t size)
{
	struct vfs_observe_text last = {0};

	(void)snapshot_text(snapshot, 0, &last);
	text_escape(last.text, strnlen(last.text, sizeof(last.text)), text, size);
}

static bool in_pages(
	const struct snapshot *snapshot, uint64_t address, size_t length, uint64_t *offset)
{
	const struct vfs_observe_array *pages = &snapshot->head.arena_pages;
	uint64_t page_size = snapshot->head.arena_page_size;

	for (uint64_t i = 0; i < pages->count; i++) {
		const void *element = snapshot_element(snapshot, pages, i);
		uint64_t page;

		if (!element || pages->stride < sizeof(page))
			return false;
		memcpy(&page, element, sizeof(page));
		if (address < page || !is_inside(address - page, length, page_size))
			continue;
		return !__builtin_mul_overflow(i, page_size, offset) &&
		       !__builtin_add_overflow(*offset, address - page, offset);
	}
	return false;
}

bool snapshot_in_arena(
	const struct snapshot *snapshot, uint64_t address, size_t length, uint64_t *offset)
{
	const struct vfs_observe_page *head = &snapshot->head;

	if (head->arena_pages.count) {
		if (!in_pages(snapshot, address, length, offset))
			return false;
	} else {
		if (address < head->arena_address)
			return false;
		*offset = address - head->arena_address;
	}
	return is_inside(*offset, length, head->arena_size);
}
