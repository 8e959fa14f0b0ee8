/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "core/core.h"
#include "fuse/fuse.h"

static void reset(struct vfs_request *request)
{
	request->next = NULL;
	request->state = VFS_REQUEST_TAKEN;
	request->user_data = NULL;
	request->timeout_ns = 0;
	request->ended = false;
	request->data.count = 0;
	request->deadline_ns = 0;
}

VFS_EXPORT struct vfs_request *vfs_request_get(struct vfs_queue *queue)
{
	struct vfs_request *request = queue->free;

	if (!request)
		return NULL;
	queue->free = request->next;
	reset(request);
	return request;
}

struct vfs_request *vfs_queue_take_reserved(struct vfs_queue *queue)
{
	struct vfs_request *request = queue->reserved;

	if (request->lent || request->state != VFS_REQUEST_FREE)
		return NULL;
	reset(request);
	return request;
}

void vfs_request_put_back(struct vfs_request *request)
{
	request->next = request->queue->free;
	request->queue->free = request;
}

VFS_EXPORT void vfs_request_put(struct vfs_request *request)
{
	if (!request || request->state == VFS_REQUEST_SUBMITTED ||
		request->state == VFS_REQUEST_FREE)
		return;
	if (!request->lent)
		vfs_data_let_go(&request->data);
	request->state = VFS_REQUEST_FREE;
	/* One that the device has still is put back when it returns it. */
	if (request != request->queue->reserved && !request->lent)
		vfs_request_put_back(request);
}

static void *message_of(const struct vfs_request *request)
{
	return request->page + VFS_SLOT_HEADER_SIZE - VFS_REQUEST_HEAD;
}

VFS_EXPORT void *vfs_request_message(struct vfs_request *request)
{
	return message_of(request);
}

static size_t capacity(const struct vfs_request *request)
{
	return VFS_REQUEST_HEAD + request->payload_size;
}

VFS_EXPORT size_t vfs_request_capacity(const struct vfs_request *request)
{
	return capacity(request);
}

int vfs_chain_too_long(const struct vfs_chain *chain)
{
	return vfs_error(-E2BIG,
		"a message and its answer are in more pieces than the %zu that a descriptor chain "
		"has",
		chain->room);
}

bool vfs_chain_add_scattered(struct vfs_chain *chain, const struct vfs_mapping *mapping,
	const uint8_t *start, size_t length, bool written)
{
	while (length > 0) {
		size_t contiguous;
		uint64_t address = vfs_mapping_address(mapping, start, &contiguous);
		size_t piece = min_size(length, contiguous);

		if (!vfs_chain_add(chain, address, (uint32_t)piece, written))
			return false;
		start += piece;
		length -= piece;
	}
	return true;
}

/* Of the slot. */
static __attribute__((noinline)) bool add_memory(
	struct vfs_request *request, const uint8_t *start, size_t length, bool written)
{
	return vfs_chain_add_memory(
		&request->chain, &request->queue->session->arena.mapping, start, length, written);
}

static inline bool add_message(struct vfs_request *request)
{
	size_t offset = VFS_SLOT_HEADER_SIZE - VFS_REQUEST_HEAD;

	/* The slot's first page is in one piece. */
	if (request->length <= VFS_REQUEST_HEAD)
		return vfs_chain_add(
			&request->chain, request->page_addr + offset, request->length, false);
	return add_memory(request, request->page + offset, request->length, false);
}

/* A large body is behind the message, on a page of its own. */
static __attribute__((noinline)) int place_large_body(struct vfs_request *request)
{
	size_t message_end = VFS_SLOT_HEADER_SIZE;
	size_t max = request->reply.shape.max;

	if (request->length > VFS_REQUEST_HEAD)
		message_end += align_up(request->length - VFS_REQUEST_HEAD, VFS_PAGE_SIZE);
	if (max > VFS_SLOT_HEADER_SIZE + request->payload_size - message_end)
		return vfs_error(-E2BIG,
			"a message of %u bytes and an answer of %zu do not fit into a request",
			request->length, max);
	request->body = request->page + message_end;
	if (!vfs_chain_add_answer(request, 0) || !add_memory(request, request->body, max, true))
		return vfs_chain_too_long(&request->chain);
	return 0;
}

/* Where message and answer are, and what the device sees of them. */
static inline __attribute__((always_inline)) int place(struct vfs_request *request)
{
	const struct vfs_reply_shape *shape = &request->reply.shape;

	vfs_chain_clear(&request->chain);
	request->body = request->page + sizeof(struct fuse_out_header);
	if (!add_message(request))
		return vfs_chain_too_long(&request->chain);
	if (request->data.count)
		return vfs_data_place(request);
	if (shape->max > VFS_SMALL_BODY_MAX)
		return place_large_body(request);
	if (!shape->none && !vfs_chain_add_answer(request, shape->max))
		return vfs_chain_too_long(&request->chain);
	return 0;
}

static uint64_t next_unique(struct vfs_request *request)
{
	return request->unique_base | (uint64_t)++request->uses << 1;
}

static inline __attribute__((always_inline)) int prepare(
	struct vfs_request *request, size_t length, bool of_session)
{
	struct fuse_in_header *header = message_of(request);
	int r;

	if (request->state != VFS_REQUEST_TAKEN && request->state != VFS_REQUEST_PREPARED)
		return vfs_error(-EINVAL, "the request is in flight or was not taken");
	if (length > capacity(request))
		return vfs_error(
			-EINVAL, "a message of %zu bytes is larger than a request", length);
	request->state = VFS_REQUEST_TAKEN;
	vfs_data_let_go(&request->data);
	request->data.bounced = 0;
	r = vfs_opcode_shape(header, length, &request->reply.shape, &request->opcode);
	if (r < 0)
		return r;
	if (r > 0 && !of_session)
		return vfs_error(-EINVAL, "INIT and DESTROY belong to the session");
	request->length = header->len = (uint32_t)length;
	r = place(request);
	if (r < 0)
		return r;
	request->reply.unique = header->unique;
	if (!request->reply.unique)
		header->unique = request->reply.unique = next_unique(request);
	/* A length that is believed has to be of this answer. */
	if (request->reply.quirks & VFS_QUIRK_USED_LEN_ZERO)
		memset(request->page, 0, sizeof(struct fuse_out_header));
	request->state = VFS_REQUEST_PREPARED;
	return 0;
}

int vfs_request_prepare_any(struct vfs_request *request, size_t length)
{
	return prepare(request, length, true);
}

VFS_EXPORT int vfs_request_prepare(struct vfs_request *request, size_t length)
{
	return prepare(request, length, false);
}

VFS_EXPORT void vfs_request_set_user_data(struct vfs_request *request, void *data)
{
	request->user_data = data;
}

VFS_EXPORT void *vfs_request_user_data(const struct vfs_request *request)
{
	return request->user_data;
}
