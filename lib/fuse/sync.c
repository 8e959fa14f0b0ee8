/* SPDX-License-Identifier: MIT */
/* Calls of any thread; how they wait is in sync_wait.c. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "core/thread.h"
#include "fuse/sync.h"

struct vfs_sync {
	struct vfs_session *session;
	bool threads; /* the library's own run */
	unsigned int num_queues;
	struct vfs_sync_queue queues[];
};

static void take_over(struct vfs_sync_queue *sq, struct vfs_queue *queue)
{
	pthread_mutex_init(&sq->lock, NULL);
	sq->queue = queue;
	queue->sharing = sq;
	queue->lock = &sq->lock;
}

static void give_back(struct vfs_sync_queue *sq)
{
	sq->queue->lock = NULL;
	sq->queue->sharing = NULL;
	pthread_mutex_destroy(&sq->lock);
}

static int check_queues(struct vfs_session *session, const struct vfs_sync_options *options)
{
	unsigned int i;

	for (i = 0; i < options->num_queues; i++) {
		const struct vfs_queue *queue = vfs_session_queue(
			session, options->first_queue + i);

		if (queue->lock)
			return vfs_error(-EBUSY, "queue %u is shared by threads already",
				options->first_queue + i);
	}
	return 0;
}

VFS_EXPORT int vfs_sync_create(
	struct vfs_session *session, const struct vfs_sync_options *given, struct vfs_sync **result)
{
	unsigned int there = vfs_session_num_queues(session);
	struct vfs_sync_options options = given ? *given : (struct vfs_sync_options){0};
	struct vfs_sync *sync;
	size_t size;
	unsigned int i;
	int r;

	if (options.first_queue >= there || options.num_queues > there - options.first_queue)
		return vfs_error(-EINVAL, "%u queues from number %u on: the session has %u",
			options.num_queues, options.first_queue, there);
	if (!options.num_queues)
		options.num_queues = there - options.first_queue;
	r = check_queues(session, &options);
	if (r < 0)
		return r;
	size = sizeof(*sync) + options.num_queues * sizeof(sync->queues[0]);
	sync = aligned_alloc(_Alignof(struct vfs_sync), size);
	if (!sync)
		return vfs_error(-ENOMEM, "out of memory");
	memset(sync, 0, size);
	sync->session = session;
	sync->num_queues = options.num_queues;
	for (i = 0; i < sync->num_queues; i++)
		take_over(&sync->queues[i], vfs_session_queue(session, options.first_queue + i));
	*result = sync;
	return 0;
}

VFS_EXPORT void vfs_sync_destroy(struct vfs_sync *sync)
{
	unsigned int i;

	if (!sync)
		return;
	vfs_sync_stop_threads(sync);
	for (i = 0; i < sync->num_queues; i++)
		give_back(&sync->queues[i]);
	free(sync);
}

/* ---- taking and giving back ---- */

static uint64_t limit_of(int timeout_ms)
{
	return timeout_ms < 0 ? UINT64_MAX : vfs_deadline_in((unsigned int)timeout_ms).ns;
}

/* Who waits already is not overtaken. */
static struct vfs_request *try_get(struct vfs_sync_queue *sq)
{
	struct vfs_request *request;

	pthread_mutex_lock(&sq->lock);
	request = sq->getters ? NULL : vfs_request_get(sq->queue);
	pthread_mutex_unlock(&sq->lock);
	return request;
}

static int wait_and_get(struct vfs_sync_queue *sq, int timeout_ms, struct vfs_request **request)
{
	struct vfs_waiter waiter = {.what = VFS_WAITER_FOR_REQUEST};
	bool waits;
	int r = 0;

	if (timeout_ms == 0)
		return vfs_error(-ETIMEDOUT, "all requests are in use");
	if (vfs_sync_in_callback())
		return vfs_error(-EDEADLK, "all requests are in use, and a callback cannot wait");
	pthread_mutex_lock(&sq->lock);
	if (!sq->getters)
		waiter.request = vfs_request_get(sq->queue);
	waits = !waiter.request;
	if (waits)
		vfs_waiter_join(sq, &waiter);
	pthread_mutex_unlock(&sq->lock);
	if (waits)
		r = vfs_waiter_wait(sq, &waiter, limit_of(timeout_ms));
	if (r == 0)
		*request = waiter.request;
	return r;
}

static int get(struct vfs_sync *sync, unsigned int home, bool elsewhere, int timeout_ms,
	struct vfs_request **result)
{
	struct vfs_request *request = try_get(&sync->queues[home]);
	unsigned int i;
	int r;

