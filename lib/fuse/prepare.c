/* SPDX-License-Identifier: MIT */
/* From a message and its data to a chain of descriptors. */
#include <errno.h>
#include <string.h>

#include "core/core.h"
#include "fuse/fuse.h"

/* Of one request, so that the length of a message and its answer together has 32 bits. */
#define DATA_MAX ((uint32_t)INT32_MAX)

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
	if (request->length <= VFS_REQUEST_HEAD) {
		vfs_chain_begin(&request->chain, request->page_addr + offset, request->length);
		return true;
	}
	vfs_chain_clear(&request->chain);
	vfs_observe_sent(request, request->length - VFS_REQUEST_HEAD);
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

/* Not registered: by way of the slot, behind the message and what else is copied. */
static __attribute__((noinline)) int add_bounced(
	struct vfs_request *request, struct vfs_piece *piece, bool received)
{
	struct vfs_request_data *data = &request->data;
	size_t taken = data->bounced;

	if (request->length > VFS_REQUEST_HEAD)
		taken += request->length - VFS_REQUEST_HEAD;
	if (piece->iov.iov_len > request->payload_size - taken)
		return vfs_error(-E2BIG,
			"data that is not registered does not fit into a request of %zu bytes",
			request->payload_size);
	piece->held = NULL;
	piece->bounce = request->page + VFS_SLOT_HEADER_SIZE + taken;
	data->used++;
	data->bounced += piece->iov.iov_len;
	if (!piece->iov.iov_len)
		return 0;
	if (!received)
		memcpy(piece->bounce, piece->iov.iov_base, piece->iov.iov_len);
	if (!vfs_chain_add_memory(&request->chain, &request->queue->session->arena.mapping,
		    piece->bounce, piece->iov.iov_len, received))
		return vfs_chain_too_long(&request->chain);
	return 0;
}

static inline int add_registered(
	struct vfs_request *request, struct vfs_piece *piece, struct vfs_mem *mem, bool received)
{
	if (!vfs_chain_add_memory(&request->chain, &mem->mapping, piece->iov.iov_base,
		    piece->iov.iov_len, received))
		return vfs_chain_too_long(&request->chain);
	piece->held = vfs_mem_hold(mem, request->queue->index);
	request->data.used++;
	return 0;
}

static __attribute__((noinline)) int search_and_add(
	struct vfs_request *request, struct vfs_piece *piece, bool received)
{
	struct vfs_mem *mem = vfs_mem_search(
		&request->queue->session->mems, &request->data.last, &piece->iov, received);

	return mem ? add_registered(request, piece, mem, received)
		   : add_bounced(request, piece, received);
}

static inline int add_piece(struct vfs_request *request, struct vfs_piece *piece, bool received)
{
	struct vfs_mem *mem = vfs_mem_find_again(
		&request->queue->session->mems, &request->data.last, &piece->iov, received);

	return mem ? add_registered(request, piece, mem, received)
		   : search_and_add(request, piece, received);
}

static int too_much(void)
{
	return vfs_error(-E2BIG, "more than %u bytes of data", DATA_MAX);
}

static int add_sent(struct vfs_request *request)
{
	const struct vfs_reply_shape *shape = &request->reply.shape;
	struct fuse_in_header *header = vfs_request_message(request);
	struct vfs_request_data *data = &request->data;
	size_t bytes = 0;

	for (unsigned int i = 0; i < data->count; i++) {
		struct vfs_piece *piece = &data->pieces[i];
		int r;

		if (piece->iov.iov_len > DATA_MAX - bytes)
			return too_much();
		bytes += piece->iov.iov_len;
		r = add_piece(request, piece, false);
		if (r < 0)
			return r;
	}
	vfs_observe_sent(request, bytes);
	header->len = request->length + (uint32_t)bytes;
	if (!shape->none && !vfs_chain_add_answer(request, shape->max))
		return vfs_chain_too_long(&request->chain);
	return 0;
}

static int no_room(const struct vfs_request *request, size_t missing)
{
	uint32_t max = request->reply.shape.max;

	return vfs_error(
		-EINVAL, "room for %zu bytes, and the answer may have %u", max - missing, max);
}

/* There may be more room: the device may write no more than was asked for. */
static int add_received(struct vfs_request *request)
{
	const struct vfs_request_data *data = &request->data;
	unsigned int rest = data->count;
	size_t left = request->reply.shape.max;
	struct vfs_piece *piece;

	if (left > DATA_MAX)
		return too_much();
	if (!vfs_chain_add_answer(request, 0))
		return vfs_chain_too_long(&request->chain);
	for (piece = data->pieces; left > 0; piece++) {
		int r;

		if (rest-- == 0)
			return no_room(request, left);
		piece->iov.iov_len = min_size(piece->iov.iov_len, left);
		left -= piece->iov.iov_len;
		r = add_piece(request, piece, true);
		if (r < 0)
			return r;
	}
	return 0;
}

static inline int place_data(struct vfs_request *request)
{
	enum vfs_direction direction = vfs_opcodes[request->opcode].data;

	request->data.received = direction == VFS_DATA_RECEIVED;
	if (direction == VFS_DATA_RECEIVED)
		return add_received(request);
	if (direction == VFS_DATA_SENT)
		return add_sent(request);
	return vfs_error(-EINVAL, "opcode %u has no data", request->opcode);
}

/* Where message and answer are, and what the device sees of them. */
static inline int place(struct vfs_request *request)
{
	const struct vfs_reply_shape *shape = &request->reply.shape;

	request->body = request->page + sizeof(struct fuse_out_header);
	if (!add_message(request))
		return vfs_chain_too_long(&request->chain);
	if (request->data.count)
		return place_data(request);
	if (shape->max > VFS_SMALL_BODY_MAX)
		return place_large_body(request);
	if (!shape->none && !vfs_chain_add_answer(request, shape->max))
		return vfs_chain_too_long(&request->chain);
	return 0;
}

VFS_EXPORT int vfs_request_prepare(struct vfs_request *request, size_t length)
{
	struct fuse_in_header *header = vfs_slot_message(request);
	int r = vfs_request_begin_anew(request);

	if (r < 0)
		return r;
	if (length > vfs_slot_capacity(request))
		return vfs_error(
			-EINVAL, "a message of %zu bytes is larger than a request", length);
	request->data.bounced = 0;
	r = vfs_opcode_shape(header, length, &request->reply.shape, &request->opcode);
	if (r < 0)
		return r;
	if (r > 0 && request != request->queue->reserved)
		return vfs_error(-EINVAL, "INIT and DESTROY belong to the session");
	request->length = header->len = (uint32_t)length;
	r = place(request);
	if (r < 0) {
		vfs_data_let_go(&request->data);
		return r;
	}
	request->reply.unique = header->unique;
	if (!request->reply.unique)
		header->unique = request->reply.unique = vfs_request_next_unique(request);
	/* A length that is believed has to be of this answer. */
	if (request->reply.quirks & VFS_QUIRK_USED_LEN_ZERO)
		memset(request->page, 0, sizeof(struct fuse_out_header));
	request->state = VFS_REQUEST_PREPARED;
	return 0;
}
