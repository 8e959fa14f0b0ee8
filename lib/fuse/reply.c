/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "core/core.h"
#include "fuse/fuse.h"

/* Where errors end, as in the kernel's MAX_ERRNO. */
#define ERROR_MAX 4096

/* In place of an error: the answer comes as a notification. */
#define ERROR_WAIT 1

static bool takes(const struct vfs_reply *reply, enum vfs_quirk quirk)
{
	return (reply->quirks & quirk) != 0;
}

/* Too few bytes for a header. */
static int short_answer(const struct vfs_reply *reply)
{
	int r = vfs_error(
		-EBADMSG, "the answer has %u bytes, too few for its header", reply->used_len);

	return reply->used_len ? r : vfs_quirk_error(r, VFS_QUIRK_USED_LEN_ZERO);
}

static bool says_wait(const struct vfs_reply *reply)
{
	return reply->shape.may_wait && reply->header.error == ERROR_WAIT;
}

static int bad_error(const struct vfs_reply *reply)
{
	int r = vfs_error(-EBADMSG, "the answer has the error %d", reply->header.error);

	return says_wait(reply) ? vfs_quirk_error(r, VFS_QUIRK_LOCK_WAIT) : r;
}

static bool error_is_good(const struct vfs_reply *reply)
{
	int error = reply->header.error;

	return (error <= 0 && error > -ERROR_MAX) ||
	       (says_wait(reply) && takes(reply, VFS_QUIRK_LOCK_WAIT));
}

static inline bool is_to_the_message(const struct vfs_reply *reply)
{
	return !reply->shape.none && reply->used_len >= sizeof(reply->header) &&
	       reply->header.len == reply->used_len && reply->header.unique == reply->unique;
}

static inline uint32_t body_length(const struct vfs_reply *reply)
{
	return reply->used_len - (uint32_t)sizeof(reply->header);
}

/* None with an error. */
static inline bool size_is_good(const struct vfs_reply *reply)
{
	uint32_t body = body_length(reply);

	return body == reply->shape.max || (body < reply->shape.max && !reply->shape.exact);
}

static inline bool body_is_good(const struct vfs_reply *reply)
{
	return reply->header.error ? !body_length(reply) : size_is_good(reply);
}

/* It is one of Linux', and there is nothing with it. */
static inline bool is_plain_error(const struct vfs_reply *reply)
{
	int error = reply->header.error;

	return error < 0 && error > -ERROR_MAX && !body_length(reply);
}

/* Good, and it says all that there is to be said: as most do. */
static inline bool is_plain(const struct vfs_reply *reply)
{
	return is_to_the_message(reply) &&
	       (reply->header.error ? is_plain_error(reply) : size_is_good(reply));
}

/* What is wrong with an answer. */
static int refuse(const struct vfs_reply *reply)
{
	const struct fuse_out_header *header = &reply->header;

	if (reply->shape.none)
		return vfs_error(-EBADMSG, "%u bytes came for a message that has no answer",
			reply->used_len);
	if (reply->used_len < sizeof(*header))
		return short_answer(reply);
	if (header->len != reply->used_len && __builtin_bswap32(header->len) == reply->used_len)
		return vfs_error(-EBADMSG, "the answer is in the other byte order");
	if (header->len != reply->used_len)
		return vfs_error(-EBADMSG, "the answer says it has %u bytes, the device wrote %u",
			header->len, reply->used_len);
	if (header->unique != reply->unique)
		return vfs_error(-EBADMSG, "the answer is for request %llu",
			(unsigned long long)header->unique);
	if (!error_is_good(reply))
		return bad_error(reply);
	if (header->error)
		return vfs_error(
			-EBADMSG, "the answer has an error and %u bytes", body_length(reply));
	return vfs_error(-EBADMSG, "the answer has %u bytes where %s%u are allowed",
		body_length(reply), reply->shape.exact ? "" : "at most ", reply->shape.max);
}

static __attribute__((cold, noinline)) int refuse_it(const struct vfs_reply *reply, bool *malformed)
{
	*malformed = true;
	return refuse(reply);
}

/* What the device wrote. */
static int check(const struct vfs_reply *reply, bool *malformed)
{
	if (is_plain(reply))
		return reply->header.error ? reply->header.error : (int)body_length(reply);
	if (is_to_the_message(reply) && error_is_good(reply) && body_is_good(reply))
		return -EINPROGRESS;
	return refuse_it(reply, malformed);
}