	for (i = 1; elsewhere && !request && i < sync->num_queues; i++)
		request = try_get(&sync->queues[(home + i) % sync->num_queues]);
	if (request) {
		*result = request;
		return 0;
	}
	r = vfs_session_check(sync->session);
	return r < 0 ? r : wait_and_get(&sync->queues[home], timeout_ms, result);
}

VFS_EXPORT int vfs_sync_get(struct vfs_sync *sync, int timeout_ms, struct vfs_request **request)
{
	int cpu = sched_getcpu();
	unsigned int home = cpu < 0 ? 0 : (unsigned int)cpu % sync->num_queues;

	return get(sync, home, true, timeout_ms, request);
}

VFS_EXPORT int vfs_sync_get_on(
	struct vfs_sync *sync, unsigned int index, int timeout_ms, struct vfs_request **request)
{
	if (index >= sync->num_queues)
		return vfs_error(-EINVAL, "queue %u of %u", index, sync->num_queues);
	return get(sync, index, false, timeout_ms, request);
}

VFS_EXPORT void vfs_sync_put(struct vfs_sync *sync, struct vfs_request *request)
{
	struct vfs_sync_queue *sq;

	(void)sync;
	if (!request)
		return;
	sq = request->queue->sharing;
	pthread_mutex_lock(&sq->lock);
	vfs_request_put(request);
	if (sq->getters)
		vfs_sync_queue_serve_getters(sq);
	pthread_mutex_unlock(&sq->lock);
}

/* ---- sending ---- */

static int check_owner(const struct vfs_sync *sync, const struct vfs_request *request)
{
	const struct vfs_sync_queue *sq = request->queue->sharing;

	if (sq < sync->queues || sq >= sync->queues + sync->num_queues)
		return vfs_error(-EINVAL, "a request of a queue that is not shared here");
	return 0;
}

/* With the lock. */
static int submit(struct vfs_sync_queue *sq, struct vfs_request *request)
{
	int r = vfs_queue_submit(sq->queue, &request, 1);

	if (r == 0)
		vfs_sync_queue_changed(sq);
	return r;
}

/* What it ended with, if not with an answer. */
static int outcome(const struct vfs_request *request)
{
	const char *name = request->queue->session->device->info.name;

	if (!request->ended)
		return request->malformed ? vfs_error(-EIO, "%s: a malformed answer to opcode %u",
						    name, request->opcode)
					  : 0;
	switch (request->error) {
	case -ETIMEDOUT:
		return vfs_error(-ETIMEDOUT, "%s did not answer opcode %u within %llu ms", name,
			request->opcode, (unsigned long long)(request->timeout_ns / 1000000));
	case -ECANCELED:
		return vfs_error(-ECANCELED, "opcode %u was cancelled", request->opcode);
	default:
		return vfs_error(request->error, "%s has failed", name);
	}
}

VFS_EXPORT int vfs_sync_call(
	struct vfs_sync *sync, struct vfs_request *request, unsigned int timeout_ms)
{
	struct vfs_sync_queue *sq = request->queue->sharing;
	struct vfs_waiter waiter = {.what = VFS_WAITER_FOR_ANSWER};
	int r = check_owner(sync, request);

	if (r < 0)
		return r;
	if (vfs_sync_in_callback())
		return vfs_error(-EDEADLK, "a callback cannot wait for an answer");
	if (timeout_ms)
		vfs_request_set_timeout(request, timeout_ms);
	request->done = NULL;
	request->waiter = &waiter;
	pthread_mutex_lock(&sq->lock);
	r = submit(sq, request);
	if (r == 0)
		vfs_waiter_join(sq, &waiter);
	pthread_mutex_unlock(&sq->lock);
	if (r < 0)
		return r;
	(void)vfs_waiter_wait(sq, &waiter, UINT64_MAX);
	return outcome(request);
}

VFS_EXPORT int vfs_sync_submit(
	struct vfs_sync *sync, struct vfs_request *request, vfs_sync_done_fn *done, void *ctx)
{
	struct vfs_sync_queue *sq = request->queue->sharing;
	int r = check_owner(sync, request);

	if (r < 0)
		return r;
	request->done = done;
	request->done_ctx = ctx;
	pthread_mutex_lock(&sq->lock);
	r = submit(sq, request);
	pthread_mutex_unlock(&sq->lock);
	return r;
}

