/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>

#include "core/core.h"
#include "fuse/fuse.h"

void vfs_request_list_push(struct vfs_request_list *list, struct vfs_request *request)
{
	request->next = NULL;
	if (list->tail)
		list->tail->next = request;
	else
		list->head = request;
	list->tail = request;
}

struct vfs_request *vfs_request_list_pop(struct vfs_request_list *list)
{
	struct vfs_request *request = list->head;

	if (!request)
		return NULL;
	list->head = request->next;
	if (!list->head)
		list->tail = NULL;
	request->next = NULL;
	return request;
}

uint64_t vfs_queue_next_unique(struct vfs_queue *queue)
{
	/*
	 * Even, as bit 0 marks interrupts; far from what a kernel counts from 0; and of this queue
	 * alone, so that queues share nothing.
	 */
	queue->next_unique += 2;
	return 1ULL << 62 | (uint64_t)queue->index << 46 | queue->next_unique;
}

/* Into the ring, not yet visible. -ENOSPC: there is no room now. */
static int add_to_ring(struct vfs_queue *queue, struct vfs_request *request)
{
	struct vfs_chain chain = {
		.segments = queue->segments,
		.indirect = request->indirect,
		.indirect_addr = request->indirect_addr,
		.token = request,
	};
	unsigned int readable;
	unsigned int count = vfs_request_segments(
		request, queue->segments, queue->max_segments, &readable);

	chain.num_readable = (uint16_t)readable;
	chain.num_writable = (uint16_t)(count - readable);
	return vfs_ring_add(&queue->ring, &chain);
}

static void publish(struct vfs_queue *queue)
{
	struct vfs_transport *t = queue->session->device->transport;

	if (vfs_ring_publish(&queue->ring))
		t->ops->notify(t, queue->index);
}

static void send_parked(struct vfs_queue *queue)
{
	bool sent = false;
	int r = 0;

	while (queue->parked.head && r == 0) {
		r = add_to_ring(queue, queue->parked.head);
		if (r == -ENOSPC)
			break;
		sent = sent || r == 0;
		if (r == 0)
			vfs_request_list_pop(&queue->parked);
	}
	if (r < 0 && r != -ENOSPC)
		vfs_session_fail(queue->session, -EIO);
	else if (sent)
		publish(queue);
}

static int check_request(const struct vfs_queue *queue, const struct vfs_request *request)
{
	if (request->queue != queue || request->state != VFS_REQUEST_PREPARED)
		return vfs_error(-EINVAL, "a request is not prepared or of another queue");
	if (queue->session->state != VFS_SESSION_CONNECTED && request->opcode != FUSE_INIT)
		return vfs_error(-EINVAL, "nothing can be sent before INIT");
	return 0;
}

/* All or none; what is there twice is not prepared the second time. */
static int take_over(
	struct vfs_queue *queue, struct vfs_request *const *requests, unsigned int count)
{
	int r = vfs_session_check(queue->session);
	unsigned int taken = 0;

	while (taken < count && r == 0) {
		r = check_request(queue, requests[taken]);
		if (r == 0)
			requests[taken++]->state = VFS_REQUEST_SUBMITTED;
	}
	while (r < 0 && taken > 0)
		requests[--taken]->state = VFS_REQUEST_PREPARED;
	return r;
}

VFS_EXPORT int vfs_queue_submit(
	struct vfs_queue *queue, struct vfs_request *const *requests, unsigned int count)
{
	int r = take_over(queue, requests, count);
	unsigned int i;

	if (r < 0)
		return r;
	for (i = 0; i < count; i++)
		vfs_request_list_push(&queue->parked, requests[i]);
	queue->in_flight += count;
	send_parked(queue);
	return 0;
}

/* The device is reset or gone: nothing of this queue will come back by itself. */
static void end_all(struct vfs_queue *queue)
{
	struct vfs_request *request;

	while ((request = vfs_ring_take_back(&queue->ring)) != NULL)
		vfs_request_list_push(&queue->done, request);
	while ((request = vfs_request_list_pop(&queue->parked)) != NULL)
		vfs_request_list_push(&queue->done, request);
}

static unsigned int pop_ring(
	struct vfs_queue *queue, struct vfs_request **requests, unsigned int max)
{
	unsigned int count = 0;

