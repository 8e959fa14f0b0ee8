/* SPDX-License-Identifier: MIT */
/*
 * Deadlines and cancellation. The caller has his answer in time; the memory of a request that the
 * device still has is in quarantine until it is returned or the device is reset.
 */
#include <errno.h>

#include "core/core.h"
#include "fuse/fuse.h"

#define NS_PER_MS 1000000ULL

/* A server that does not know the request yet is asked again, ever less often. */
#define PAUSE_MIN_NS NS_PER_MS
#define PAUSE_MAX_NS (1000 * NS_PER_MS)

VFS_EXPORT void vfs_request_set_timeout(struct vfs_request *request, unsigned int timeout_ms)
{
	request->timeout_ns = timeout_ms * NS_PER_MS;
}

static void look_not_later_than(struct vfs_queue *queue, uint64_t at_ns)
{
	if (!queue->look_at_ns || at_ns < queue->look_at_ns)
		queue->look_at_ns = at_ns;
}

void vfs_deadline_start(struct vfs_queue *queue, struct vfs_request *request)
{
	request->deadline_ns = vfs_now_ns() + request->timeout_ns;
	look_not_later_than(queue, request->deadline_ns);
}

static void want_interrupt(struct vfs_request *request, uint64_t now)
{
	struct vfs_interrupt *interrupt = &request->interrupt;

	if (interrupt->at_ns)
		return;
	interrupt->at_ns = now;
	interrupt->pause_ns = PAUSE_MIN_NS;
	interrupt->sent = false;
	atomic_store(&interrupt->unknown, 0);
}

/* Send it, or see whether it has to be sent once more. */
static void look_at_interrupt(struct vfs_queue *queue, struct vfs_request *request, uint64_t now)
{
	struct vfs_interrupt *interrupt = &request->interrupt;
	uint64_t unique = request->reply.unique;

	/* Its answer comes on a queue that nobody may be waiting for. */
	if (interrupt->sent)
		vfs_hiprio_collect(&queue->session->hiprio);
	if (!interrupt->sent || atomic_load(&interrupt->unknown) == unique) {
		atomic_store(&interrupt->unknown, 0);
		interrupt->sent = vfs_hiprio_interrupt(&queue->session->hiprio, request) == 0;
	}
	interrupt->at_ns = now + interrupt->pause_ns;
	interrupt->pause_ns = min_size(2 * interrupt->pause_ns, PAUSE_MAX_NS);
}

void vfs_interrupt_answered(struct vfs_request *target, uint64_t unique, int error)
{
	if (error == -EAGAIN)
		atomic_store(&target->interrupt.unknown, unique);
}

static void expire(struct vfs_queue *queue, struct vfs_request *request, uint64_t now)
{
	queue->counters.timed_out++;
	if (request->lent) {
		queue->counters.quarantined++;
		want_interrupt(request, now);
	} else {
		(void)vfs_request_list_remove(&queue->parked, request);
	}
	vfs_queue_end(queue, request, -ETIMEDOUT);
}

static void look_at(struct vfs_queue *queue, struct vfs_request *request, uint64_t now)
{
	bool timed = request->deadline_ns != 0;

	if (timed && now >= request->deadline_ns) {
		expire(queue, request, now);
		timed = false;
	}
	if (timed)
		look_not_later_than(queue, request->deadline_ns);
	if (!request->lent)
		request->interrupt.at_ns = 0;
	if (!request->interrupt.at_ns)
		return;
	if (now >= request->interrupt.at_ns)
		look_at_interrupt(queue, request, now);
	look_not_later_than(queue, request->interrupt.at_ns);
}

void vfs_queue_look_at_time(struct vfs_queue *queue)
{
	uint64_t now = vfs_now_ns();
	unsigned int i;

	if (now < queue->look_at_ns)
		return;
	queue->look_at_ns = 0;
	for (i = 0; i < queue->depth; i++)
		look_at(queue, &queue->requests[i], now);
}

static bool is_it(const struct vfs_request *request, uint64_t unique)
{
	return request->state == VFS_REQUEST_SUBMITTED && request->reply.unique == unique;
}

static struct vfs_request *find_in(const struct vfs_request_list *list, uint64_t unique)
{
	struct vfs_request *request = list->head;

	while (request && !is_it(request, unique))
		request = request->next;
	return request;
}

/*
 * Others may be preparing requests meanwhile, which takes no lock, so that one that the queue does
 * not have is not looked at.
 */
VFS_EXPORT struct vfs_request *vfs_queue_find(struct vfs_queue *queue, uint64_t unique)
{
	struct vfs_request *request;
	unsigned int i;

	for (i = 0; i < queue->depth; i++) {
		request = &queue->requests[i];
		if (request->lent && is_it(request, unique))
			return request;
	}
	request = find_in(&queue->parked, unique);
	return request ? request : find_in(&queue->ended, unique);
}

VFS_EXPORT int vfs_request_cancel(struct vfs_request *request)
{
	struct vfs_queue *queue = request->queue;
	uint64_t now;

	if (request->state != VFS_REQUEST_SUBMITTED)
		return vfs_error(-EINVAL, "the request is not in flight");
	if (request->ended)
		return 0;
	if (vfs_request_list_remove(&queue->parked, request)) {
		vfs_queue_end(queue, request, -ECANCELED);
		return 0;
	}
	now = vfs_now_ns();
	want_interrupt(request, now);
	look_not_later_than(queue, now);
	vfs_queue_look_at_time(queue);
	return 0;
}

VFS_EXPORT int vfs_queue_timeout(const struct vfs_queue *queue)
{
	return queue->look_at_ns
		       ? vfs_deadline_left_ms((struct vfs_deadline){.ns = queue->look_at_ns})
		       : -1;
}
