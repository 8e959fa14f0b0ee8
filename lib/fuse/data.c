/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "core/core.h"
#include "fuse/fuse.h"
#include "fuse/opcode.h"

VFS_EXPORT int vfs_request_set_data(
	struct vfs_request *request, const struct iovec *iov, unsigned int count)
{
	struct vfs_request_data *data = &request->data;
	unsigned int i;

	if (request->state != VFS_REQUEST_TAKEN && request->state != VFS_REQUEST_PREPARED)
		return vfs_error(-EINVAL, "the request is in flight or was not taken");
	if (count > VFS_REQUEST_DATA_MAX)
		return vfs_error(-E2BIG, "data in %u pieces, and no more than %u are taken", count,
			VFS_REQUEST_DATA_MAX);
	vfs_data_let_go(request);
	request->state = VFS_REQUEST_TAKEN;
	for (i = 0; i < count; i++) {
		data->pieces[i].addr = iov[i].iov_base;
		data->pieces[i].length = iov[i].iov_len;
	}
	data->count = count;
	return 0;
}

/* How many of the pieces are needed, and how many bytes they have. */
static int measure(struct vfs_request *request)
{
	struct vfs_request_data *data = &request->data;
	uint64_t wanted = data->received ? request->reply.shape.max : UINT64_MAX;
	uint64_t length = 0;

	for (data->used = 0; data->used < data->count && length < wanted; data->used++) {
		struct vfs_piece *piece = &data->pieces[data->used];

		/* The device may write no more than was asked for. */
		if (piece->length > wanted - length)
			piece->length = (size_t)(wanted - length);
		if (piece->length > UINT32_MAX - request->length - length)
			return vfs_error(-E2BIG, "more data than a message can have");
		length += piece->length;
	}
	if (data->received && length < wanted)
		return vfs_error(-EINVAL, "room for %llu bytes, and the answer may have %u",
			(unsigned long long)length, request->reply.shape.max);
	data->length = (uint32_t)length;
	return 0;
}

/* Where in the slot bytes are that are copied: behind the message. */
static int place_pieces(struct vfs_request *request)
{
	struct vfs_queue *queue = request->queue;
	struct vfs_request_data *data = &request->data;
	size_t room = request->payload_size;
	size_t taken = request->length > VFS_REQUEST_HEAD ? request->length - VFS_REQUEST_HEAD : 0;
	unsigned int i;

	data->bounced = false;
	for (i = 0; i < data->used; i++) {
		struct vfs_piece *piece = &data->pieces[i];

		piece->mem = vfs_mem_find(&queue->session->mems, &data->last, piece->addr,
			piece->length, data->received);
		if (piece->mem)
			continue;
		if (piece->length > room - taken)
			return vfs_error(-E2BIG,
				"data that is not registered does not fit into a request of %zu "
				"bytes",
				room);
		data->bounced = true;
		piece->bounce = request->page + VFS_SLOT_HEADER_SIZE + taken;
		taken += piece->length;
	}
	return 0;
}

static void copy_sent(const struct vfs_request_data *data)
{
	unsigned int i;

	for (i = 0; i < data->used; i++)
		if (!data->pieces[i].mem && data->pieces[i].length)
			memcpy(data->pieces[i].bounce, data->pieces[i].addr,
				data->pieces[i].length);
}

static size_t count_segments(const struct vfs_mapping *mapping, const uint8_t *start, size_t length)
{
	size_t count = 0;

	while (length > 0) {
		size_t contiguous;

		(void)vfs_mapping_address(mapping, start, &contiguous);
		contiguous = min_size(contiguous, length);
		start += contiguous;
		length -= contiguous;
		count++;
	}
	return count;
}

static int check_chain(struct vfs_request *request)
{
	const struct vfs_mapping *slots = &request->queue->session->arena.mapping;
	const struct vfs_request_data *data = &request->data;
	unsigned int max = request->queue->max_segments;
	size_t count = 1; /* the answer's header, and a small body with it */
	unsigned int i;

	/* With addresses of our own the message and each piece are in one piece on the bus. */
	if (!slots->pages && count + 1 + data->used <= max)
		return 0;
	count += count_segments(slots, vfs_request_message(request), request->length);
	for (i = 0; i < data->used && count <= max; i++) {
		const struct vfs_piece *piece = &data->pieces[i];

		count += piece->mem
				 ? count_segments(&piece->mem->mapping, piece->addr, piece->length)
				 : count_segments(slots, piece->bounce, piece->length);
	}
	if (count <= max)
		return 0;
	return vfs_error(
		-E2BIG, "data in more pieces than the %u that a descriptor chain has", max);
}

static void hold(struct vfs_request *request)
{
	struct vfs_request_data *data = &request->data;
	unsigned int i;

	for (i = 0; i < data->used; i++)
		if (data->pieces[i].mem)
			vfs_mem_hold(data->pieces[i].mem, request->queue->index);
	data->held = true;
}

void vfs_data_let_go(struct vfs_request *request)
{
	struct vfs_request_data *data = &request->data;
	unsigned int i;

	if (!data->held)
		return;
	for (i = 0; i < data->used; i++)
		if (data->pieces[i].mem)
			vfs_mem_let_go(data->pieces[i].mem, request->queue->index);
	data->held = false;
}

int vfs_data_place(struct vfs_request *request)
{
	struct vfs_request_data *data = &request->data;
	unsigned int direction = vfs_opcode_find(request->opcode)->data;
	int r;

	if (direction == VFS_DATA_NONE)
		return vfs_error(-EINVAL, "opcode %u has no data", request->opcode);
	data->received = direction == VFS_DATA_RECEIVED;
	request->body = request->page + sizeof(struct fuse_out_header);
	r = measure(request);
	if (r == 0)
		r = place_pieces(request);
	if (r == 0)
		r = check_chain(request);
	if (r < 0)
		return r;
	if (!data->received && data->bounced)
		copy_sent(data);
	hold(request);
	return 0;
}

unsigned int vfs_data_segments(const struct vfs_request *request, struct vfs_segment *segments,
	unsigned int count, unsigned int max)
{
	const struct vfs_mapping *slots = &request->queue->session->arena.mapping;
	const struct vfs_request_data *data = &request->data;
	unsigned int i;

	for (i = 0; i < data->used; i++) {
		const struct vfs_piece *piece = &data->pieces[i];

		if (piece->mem)
			count = vfs_add_segments(&piece->mem->mapping, piece->addr, piece->length,
				segments, count, max);
		else
			count = vfs_add_segments(
				slots, piece->bounce, piece->length, segments, count, max);
	}
	return count;
}

void vfs_data_receive(struct vfs_request *request, uint32_t length)
{
	const struct vfs_request_data *data = &request->data;
	size_t left = length;
	unsigned int i;

	for (i = 0; i < data->used && left > 0; i++) {
		const struct vfs_piece *piece = &data->pieces[i];
		size_t bytes = min_size(left, piece->length);

		if (!piece->mem)
			memcpy(piece->addr, piece->bounce, bytes);
		left -= bytes;
	}
}

const uint8_t *vfs_data_in_slot(const struct vfs_request_data *data)
{
	unsigned int i;

	for (i = 0; i < data->used; i++)
		if (data->pieces[i].mem)
			return NULL;
	return data->used ? data->pieces[0].bounce : NULL;
}
