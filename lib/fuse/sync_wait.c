/* SPDX-License-Identifier: MIT */
/* Who waits for a shared queue, and who of them reaps for all. */
#include <errno.h>

#include "core/core.h"
#include "core/futex.h"
#include "fuse/sync.h"

#define BATCH 32u

/* States of a waiter. */
enum {
	WAITING,
	ASLEEP,	   /* and has to be woken */
	APPOINTED, /* he is the reaper */
	DONE,	   /* he is in no list any more */
};

static _Thread_local unsigned int callbacks;

bool vfs_sync_in_callback(void)
{
	return callbacks > 0;
}

static void list_add(struct vfs_sync_queue *sq, struct vfs_waiter *waiter)
{
	waiter->next = NULL;
	waiter->prev = sq->last;
	if (sq->last)
		sq->last->next = waiter;
	else
		sq->first = waiter;
	sq->last = waiter;
	sq->getters += waiter->what == VFS_WAITER_FOR_REQUEST;
	sq->watchers += waiter->what == VFS_WAITER_FOR_CHANGE;
}

static void list_remove(struct vfs_sync_queue *sq, struct vfs_waiter *waiter)
{
	if (waiter->prev)
		waiter->prev->next = waiter->next;
	else
		sq->first = waiter->next;
	if (waiter->next)
		waiter->next->prev = waiter->prev;
	else
		sq->last = waiter->prev;
	sq->getters -= waiter->what == VFS_WAITER_FOR_REQUEST;
	sq->watchers -= waiter->what == VFS_WAITER_FOR_CHANGE;
}

/* The last that is done to a waiter who is done: he may be gone at once. */
static void tell(struct vfs_waiter *waiter, uint32_t state)
{
	if (atomic_exchange_explicit(&waiter->state, state, memory_order_acq_rel) == ASLEEP)
		vfs_futex_wake(&waiter->state);
}

static bool is_done(const struct vfs_waiter *waiter)
{
	return atomic_load_explicit(&waiter->state, memory_order_acquire) == DONE;
}

/* Also what nobody waits for any more, while the device has it. */
static bool has_work(const struct vfs_queue *queue)
{
	return vfs_queue_owes(queue) > 0 || queue->look_at_ns || queue->releasing;
}

static void appoint(struct vfs_sync_queue *sq)
{
	if (sq->reaper || !sq->first || !has_work(sq->queue))
		return;
	sq->reaper = sq->first;
	tell(sq->reaper, APPOINTED);
}

/* He may be asleep for the queue rather than for himself; or have been appointed and not know it.
 */
void vfs_waiter_done(struct vfs_sync_queue *sq, struct vfs_waiter *waiter)
{
	list_remove(sq, waiter);
	if (sq->reaper == waiter && sq->reaping)
		vfs_queue_prod(sq->queue);
	else if (sq->reaper == waiter)
		sq->reaper = NULL;
	tell(waiter, DONE);
	appoint(sq);
}

void vfs_sync_queue_changed(struct vfs_sync_queue *sq)
{
	if (sq->reaper)
		vfs_queue_changed(sq->queue);
	else
		appoint(sq);
}

void vfs_sync_queue_serve_getters(struct vfs_sync_queue *sq)
{
	struct vfs_waiter *waiter = sq->first;

	while (waiter && sq->getters) {
		struct vfs_waiter *next = waiter->next;

		if (waiter->what == VFS_WAITER_FOR_REQUEST) {
			waiter->request = vfs_request_get(sq->queue);
			if (!waiter->request)
				return;
			vfs_waiter_done(sq, waiter);
		}
		waiter = next;
	}
}

static void serve_idle(struct vfs_sync_queue *sq)
{
	struct vfs_waiter *waiter = sq->first;

	while (waiter) {
		struct vfs_waiter *next = waiter->next;

		if (waiter->what == VFS_WAITER_FOR_IDLE)
			vfs_waiter_done(sq, waiter);
		waiter = next;
	}
}

void vfs_sync_queue_serve_watchers(struct vfs_sync_queue *sq)
{
	struct vfs_waiter *waiter = sq->first;

	while (waiter && sq->watchers) {
		struct vfs_waiter *next = waiter->next;

		if (waiter->what == VFS_WAITER_FOR_CHANGE &&
			atomic_load(waiter->word) != waiter->value)
			vfs_waiter_done(sq, waiter);
		waiter = next;
	}
}

static void call_back(struct vfs_sync_queue *sq, struct vfs_request **requests, unsigned int count)
{
	unsigned int i;

	sq->calling = true;
	pthread_mutex_unlock(&sq->lock);
	callbacks++;
	for (i = 0; i < count; i++)
		requests[i]->done(requests[i], requests[i]->done_ctx);
	callbacks--;
	pthread_mutex_lock(&sq->lock);
	sq->calling = false;
}

