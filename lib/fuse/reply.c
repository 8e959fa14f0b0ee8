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

	return !error || (error < 0 && error > -ERROR_MAX) ||
	       (says_wait(reply) && takes(reply, VFS_QUIRK_LOCK_WAIT));
}

static bool header_is_good(const struct vfs_reply *reply)
{
	return !reply->shape.none && reply->used_len >= sizeof(reply->header) &&
	       reply->header.len == reply->used_len && reply->header.unique == reply->unique &&
	       error_is_good(reply);
}

static uint32_t body_length(const struct vfs_reply *reply)
{
	return reply->used_len - (uint32_t)sizeof(reply->header);
}

/* None with an error. */
static bool body_is_good(const struct vfs_reply *reply)
{
	uint32_t max = reply->header.error ? 0 : reply->shape.max;
	uint32_t body = body_length(reply);

	return body == max || (body < max && !reply->shape.exact);
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
static inline int check(const struct vfs_reply *reply, bool *malformed)
{
	if (!header_is_good(reply) || !body_is_good(reply))
		return refuse_it(reply, malformed);
	if (reply->header.error > 0)
		return -EINPROGRESS;
	return reply->header.error ? reply->header.error : (int)body_length(reply);
}

/* The device says that it wrote nothing. */
static __attribute__((noinline)) int check_nothing(const struct vfs_reply *reply, bool *malformed)
{
	struct vfs_reply meant = *reply;

	if (reply->shape.none || reply->shape.may_omit)
		return 0;
	/* As long as it says, of a device that is known not to say it: that is checked as well. */
	if (takes(reply, VFS_QUIRK_USED_LEN_ZERO))
		meant.used_len = reply->header.len;
	return check(&meant, malformed);
}

static inline int check_reply(const struct vfs_reply *reply, bool *malformed)
{
	*malformed = false;
	return reply->used_len ? check(reply, malformed) : check_nothing(reply, malformed);
}

int vfs_reply_check(const struct vfs_reply *reply, bool *malformed)
{
	return check_reply(reply, malformed);
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
}

/* Look at what the device says of a request that it returned. */
static inline void complete(struct vfs_request *request, uint32_t used_len)
{
	int r;

	request->reply.used_len = used_len;
	/* The device can write to it at any time: what is checked has to be what is used. */
	memcpy(&request->reply.header, request->page, sizeof(request->reply.header));
	r = check_reply(&request->reply, &request->malformed);
	if (request->malformed) {
		log_malformed(request);
		r = -EIO;
	}
	/* Also where an answer may be left out. */
	if (r < 0 || (r == 0 && used_len == 0)) {
		set_result(request, r);
	} else {
		request->error = 0;
		request->body_length = (uint32_t)r;
		if (request->data.bounced)
			vfs_data_receive(request, request->body_length);
	}
	vfs_data_let_go(&request->data);
	request->state = VFS_REQUEST_DONE;
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

unsigned int vfs_queue_pop_answers(
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
		complete(request, len);
		requests[count++] = request;
	}
	return count;
}

void vfs_request_abort(struct vfs_request *request, int error)
{
	if (!request->lent)
		vfs_data_let_go(&request->data);
	request->malformed = false;
	set_result(request, error);
	request->state = VFS_REQUEST_DONE;
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
