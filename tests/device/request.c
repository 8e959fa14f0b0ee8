/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/fuse.h>

#include "held.h"
#include "queue.h"
#include "request.h"
#include "say.h"

void request_free(struct request *request)
{
	chain_free(&request->chain);
	free(request->message);
	free(request);
}

struct reply {
	struct request *request;
	const struct iovec *iov;
	int count;
	size_t written;
};

static int write_step(struct queue *queue, struct view *view, void *argument)
{
	struct reply *reply = argument;
	int i, r = 0;

	(void)queue;
	reply->written = 0;
	for (i = 0; i < reply->count && r == 0; i++) {
		r = chain_write(&reply->request->chain, view, reply->written,
			reply->iov[i].iov_base, reply->iov[i].iov_len);
		reply->written += reply->iov[i].iov_len;
	}
	return r;
}

static uint32_t value_or(const struct fault *fault, uint32_t otherwise)
{
	return fault->value ? fault->value : otherwise;
}

/* The reply's header again, as a fault wants it. */
static void spoil_header(struct request *request, const struct iovec *iov)
{
	struct fuse_out_header header;
	struct iovec spoilt = {.iov_base = &header, .iov_len = sizeof(header)};
	struct reply reply = {.request = request, .iov = &spoilt, .count = 1};

	if (iov->iov_len < sizeof(header))
		return;
	memcpy(&header, iov->iov_base, sizeof(header));
	switch (request->fault.kind) {
	case FAULT_WRONG_UNIQUE:
		header.unique ^= 0x100;
		break;
	case FAULT_WRONG_LEN:
		header.len += value_or(&request->fault, 8);
		break;
	case FAULT_WRONG_ERROR:
		header.error = (int32_t)value_or(&request->fault, 5);
		break;
	default:
		return;
	}
	queue_do(request->queue, request->run, write_step, &reply);
}

static int jump_step(struct queue *queue, struct view *view, void *argument)
{
	const struct fault *fault = argument;

	return ring_jump(&queue->ring, view, value_or(fault, queue->ring.size + 1u));
}

/* Into the ring, as a fault wants it. */
static void push(struct request *request, uint32_t length)
{
	struct queue *queue = request->queue;
	uint32_t head = request->chain.head;

	switch (request->fault.kind) {
	case FAULT_USED_LEN_0:
		length = 0;
		break;
	case FAULT_USED_LEN_LARGE:
		length = (uint32_t)request->chain.writable + 1;
		break;
	case FAULT_USED_ID_RANGE:
		head = value_or(&request->fault, queue->ring.size);
		break;
	case FAULT_USED_ID_TWICE:
		queue_push(queue, request->run, head, length);
		break;
	case FAULT_RING_INDEX_JUMP:
		queue_do(queue, request->run, jump_step, &request->fault);
		break;
	default:
		break;
	}
	queue_push(queue, request->run, head, length);
	held_look(queue);
	request_free(request);
}

void request_reply(struct request *request, const struct iovec *iov, int count)
{
	struct reply reply = {.request = request, .iov = iov, .count = count};
	int r = queue_do(request->queue, request->run, write_step, &reply);

	if (r == -EPROTO)
		say("a reply of %zu bytes and more has no room in %zu", reply.written,
			request->chain.writable);
	if (r == 0)
		spoil_header(request, iov);
	push(request, r < 0 ? 0 : (uint32_t)reply.written);
}

void request_done(struct request *request)
{
	push(request, 0);
}
