/* SPDX-License-Identifier: MIT */
#include "worker.h"

#include <errno.h>
#include <sched.h>

#include <vfs/request.h>
#include <vfs/session.h>

#include "channel.h"
#include "core/core.h"
#include "lane.h"
#include "trace.h"
#include "window.h"

#define REAP_BATCH 32

/* A look at the kernel is a system call, one at the device is not. */
#define LOOKS_AT_DEVICE 64

static enum worker_duty duty_of(const struct worker *worker)
{
	return atomic_load_explicit(&worker->duty, memory_order_relaxed);
}

static unsigned int under_way(const struct worker *worker)
{
	return atomic_load_explicit(&worker->lane->under_way, memory_order_relaxed);
}

/* ---- answers ---- */

/* The kernel is answered when the lock is granted. */
static bool waits_for_lock(const struct worker *worker, struct vfs_request *request)
{
	const struct fuse_in_header *header = vfs_request_message(request);

	return worker->lock_wait && vfs_request_error(request) == -EINPROGRESS &&
	       header->opcode == FUSE_SETLKW;
}

/* With a window there is one, and the window's own marks on requests. */
static struct lane_origin *origin_of(const struct worker *worker, const struct vfs_request *request)
{
	return worker->intake.window ? worker->intake.origin : vfs_request_user_data(request);
}

static void apply_cache_mode(const struct worker *worker, struct vfs_request *request)
{
	const struct fuse_in_header *header = vfs_request_message(request);
	struct iovec iov[2];

	if (worker->cache != CACHE_AUTO && vfs_request_reply(request, iov) > 1)
		cache_mode_apply(worker->cache, header->opcode, iov[1].iov_base, iov[1].iov_len);
}

static void take_answer(struct worker *worker, struct vfs_request *request)
{
	struct lane_origin *origin = origin_of(worker, request);

	if (worker->intake.trace)
		trace_request(request);
	if (window_after(worker->intake.window, request)) {
		channel_put(worker->channel, request);
	} else if (waits_for_lock(worker, request)) {
		atomic_fetch_sub(&origin->lane->under_way, 1);
		channel_put(worker->channel, request);
	} else {
		apply_cache_mode(worker, request);
		origin->lane->ops->answer(origin, request);
	}
}

static unsigned int collect(struct worker *worker)
{
	struct vfs_request *done[REAP_BATCH];
	unsigned int count = channel_reap(worker->channel, done, REAP_BATCH);
	unsigned int i;

	for (i = 0; i < count; i++)
		take_answer(worker, done[i]);
	return count;
}

/* ---- messages ---- */

static void hear(struct worker *worker, int error)
{
	if (!error || worker->kernel_gone)
		return;
	worker->kernel_gone = true;
	worker->events->kernel_gone(worker->events->ctx, error);
}

static bool takes_messages(const struct worker *worker)
{
	return duty_of(worker) == WORKER_SERVES && !worker->kernel_gone;
}

/* What the window asks goes first: it is little, and makes the rest less. */
static int send_for_window(struct worker *worker)
{
	struct window *window = worker->intake.window;
	int error = 0;

	while (!error && window_wants_slot(window)) {
		struct vfs_request *slot = channel_get(worker->channel);

		if (!slot)
			break;
		pthread_mutex_lock(&worker->channel->lock);
		error = window_send(window, slot);
		pthread_mutex_unlock(&worker->channel->lock);
	}
	return error;
}

static int send_forgets(struct worker *worker)
{
	int r;

	if (!worker->intake.forgets && !worker->intake.window)
		return 0;
	worker->intake.forgets = false;
	r = vfs_session_progress(worker->intake.session);
	if (r > 0)
		worker->events->forgets_wait(worker->events->ctx);
	return r < 0 ? r : 0;
}

static void fail(struct worker *worker, int error)
{
	if (!atomic_load(&worker->lost))
		worker->events->device_failed(worker->events->ctx, error);
}

/* All that can be done without waiting. */
static void work(struct worker *worker)
{
	int error;

	worker->intake.lost = atomic_load_explicit(&worker->lost, memory_order_relaxed);
	collect(worker);
	error = send_forgets(worker);
	if (!error)
		error = send_for_window(worker);
	if (takes_messages(worker) && worker->lane->ready)
		hear(worker, worker->lane->ops->take(worker->lane, &worker->intake));
	if (intake_submit(&worker->intake) && !error)
		error = -EIO;
	if (error)
		fail(worker, error);
}