	while (count < max) {
		struct vfs_request *request;
		void *token;
		uint32_t len;
		int r = vfs_ring_pop(&queue->ring, &token, &len);

		if (r < 0) {
			vfs_error_prefix("%s", queue->session->device->info.name);
			vfs_log(VFS_LOG_ERROR, "%s", vfs_last_error());
			vfs_session_fail(queue->session, -EIO);
		}
		if (r <= 0)
			break;
		request = token;
		vfs_request_complete(request, len);
		requests[count++] = request;
	}
	return count;
}

static unsigned int pop_done(
	struct vfs_queue *queue, struct vfs_request **requests, unsigned int max)
{
	unsigned int count;

	for (count = 0; count < max && queue->done.head; count++) {
		requests[count] = vfs_request_list_pop(&queue->done);
		vfs_request_abort(requests[count], -EIO);
	}
	return count;
}

VFS_EXPORT unsigned int vfs_queue_reap(
	struct vfs_queue *queue, struct vfs_request **requests, unsigned int max)
{
	unsigned int count = 0;

	if (queue->interrupts) {
		vfs_ring_disable_interrupts(&queue->ring);
		queue->interrupts = false;
		/*
		 * Here and not when it is armed: queues may share a descriptor, and arming one
		 * must not take away what another one, armed before, has to hear.
		 */
		vfs_eventfd_clear(queue->fd);
	}
	if (!queue->session->failed) {
		count = pop_ring(queue, requests, max);
		send_parked(queue);
	}
	if (queue->session->failed) {
		end_all(queue);
		count += pop_done(queue, requests + count, max - count);
	}
	queue->in_flight -= count;
	return count;
}

VFS_EXPORT unsigned int vfs_queue_in_flight(const struct vfs_queue *queue)
{
	return queue->in_flight;
}

VFS_EXPORT int vfs_queue_fd(const struct vfs_queue *queue)
{
	return queue->fd;
}

VFS_EXPORT bool vfs_queue_arm(struct vfs_queue *queue)
{
	queue->interrupts = true;
	if (queue->session->failed)
		return queue->in_flight > 0;
	return vfs_ring_enable_interrupts(&queue->ring);
}

VFS_EXPORT int vfs_queue_wait(struct vfs_queue *queue, int timeout_ms)
{
	struct vfs_deadline deadline = vfs_deadline_in(
		timeout_ms < 0 ? 0 : (unsigned int)timeout_ms);
	struct vfs_device *device = queue->session->device;
	struct pollfd fds[] = {
		{.fd = queue->fd, .events = POLLIN},
		{.fd = vfs_device_event_fd(device), .events = POLLIN},
	};

	while (!vfs_queue_arm(queue)) {
		int r = vfs_session_check(queue->session);
		int n;

		if (r < 0)
			return r;
		n = poll(
			fds, ARRAY_SIZE(fds), timeout_ms < 0 ? -1 : vfs_deadline_left_ms(deadline));
		if (n < 0)
			return vfs_error(-errno, "interrupted");
		if (n > 0 && fds[0].revents)
			vfs_eventfd_clear(queue->fd);
		/* A failed device ends its requests: they are there to be reaped. */
		if (n > 0 && fds[1].revents)
			(void)vfs_device_check(device);
		/* Also when events without completions keep coming. */
		if (timeout_ms >= 0 && (n == 0 || vfs_deadline_passed(deadline)) &&
			!vfs_queue_arm(queue))
			return vfs_error(-ETIMEDOUT, "%s did not answer within %d ms",
				device->info.name, timeout_ms);
	}
	return 0;
}

int vfs_queue_call(struct vfs_queue *queue, struct vfs_request *request, unsigned int timeout_ms)
{
	struct vfs_deadline deadline = vfs_deadline_in(timeout_ms);
	int r = vfs_queue_submit(queue, &request, 1);

	while (r == 0 && request->state != VFS_REQUEST_DONE) {
		struct vfs_request *done;

		if (vfs_queue_reap(queue, &done, 1) == 0)
			r = vfs_queue_wait(queue, vfs_deadline_left_ms(deadline));
		if (r == -EINTR)
			r = 0;
		if (r == -ETIMEDOUT)
			r = vfs_error(r, "%s did not answer within %u ms",
				queue->session->device->info.name, timeout_ms);
	}
	return r;
}
