/* SPDX-License-Identifier: MIT */
#include <errno.h>

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

bool vfs_request_list_remove(struct vfs_request_list *list, struct vfs_request *request)
{
	struct vfs_request *before = NULL;
	struct vfs_request *at = list->head;

	while (at && at != request) {
		before = at;
		at = at->next;
	}
	if (!at)
		return false;
	if (before)
		before->next = at->next;
	else
		list->head = at->next;
	if (list->tail == at)
		list->tail = before;
	at->next = NULL;
	return true;
}

static inline void notify(struct vfs_queue *queue)
{
	struct vfs_transport *t = queue->session->device->transport;

	queue->counters.notified++;
	t->ops->notify(t, queue->index);
}

void vfs_queue_publish(struct vfs_queue *queue)
{
	if (vfs_ring_publish(&queue->ring))
		notify(queue);
}

/* Make visible what was added, unless the last one could not be for more than lack of room. */
static inline void end_batch(struct vfs_queue *queue, bool sent, int error)
{
	if (error < 0 && error != -ENOSPC)
		vfs_session_fail(queue->session, -EIO);
	else if (sent)
		vfs_queue_publish(queue);
}

void vfs_queue_send_parked(struct vfs_queue *queue)
{
	bool sent = false;
	int r = 0;

	while (queue->parked.head) {
		r = vfs_ring_add(&queue->ring, &queue->parked.head->chain);
		if (r < 0)
			break;
		vfs_request_list_pop(&queue->parked)->lent = true;
		sent = true;
	}
	end_batch(queue, sent, r);
}

/* What there is no room for waits behind what waits already. @sent: some have been added before. */
static __attribute__((noinline)) void send_or_park(
	struct vfs_queue *queue, struct vfs_request *const *requests, unsigned int count, bool sent)
{
	int r = queue->parked.head ? -ENOSPC : 0;

	for (unsigned int i = 0; i < count; i++) {
		struct vfs_request *request = requests[i];

		if (request->timeout_ns)
			vfs_deadline_start(queue, request);
		if (r == 0)
			r = vfs_ring_add(&queue->ring, &request->chain);
		if (r < 0) {
			vfs_request_list_push(&queue->parked, request);
			queue->counters.parked++;
			continue;
		}
		request->lent = true;
		sent = true;
	}
	end_batch(queue, sent, r);
}

/* Most go into the ring at once, and are given no deadline. */
static inline void send(
	struct vfs_queue *queue, struct vfs_request *const *requests, unsigned int count)
{
	unsigned int sent = 0;

	if (queue->parked.head) {
		send_or_park(queue, requests, count, false);
		return;
	}
	for (; sent < count && !requests[sent]->timeout_ns &&
		vfs_ring_add_table(&queue->ring, &requests[sent]->chain);
		sent++)
		requests[sent]->lent = true;
	if (sent < count)
		send_or_park(queue, requests + sent, count - sent, sent > 0);
	else if (sent && vfs_ring_publish_added(&queue->ring))
		notify(queue);
}

static inline bool can_be_sent(const struct vfs_queue *queue, const struct vfs_request *request)
{
	return request->queue == queue && request->state == VFS_REQUEST_PREPARED;
}

static int refuse(const struct vfs_queue *queue, const struct vfs_request *request)
{
	if (!can_be_sent(queue, request))
		return vfs_error(-EINVAL, "a request is not prepared or of another queue");
	return vfs_error(-EINVAL, "nothing can be sent before INIT");
}

static __attribute__((cold, noinline)) int give_back(
	const struct vfs_queue *queue, struct vfs_request *const *requests, unsigned int taken)
{
	int r = refuse(queue, requests[taken]);

	while (taken > 0)
		requests[--taken]->state = VFS_REQUEST_PREPARED;
	return r;
}

/* All or none; what is there twice is not prepared the second time. */
static inline __attribute__((always_inline)) int submit(
	struct vfs_queue *queue, struct vfs_request *const *requests, unsigned int count)
{
	uint64_t now = vfs_ticks();
	unsigned int taken;

	for (taken = 0; taken < count && can_be_sent(queue, requests[taken]); taken++) {
		vfs_observe_submitted(requests[taken], now, queue->observed.seldom);
		requests[taken]->state = VFS_REQUEST_SUBMITTED;
	}
	if (taken < count)
		return give_back(queue, requests, taken);
	queue->counters.submitted += count;
	send(queue, requests, count);
	return 0;
}

