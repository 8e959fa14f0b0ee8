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
	request->data.used = 0;
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
		vfs_data_let_go(request);
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

/* Decide where the answer's body goes; it must not lie over the message. */
static int place_body(struct vfs_request *request)
{
	size_t message_end = VFS_SLOT_HEADER_SIZE;
	size_t max = request->reply.shape.max;

	if (max <= VFS_SMALL_BODY_MAX) {
		request->body = request->page + sizeof(struct fuse_out_header);
		return 0;
	}
	if (request->length > VFS_REQUEST_HEAD)
		message_end += align_up(request->length - VFS_REQUEST_HEAD, VFS_PAGE_SIZE);
	if (max > VFS_SLOT_HEADER_SIZE + request->payload_size - message_end)
		return vfs_error(-E2BIG,
			"a message of %u bytes and an answer of %zu do not fit into a request",
			request->length, max);
	request->body = request->page + message_end;
	return 0;
}

/*
 * Even, as bit 0 marks interrupts; far from what a kernel counts from 0; and made of what belongs
 * to the request alone, so that neither queues nor requests share a counter.
 */
static uint64_t next_unique(struct vfs_request *request)
{
	uint64_t slot = (uint64_t)(request - request->queue->requests);

	request->uses++;
	return 1ULL << 62 | (uint64_t)request->queue->index << 46 | slot << 33 |
	       (uint64_t)request->uses << 1;
}

static inline int prepare(struct vfs_request *request, size_t length, bool of_session)
{
	struct fuse_in_header *header = message_of(request);
	unsigned int quirks = request->queue->session->options.quirks;
	int r;

	if (request->state != VFS_REQUEST_TAKEN && request->state != VFS_REQUEST_PREPARED)
		return vfs_error(-EINVAL, "the request is in flight or was not taken");
	if (length > capacity(request))
		return vfs_error(
			-EINVAL, "a message of %zu bytes is larger than a request", length);
	request->state = VFS_REQUEST_TAKEN;
	vfs_data_let_go(request);
	r = vfs_opcode_shape(header, length, &request->reply.shape, &request->opcode);
	if (r < 0)
		return r;
	if (!of_session && (request->opcode == FUSE_INIT || request->opcode == FUSE_DESTROY))
		return vfs_error(-EINVAL, "INIT and DESTROY belong to the session");
	request->length = (uint32_t)length;
	r = request->data.count ? vfs_data_place(request) : place_body(request);
	if (r < 0)
		return r;
	header->len = request->length;
	if (request->data.count && !request->data.received)
		header->len += request->data.length;
	request->reply.unique = header->unique;
	if (!request->reply.unique)
		header->unique = request->reply.unique = next_unique(request);
	request->reply.quirks = quirks;
	/* A length that is believed has to be of this answer. */
	if (quirks & VFS_QUIRK_USED_LEN_ZERO)
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

/* Of the slot's first page, which is in one piece. */
static inline unsigned int add_from_page(const struct vfs_request *request, size_t offset,
	size_t length, struct vfs_segment *segments, unsigned int count)
{
	segments[count].addr = request->page_addr + offset;
	segments[count].len = (uint32_t)length;
	return count + 1;
}

static unsigned int add_message(
	const struct vfs_request *request, struct vfs_segment *segments, unsigned int max)
{
	size_t offset = VFS_SLOT_HEADER_SIZE - VFS_REQUEST_HEAD;

	if (request->length <= VFS_REQUEST_HEAD)
		return add_from_page(request, offset, request->length, segments, 0);
	return vfs_add_segments(&request->queue->session->arena.mapping, request->page + offset,
		request->length, segments, 0, max);
}

unsigned int vfs_request_segments(const struct vfs_request *request, struct vfs_segment *segments,
	unsigned int max, unsigned int *readable)
{
	const struct vfs_reply_shape *shape = &request->reply.shape;
	size_t header = sizeof(struct fuse_out_header);
	unsigned int count = add_message(request, segments, max);

	if (request->data.used && !request->data.received)
		count = vfs_data_segments(request, segments, count, max);
	*readable = count;
	if (shape->none || count == max)
		return count;
	if (request->data.count && request->data.received) {
		count = add_from_page(request, 0, header, segments, count);
		return vfs_data_segments(request, segments, count, max);
	}
	if (request->body == request->page + header)
		return add_from_page(request, 0, header + shape->max, segments, count);
	count = add_from_page(request, 0, header, segments, count);
	return vfs_add_segments(&request->queue->session->arena.mapping, request->body, shape->max,
		segments, count, max);
}

static void set_result(struct vfs_request *request, int error, uint32_t body_length)
{
	request->malformed = false;
	request->error = error;
	request->body_length = body_length;
	request->reply.header = (struct fuse_out_header){
		.len = (uint32_t)sizeof(struct fuse_out_header) + body_length,
		.error = error,
		.unique = request->reply.unique,
	};
	request->state = VFS_REQUEST_DONE;
}

void vfs_request_complete(struct vfs_request *request, uint32_t used_len)
{
	bool malformed;
	int r;

	request->reply.used_len = used_len;
	/* The device can write to it at any time: what is checked has to be what is used. */
	memcpy(&request->reply.header, request->page, sizeof(request->reply.header));
	r = vfs_reply_check(&request->reply, &malformed);
	if (malformed) {
		vfs_log(VFS_LOG_ERROR, "%s: opcode %u, request %llu: %s",
			request->queue->session->device->info.name, request->opcode,
			(unsigned long long)request->reply.unique, vfs_last_error());
		r = -EIO;
	}
	/* Also where an answer may be left out: there is no header then. */
	if (r < 0 || (r == 0 && used_len == 0)) {
		set_result(request, r, 0);
	} else {
		request->error = 0;
		request->body_length = (uint32_t)r;
		request->state = VFS_REQUEST_DONE;
		if (request->data.received && request->data.bounced && request->data.count)
			vfs_data_receive(request, request->body_length);
	}
	vfs_data_let_go(request);
	request->malformed = malformed;
}

void vfs_request_abort(struct vfs_request *request, int error)
{
	if (!request->lent)
		vfs_data_let_go(request);
	set_result(request, error, 0);
}

VFS_EXPORT int vfs_request_error(const struct vfs_request *request)
{
	return request->state == VFS_REQUEST_DONE ? request->error : -EINVAL;
}

VFS_EXPORT int vfs_request_reply(const struct vfs_request *request, struct iovec iov[2])
{
	if (request->state != VFS_REQUEST_DONE || request->reply.shape.none)
		return 0;
	iov[0] = (struct iovec){.iov_base = (void *)(uintptr_t)&request->reply.header,
		.iov_len = sizeof(request->reply.header)};
	iov[1] = (struct iovec){.iov_base = request->body, .iov_len = request->body_length};
	return request->body_length && !(request->data.count && request->data.received) ? 2 : 1;
}
