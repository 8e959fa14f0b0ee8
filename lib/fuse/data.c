/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "core/core.h"
#include "fuse/fuse.h"

/* Of one request: lengths of messages, answers and both together have 32 bits with room to spare.
 */
#define DATA_MAX ((uint32_t)INT32_MAX)

enum direction {
	NOWHERE,
	SENT,	  /* the message ends in it */
	RECEIVED, /* it is the answer's body */
};

static enum direction direction_of(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_WRITE:
	case FUSE_SETXATTR:
	case FUSE_NOTIFY_REPLY:
		return SENT;
	case FUSE_READ:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
	case FUSE_READLINK:
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
		return RECEIVED;
	default:
		return NOWHERE;
	}
}

VFS_EXPORT int vfs_request_set_data(
	struct vfs_request *request, const struct iovec *iov, unsigned int count)
{
	struct vfs_data *data = &request->data;
	unsigned int i;

	if (request->state != VFS_REQUEST_TAKEN && request->state != VFS_REQUEST_PREPARED)
		return vfs_error(-EINVAL, "the request is in flight or was not taken");
	if (count > VFS_REQUEST_DATA_MAX)
		return vfs_error(-E2BIG, "data in %u pieces, and no more than %u are taken", count,
			VFS_REQUEST_DATA_MAX);
	vfs_data_let_go(&request->data);
	request->state = VFS_REQUEST_TAKEN;
	for (i = 0; i < count; i++) {
		data->pieces[i].addr = iov[i].iov_base;
		data->pieces[i].length = iov[i].iov_len;
	}
	data->count = count;
	return 0;
}

/* Not registered: by way of the slot, behind the message and what else is copied. */
static __attribute__((noinline)) int add_bounced(
	struct vfs_request *request, struct vfs_piece *piece, bool received)
{
	struct vfs_data *data = &request->data;
	size_t taken = data->bounced;

	if (request->length > VFS_REQUEST_HEAD)
		taken += request->length - VFS_REQUEST_HEAD;
	if (piece->length > request->payload_size - taken)
		return vfs_error(-E2BIG,
			"data that is not registered does not fit into a request of %zu bytes",
			request->payload_size);
	piece->held = NULL;
	piece->bounce = request->page + VFS_SLOT_HEADER_SIZE + taken;
	data->used++;
	data->bounced += piece->length;
	if (!piece->length)
		return 0;
	if (!received)
		memcpy(piece->bounce, piece->addr, piece->length);
	if (!vfs_chain_add_memory(&request->chain, &request->queue->session->arena.mapping,
		    piece->bounce, piece->length, received))
		return vfs_chain_too_long(&request->chain);
	return 0;
}

static inline __attribute__((always_inline)) int add_piece(
	struct vfs_request *request, struct vfs_piece *piece, size_t length, bool received)
{
	struct vfs_queue *queue = request->queue;
	struct vfs_data *data = &request->data;
	const uint8_t *addr = piece->addr;
	struct vfs_mem *mem = vfs_mem_find(
		&queue->session->mems, &data->last, addr, length, received);

	piece->length = length;
	if (!mem)
		return add_bounced(request, piece, received);
	if (!vfs_chain_add_memory(&request->chain, &mem->mapping, addr, length, received))
		return vfs_chain_too_long(&request->chain);
	piece->held = vfs_mem_hold(mem, queue->index);
	data->used++;
	return 0;
}

static int too_much(void)
{
	return vfs_error(-E2BIG, "more than %u bytes of data", DATA_MAX);
}

static int add_sent(struct vfs_request *request)
{
	const struct vfs_reply_shape *shape = &request->reply.shape;
	struct fuse_in_header *header = vfs_request_message(request);
	struct vfs_data *data = &request->data;
	size_t bytes = 0;

	for (unsigned int i = 0; i < data->count; i++) {
		struct vfs_piece *piece = &data->pieces[i];
		int r;

		if (piece->length > DATA_MAX - bytes)
			return too_much();
		bytes += piece->length;
		r = add_piece(request, piece, piece->length, false);
		if (r < 0)
			return r;
	}
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
	const struct vfs_data *data = &request->data;
	size_t left = request->reply.shape.max;

	if (left > DATA_MAX)
		return too_much();
	if (!vfs_chain_add_answer(request, 0))
		return vfs_chain_too_long(&request->chain);
	for (unsigned int i = 0; left > 0; i++) {
		struct vfs_piece *piece = &data->pieces[i];
		size_t length;
		int r;

		if (i == data->count)
			return no_room(request, left);
		length = min_size(piece->length, left);
		left -= length;
		r = add_piece(request, piece, length, true);
		if (r < 0)
			return r;
	}
	return 0;
}

int vfs_data_place(struct vfs_request *request)
{
	enum direction direction = direction_of(request->opcode);
	int r;

	if (direction == NOWHERE)
		return vfs_error(-EINVAL, "opcode %u has no data", request->opcode);
	request->data.received = direction == RECEIVED;
	r = direction == RECEIVED ? add_received(request) : add_sent(request);
	if (r < 0)
		vfs_data_let_go(&request->data);
	return r;
}

void vfs_data_receive(struct vfs_request *request, uint32_t length)
{
	const struct vfs_data *data = &request->data;
	size_t left = data->received ? length : 0;
	unsigned int i;

	for (i = 0; i < data->used && left > 0; i++) {
		const struct vfs_piece *piece = &data->pieces[i];
		size_t bytes = min_size(left, piece->length);

		if (!piece->held)
			memcpy(piece->addr, piece->bounce, bytes);
		left -= bytes;
	}
}