/* ---- looking ---- */

static bool find_answer(struct worker *worker)
{
	unsigned int i;

	for (i = 0; i < LOOKS_AT_DEVICE; i++) {
		if (collect(worker))
			return true;
		vfs_cpu_relax();
	}
	return false;
}

static bool find_message(struct worker *worker)
{
	return takes_messages(worker) && worker->lane->ops->look(worker->lane);
}

static bool wants_to_send(const struct worker *worker)
{
	return window_wants_slot(worker->intake.window);
}

/* True: there was something to do, without sleeping. */
static bool look(struct worker *worker)
{
	unsigned int in_flight = under_way(worker);
	bool found = false;

	if (!looking_begin(&worker->looking, in_flight, worker->lane->large))
		return false;
	worker->lane->ops->flush(worker->lane);
	while (!found && looking_on(&worker->looking))
		found = (in_flight && find_answer(worker)) || find_message(worker) ||
			wants_to_send(worker);
	if (found)
		looking_end(&worker->looking, true);
	return found;
}

/* ---- sleeping ---- */

static void sleep_on(struct worker *worker, struct lane_wait *wait)
{
	struct lane *lane = worker->lane;

	if (looking_never_sleeps(&worker->looking))
		wait->timeout_ms = 0;
	hear(worker, lane->ops->wait(lane, &worker->intake, wait));
	looking_end(&worker->looking, false);
	if (wait->window_woken)
		window_woken(worker->intake.window);
}

static void rest(struct worker *worker)
{
	bool drains = duty_of(worker) == WORKER_DRAINS;
	struct lane_wait wait = {
		.messages = takes_messages(worker),
		.queue_fd = -1,
		.window_fd = window_fd(worker->intake.window),
		.timeout_ms = -1,
	};
	enum channel_rest how = channel_rest(
		worker->channel, under_way(worker) || drains, &wait.timeout_ms);

	if (how == CHANNEL_BUSY)
		return;
	if (how == CHANNEL_WAIT)
		wait.queue_fd = vfs_queue_fd(worker->channel->queue);
	sleep_on(worker, &wait);
	if (how == CHANNEL_WAIT)
		channel_end_rest(worker->channel);
}

/* ---- the thread ---- */

static bool owes_answers(struct worker *worker)
{
	return channel_in_flight(worker->channel) ||
	       (worker->lane->sends_itself && atomic_load(&worker->lane->under_way));
}

static bool is_done(struct worker *worker)
{
	return duty_of(worker) == WORKER_DRAINS && window_is_empty(worker->intake.window) &&
	       !owes_answers(worker);
}

static void pin(const struct worker *worker)
{
	cpu_set_t set;

	if (worker->cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((unsigned int)worker->cpu, &set);
	/* Where it may not run there it runs elsewhere. */
	(void)sched_setaffinity(0, sizeof(set), &set);
}

static void *serve(void *arg)
{
	struct worker *worker = arg;

	pin(worker);
	worker->begin_error = worker->lane->ops->begin(worker->lane);
	sem_post(&worker->begun);
	while (!worker->begin_error && !is_done(worker)) {
		work(worker);
		if (is_done(worker))
			break;
		if (!look(worker))
			rest(worker);
	}
	if (!worker->begin_error)
		worker->lane->ops->end(worker->lane);
	atomic_store(&worker->ended, true);
	worker->events->ended(worker->events->ctx);
	return NULL;
}

int worker_start(struct worker *worker)
{
	int error;

	sem_init(&worker->begun, 0, 0);
	error = pthread_create(&worker->thread, NULL, serve, worker);
	worker->started = !error;
	if (error)
		return -error;
	while (sem_wait(&worker->begun))
		;
	return worker->begin_error;
}

void worker_wake(struct worker *worker)
{
	worker->lane->ops->wake(worker->lane);
}

void worker_set_duty(struct worker *worker, enum worker_duty duty)
{
	atomic_store(&worker->duty, duty);
	worker_wake(worker);
}

void worker_lose_device(struct worker *worker)
{
	atomic_store(&worker->lost, true);
	worker_wake(worker);
}

void worker_join(struct worker *worker)
{
	if (!worker->started)
		return;
	pthread_join(worker->thread, NULL);
	sem_destroy(&worker->begun);
	worker->started = false;
}