/* The device says that it wrote nothing. */
static int check_nothing(const struct vfs_reply *reply, bool *malformed)
{
	struct vfs_reply meant = *reply;

	if (reply->shape.none || reply->shape.may_omit)
		return 0;
	/* As long as it says, of a device that is known not to say it: that is checked as well. */
	if (takes(reply, VFS_QUIRK_USED_LEN_ZERO))
		meant.used_len = reply->header.len;
	return check(&meant, malformed);
}

int vfs_reply_check(const struct vfs_reply *reply, bool *malformed)
{
	*malformed = false;
	return reply->used_len ? check(reply, malformed) : check_nothing(reply, malformed);
}

/* There is no header then, or it is not to be seen. */
static void set_result(struct vfs_request *request, int error)
{
	request->error = error;
	request->body_length = 0;
	request->reply.header = (struct fuse_out_header){
		.len = sizeof(struct fuse_out_header),
		.error = error,
		.unique = request->reply.unique,
	};
}

static __attribute__((cold, noinline)) void log_malformed(const struct vfs_request *request)
{
	vfs_log(VFS_LOG_ERROR, "%s: opcode %u, request %llu: %s",
		request->queue->session->device->info.name, request->opcode,
		(unsigned long long)request->reply.unique, vfs_last_error());
	vfs_observe_error(request->queue->session, "opcode %u, request %llu: %s", request->opcode,
		(unsigned long long)request->reply.unique, vfs_last_error());
}

static inline void read_header(struct vfs_request *request, uint32_t used_len)
{
	request->reply.used_len = used_len;
	/* The device can write to it at any time: what is checked has to be what is used. */
	memcpy(&request->reply.header, request->page, sizeof(request->reply.header));
}

/* Look at what the device says of a request that it returned. */
static void complete(struct vfs_queue *queue, struct vfs_request *request, uint32_t used_len)
{
	int r;

	vfs_observe_answered(queue, request, used_len);
	read_header(request, used_len);
	r = vfs_reply_check(&request->reply, &request->malformed);
	if (request->malformed) {
		log_malformed(request);
		r = -EIO;
	}
	/* Also where an answer may be left out. */
	if (r < 0 || (r == 0 && used_len == 0)) {
		if (r < 0)
			vfs_observe_refused(queue, request);
		set_result(request, r);
	} else {
		request->error = 0;
		request->body_length = (uint32_t)r;
		if (request->data.bounced)
			vfs_data_receive(request, request->body_length);
	}
	vfs_data_let_go(&request->data);
	request->state = VFS_REQUEST_DONE;
	if (request->timed)
		vfs_observe_time(queue, request);
}

/* The device gave back what its caller had an answer for already. */
static __attribute__((cold, noinline)) void came_late(
	struct vfs_queue *queue, struct vfs_request *request, uint32_t used_len)
{
	if (request->releases) {
		vfs_late_release_ended(request);
	} else {
		queue->counters.late++;
		vfs_late_answer(request, used_len);
	}
	vfs_data_let_go(&request->data);
	request->interrupt.at_ns = 0;
	request->lent = request->releases;
	if (request->state == VFS_REQUEST_FREE && !request->lent)
		vfs_request_put_back(request);
}

static unsigned int pop_answers(
	struct vfs_queue *queue, struct vfs_request **requests, unsigned int max)
{
	unsigned int count = 0;

	while (count < max) {
		struct vfs_request *request;
		void *token;
		uint32_t len;
		int r = vfs_ring_pop(&queue->ring, &token, &len);

		if (r < 0)
			vfs_queue_broke_the_protocol(queue);
		if (r <= 0)
			break;
		request = token;
		if (request->ended) {
			came_late(queue, request, len);
			continue;
		}
		request->lent = false;
		request->deadline_ns = 0;
		complete(queue, request, len);
		requests[count++] = request;
	}
	return count;
}

void vfs_request_abort(struct vfs_request *request, int error)
{
	if (!request->lent)
		vfs_data_let_go(&request->data);
	request->malformed = false;
	vfs_observe_answered(request->queue, request, 0);
	vfs_observe_refused(request->queue, request);
	set_result(request, error);
	request->state = VFS_REQUEST_DONE;
}

static unsigned int pop_ended(
	struct vfs_queue *queue, struct vfs_request **requests, unsigned int max)
{
	unsigned int count;