VFS_EXPORT int vfs_sync_cancel(struct vfs_sync *sync, struct vfs_request *request)
{
	struct vfs_sync_queue *sq = request->queue->sharing;
	int r = check_owner(sync, request);

	if (r < 0)
		return r;
	pthread_mutex_lock(&sq->lock);
	r = vfs_request_cancel(request);
	if (r == 0)
		vfs_sync_queue_changed(sq);
	pthread_mutex_unlock(&sq->lock);
	return r;
}

VFS_EXPORT int vfs_sync_drain(struct vfs_sync *sync, int timeout_ms)
{
	uint64_t until_ns = limit_of(timeout_ms);
	unsigned int i;
	int r = 0;

	if (vfs_sync_in_callback())
		return vfs_error(-EDEADLK, "a callback cannot wait");
	for (i = 0; i < sync->num_queues && r == 0; i++) {
		struct vfs_sync_queue *sq = &sync->queues[i];
		struct vfs_waiter waiter = {.what = VFS_WAITER_FOR_IDLE};

		bool busy;

		pthread_mutex_lock(&sq->lock);
		busy = vfs_queue_owes(sq->queue) > 0 || sq->calling;
		if (busy)
			vfs_waiter_join(sq, &waiter);
		pthread_mutex_unlock(&sq->lock);
		if (busy)
			r = vfs_waiter_wait(sq, &waiter, until_ns);
	}
	return r;
}

/* ---- words that callbacks change ---- */

unsigned int vfs_sync_num_queues(const struct vfs_sync *sync)
{
	return sync->num_queues;
}

int vfs_sync_watch(struct vfs_sync *sync, unsigned int index, const _Atomic uint32_t *word,
	uint32_t value, uint64_t until_ns)
{
	struct vfs_sync_queue *sq = &sync->queues[index];
	struct vfs_waiter waiter = {.what = VFS_WAITER_FOR_CHANGE, .word = word, .value = value};
	bool waits;

	if (vfs_sync_in_callback())
		return vfs_error(-EDEADLK, "a callback cannot wait");
	pthread_mutex_lock(&sq->lock);
	waits = atomic_load(word) == value;
	if (waits)
		vfs_waiter_join(sq, &waiter);
	pthread_mutex_unlock(&sq->lock);
	return waits ? vfs_waiter_wait(sq, &waiter, until_ns) : 0;
}

void vfs_sync_tell_watchers(struct vfs_sync *sync, unsigned int index)
{
	struct vfs_sync_queue *sq = &sync->queues[index];

	pthread_mutex_lock(&sq->lock);
	if (sq->watchers)
		vfs_sync_queue_serve_watchers(sq);
	pthread_mutex_unlock(&sq->lock);
}

/* ---- threads of the library's own ---- */

static void *reap_always(void *ctx)
{
	struct vfs_sync_queue *sq = ctx;

	(void)vfs_waiter_wait(sq, &sq->own, UINT64_MAX);
	return NULL;
}

static void stop_thread(struct vfs_sync_queue *sq)
{
	pthread_mutex_lock(&sq->lock);
	vfs_waiter_done(sq, &sq->own);
	pthread_mutex_unlock(&sq->lock);
	pthread_join(sq->thread, NULL);
}

/* It waits from now on, whenever it begins to run. */
static int start_thread(struct vfs_sync_queue *sq)
{
	int r;

	pthread_mutex_lock(&sq->lock);
	sq->own.what = VFS_WAITER_FOR_STOP;
	vfs_waiter_join(sq, &sq->own);
	pthread_mutex_unlock(&sq->lock);
	r = vfs_thread_start(&sq->thread, 0, reap_always, sq);
	if (r < 0) {
		pthread_mutex_lock(&sq->lock);
		vfs_waiter_leave(sq, &sq->own);
		pthread_mutex_unlock(&sq->lock);
	}
	return r;
}

VFS_EXPORT int vfs_sync_start_threads(struct vfs_sync *sync)
{
	unsigned int i;
	int r = 0;

	if (sync->threads)
		return vfs_error(-EBUSY, "the threads run already");
	for (i = 0; i < sync->num_queues && r == 0; i++)
		r = start_thread(&sync->queues[i]);
	sync->threads = r == 0;
	for (i--; r < 0 && i > 0; i--)
		stop_thread(&sync->queues[i - 1]);
	return r;
}

VFS_EXPORT void vfs_sync_stop_threads(struct vfs_sync *sync)
{
	unsigned int i;

	for (i = 0; sync->threads && i < sync->num_queues; i++)
		stop_thread(&sync->queues[i]);
	sync->threads = false;
}