static __attribute__((noinline)) int submit_all(
	struct vfs_queue *queue, struct vfs_request *const *requests, unsigned int count)
{
	return submit(queue, requests, count);
}

/* The session has failed, or there is no connection yet: then only INIT may be sent. */
static __attribute__((cold, noinline)) int submit_early(
	struct vfs_queue *queue, struct vfs_request *const *requests, unsigned int count)
{
	int r = vfs_session_check(queue->session);

	for (unsigned int i = 0; r == 0 && i < count; i++)
		if (requests[i]->opcode != FUSE_INIT || !can_be_sent(queue, requests[i]))
			r = refuse(queue, requests[i]);
	return r < 0 ? r : submit_all(queue, requests, count);
}

VFS_EXPORT int vfs_queue_submit(
	struct vfs_queue *queue, struct vfs_request *const *requests, unsigned int count)
{
	const struct vfs_session *session = queue->session;

	/* One branch for both. */
	if ((unsigned int)session->failed | (session->state ^ VFS_SESSION_CONNECTED))
		return submit_early(queue, requests, count);
	/* One alone needs no loop, and who waits for it notices. */
	return count == 1 ? submit(queue, requests, 1) : submit_all(queue, requests, count);
}

void vfs_queue_end(struct vfs_queue *queue, struct vfs_request *request, int error)
{
	request->ended = true;
	request->deadline_ns = 0;
	request->error = error;
	vfs_request_list_push(&queue->ended, request);
}

void vfs_queue_end_all(struct vfs_queue *queue)
{
	struct vfs_request *request;

	while ((request = vfs_ring_take_back(&queue->ring)) != NULL) {
		request->lent = false;
		request->releases = false;
		vfs_data_let_go(&request->data);
		if (!request->ended)
			vfs_queue_end(queue, request, -EIO);
		else if (request->state == VFS_REQUEST_FREE)
			vfs_request_put_back(request);
	}
	while ((request = vfs_request_list_pop(&queue->parked)) != NULL)
		vfs_queue_end(queue, request, -EIO);
	queue->releasing = 0;
	queue->look_at_ns = 0;
}

void vfs_queue_broke_the_protocol(struct vfs_queue *queue)
{
	vfs_error_prefix("%s", queue->session->device->info.name);
	vfs_log(VFS_LOG_ERROR, "%s", vfs_last_error());
	vfs_session_fail(queue->session, -EIO);
}

VFS_EXPORT unsigned int vfs_queue_in_flight(const struct vfs_queue *queue)
{
	return vfs_queue_owes(queue);
}

VFS_EXPORT const struct vfs_queue_counters *vfs_queue_counters(const struct vfs_queue *queue)
{
	return &queue->counters;
}

/*
 * Some daemons take a notification that comes a moment after they were told to use the queue, and
 * do nothing: they have not taken note of it yet. One more does no harm.
 */
#define REMIND_MS 100

static int wait_and_remind(struct vfs_queue *queue, struct vfs_deadline deadline)
{
	struct vfs_session *session = queue->session;
	bool first = session->state != VFS_SESSION_CONNECTED;
	int left = vfs_deadline_left_ms(deadline);
	int r = vfs_queue_wait(queue, first && left > REMIND_MS ? REMIND_MS : left);

	if (r == -ETIMEDOUT && first && left > REMIND_MS) {
		session->device->transport->ops->notify(session->device->transport, queue->index);
		return 0;
	}
	return r == -EINTR ? 0 : r;
}

int vfs_queue_call(struct vfs_queue *queue, struct vfs_request *request, unsigned int timeout_ms)
{
	struct vfs_deadline deadline = vfs_deadline_in(timeout_ms);
	int r = vfs_queue_submit(queue, &request, 1);

	while (r == 0 && request->state != VFS_REQUEST_DONE) {
		struct vfs_request *done;

		if (vfs_queue_reap(queue, &done, 1) == 0)
			r = wait_and_remind(queue, deadline);
		if (r == -ETIMEDOUT)
			r = vfs_error(r, "%s did not answer within %u ms",
				queue->session->device->info.name, timeout_ms);
	}
	return r;
}