	for (count = 0; count < max && queue->ended.head; count++) {
		requests[count] = vfs_request_list_pop(&queue->ended);
		vfs_request_abort(requests[count], requests[count]->error);
	}
	return count;
}

static void want_no_interrupt(struct vfs_queue *queue)
{
	vfs_ring_disable_interrupts(&queue->ring);
	queue->interrupts = false;
	vfs_queue_clear_wakeup(queue);
}

/* Room for those that were parked, and what ended without the device. How many of these. */
static unsigned int see_to_the_others(
	struct vfs_queue *queue, struct vfs_request **requests, unsigned int max)
{
	if (!queue->session->failed && queue->look_at_ns)
		vfs_queue_look_at_time(queue);
	if (!queue->session->failed && queue->parked.head)
		vfs_queue_send_parked(queue);
	if (queue->session->failed)
		vfs_queue_end_all(queue);
	return pop_ended(queue, requests, max);
}

static inline unsigned int count_reaped(struct vfs_queue *queue, unsigned int count)
{
	queue->counters.completed += count;
	return count;
}

/* All that there may be to do. @count: so many are there already. */
static __attribute__((noinline)) unsigned int reap_on(struct vfs_queue *queue,
	struct vfs_request **requests, unsigned int max, unsigned int count)
{
	if (queue->interrupts)
		want_no_interrupt(queue);
	if (!queue->session->failed)
		count += pop_answers(queue, requests + count, max - count);
	count += see_to_the_others(queue, requests + count, max - count);
	return count_reaped(queue, count);
}

/* Nothing but answers is to be looked for. */
static inline bool is_simple(const struct vfs_queue *queue)
{
	/* One branch for all. */
	return !((uintptr_t)queue->parked.head | (uintptr_t)queue->ended.head | queue->look_at_ns |
		 queue->interrupts | queue->ring.broken | (unsigned int)queue->session->failed);
}

/*
 * The next of those that were seen, as most are: a good answer, and nothing to be copied. NULL: it
 * is still to be taken, by pop_answers().
 */
static inline __attribute__((always_inline)) struct vfs_request *pop_plain(struct vfs_queue *queue)
{
	struct vfs_request *request;
	uint32_t len;
	uint32_t id;

	if (!vfs_ring_peek(&queue->ring, &id, &len))
		return NULL;
	request = queue->ring.shadow[id].token;
	if (request->special || request->data.bounced)
		return NULL;
	read_header(request, len);
	if (!is_to_the_message(&request->reply))
		return NULL;
	if (request->reply.header.error) {
		if (!is_plain_error(&request->reply))
			return NULL;
		vfs_observe_refused(queue, request);
	} else if (!size_is_good(&request->reply)) {
		return NULL;
	}
	vfs_ring_take(&queue->ring, id);
	/* It has no deadline: the queue has none. */
	request->lent = false;
	request->malformed = false;
	request->error = request->reply.header.error;
	request->body_length = body_length(&request->reply);
	vfs_observe_answered(queue, request, len);
	vfs_data_let_go(&request->data);
	request->state = VFS_REQUEST_DONE;
	return request;
}

/* Calls no function: it is what is done between an answer and what follows. */
static inline __attribute__((always_inline)) unsigned int reap(
	struct vfs_queue *queue, struct vfs_request **requests, unsigned int max)
{
	struct vfs_ring *ring = &queue->ring;
	unsigned int count = 0;
	uint16_t idx;

	if (!is_simple(queue))
		return reap_on(queue, requests, max, 0);
	for (; count < max; count++) {
		if (ring->used_idx == ring->seen_idx) {
			if (!vfs_ring_see(ring, &idx))
				return reap_on(queue, requests, max, count);
			if (idx == ring->used_idx)
				break;
		}
		requests[count] = pop_plain(queue);
		if (!requests[count])
			return reap_on(queue, requests, max, count);
	}
	return count_reaped(queue, count);
}

static __attribute__((noinline)) unsigned int reap_many(
	struct vfs_queue *queue, struct vfs_request **requests, unsigned int max)
{
	return reap(queue, requests, max);
}

VFS_EXPORT unsigned int vfs_queue_reap(
	struct vfs_queue *queue, struct vfs_request **requests, unsigned int max)
{
	return max == 1 ? reap(queue, requests, 1) : reap_many(queue, requests, max);
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