/* Those who wait first, as they need not wait for the callbacks. */
static unsigned int reap(struct vfs_sync_queue *sq)
{
	struct vfs_request *requests[BATCH];
	unsigned int count = vfs_queue_reap(sq->queue, requests, BATCH);
	unsigned int with_callback = 0;
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (requests[i]->done)
			requests[with_callback++] = requests[i];
		else
			vfs_waiter_done(sq, requests[i]->waiter);
	}
	/* The device may have returned what was put back long ago. */
	if (sq->getters)
		vfs_sync_queue_serve_getters(sq);
	if (with_callback)
		call_back(sq, requests, with_callback);
	if (with_callback && sq->watchers)
		vfs_sync_queue_serve_watchers(sq);
	if (count && vfs_queue_owes(sq->queue) == 0)
		serve_idle(sq);
	return count;
}

static int wait_for_queue(struct vfs_queue *queue, uint64_t until_ns)
{
	int left = -1;

	if (until_ns != UINT64_MAX)
		left = vfs_deadline_left_ms((struct vfs_deadline){.ns = until_ns});
	return vfs_queue_wait(queue, left);
}

/* As the reaper. Comes back when he is done, has no more time or there is nothing to reap. */
static int reap_for_all(
	struct vfs_sync_queue *sq, const struct vfs_waiter *waiter, uint64_t until_ns)
{
	while (!is_done(waiter) && has_work(sq->queue)) {
		if (reap(sq) > 0 || is_done(waiter) || !has_work(sq->queue))
			continue;
		/* Any other error ends what is in flight, and that is reaped. */
		if (wait_for_queue(sq->queue, until_ns) == -ETIMEDOUT)
			return -ETIMEDOUT;
	}
	return 0;
}

/*
 * With the lock, as one who was appointed, unless he was done before he came to it. Then he is
 * done, or waits as others do.
 */
static int be_reaper(struct vfs_sync_queue *sq, struct vfs_waiter *waiter, uint64_t until_ns)
{
	int r;

	if (sq->reaper != waiter)
		return 0;
	sq->reaping = true;
	r = reap_for_all(sq, waiter, until_ns);
	sq->reaping = false;
	sq->reaper = NULL;
	if (is_done(waiter)) {
		r = 0;
	} else {
		atomic_store_explicit(&waiter->state, WAITING, memory_order_relaxed);
		if (r < 0)
			list_remove(sq, waiter);
	}
	appoint(sq);
	return r;
}

void vfs_waiter_leave(struct vfs_sync_queue *sq, struct vfs_waiter *waiter)
{
	list_remove(sq, waiter);
	if (sq->reaper == waiter)
		sq->reaper = NULL;
	appoint(sq);
}

/* His time is over; but he may have been told something in the same moment. */
static int give_up(struct vfs_sync_queue *sq, struct vfs_waiter *waiter)
{
	bool done;

	pthread_mutex_lock(&sq->lock);
	done = is_done(waiter);
	if (!done)
		vfs_waiter_leave(sq, waiter);
	pthread_mutex_unlock(&sq->lock);
	return done ? 0 : vfs_error(-ETIMEDOUT, "nothing has completed in time");
}

/* False: the time is over. */
static bool sleep_until_told(struct vfs_waiter *waiter, uint64_t until_ns)
{
	uint32_t state = WAITING;

	if (!atomic_compare_exchange_strong(&waiter->state, &state, ASLEEP) && state != ASLEEP)
		return true;
	return vfs_futex_wait(&waiter->state, ASLEEP, until_ns);
}

void vfs_waiter_join(struct vfs_sync_queue *sq, struct vfs_waiter *waiter)
{
	atomic_init(&waiter->state, WAITING);
	list_add(sq, waiter);
	appoint(sq);
}

int vfs_waiter_wait(struct vfs_sync_queue *sq, struct vfs_waiter *waiter, uint64_t until_ns)
{
	int r = 0;

	while (r == 0) {
		uint32_t state = atomic_load_explicit(&waiter->state, memory_order_acquire);

		if (state == DONE)
			break;
		if (state == APPOINTED) {
			pthread_mutex_lock(&sq->lock);
			r = be_reaper(sq, waiter, until_ns);
			pthread_mutex_unlock(&sq->lock);
		} else if (!sleep_until_told(waiter, until_ns)) {
			r = give_up(sq, waiter);
			break;
		}
	}
	return r;
}
