/* SPDX-License-Identifier: MIT */
/* Waiting for a queue: looking for a while, then sleeping until its interrupt. */
#include <errno.h>
#include <limits.h>
#include <poll.h>

#include "core/core.h"
#include "fuse/fuse.h"

/* How often a thread that only looks makes sure of the time and of the device. */
#define LOOKS_PER_CHECK VFS_LOOKS_AT_ONCE
#define DEVICE_CHECK_NS NS_PER_MS

/* To find out how long one takes: many times what reading the clock may take. */
#define LOOKS_MEASURED 1024u

#define NS_PER_MS 1000000u
#define PS_PER_NS 1000u

VFS_EXPORT int vfs_queue_fd(const struct vfs_queue *queue)
{
	return queue->wakeup.fd;
}

static bool has_ended(const struct vfs_queue *queue)
{
	return queue->ended.head || queue->prodded ||
	       (queue->session->failed && vfs_queue_owes(queue) > 0);
}

VFS_EXPORT bool vfs_queue_arm(struct vfs_queue *queue)
{
	queue->interrupts = true;
	vfs_observe_pause(queue);
	if (has_ended(queue))
		return true;
	return !queue->session->failed && vfs_ring_enable_interrupts(&queue->ring);
}

/* Without asking for an interrupt. */
static bool has_something(const struct vfs_queue *queue)
{
	return has_ended(queue) || (!queue->session->failed && vfs_ring_has_used(&queue->ring));
}

/* When a wait ends. It is counted from the first time that the clock is read. */
struct limit {
	int timeout_ms;	 /* as it was given; negative: never */
	uint64_t at_ns;	 /* UINT64_MAX: never; 0: the clock was not read yet */
	uint64_t now_ns; /* what it said last */
};

static void read_clock(struct limit *limit)
{
	limit->now_ns = vfs_now_ns();
	if (limit->at_ns)
		return;
	limit->at_ns = UINT64_MAX;
	if (limit->timeout_ms >= 0)
		limit->at_ns = limit->now_ns + (uint64_t)limit->timeout_ms * NS_PER_MS;
}

static void lock(struct vfs_queue *queue)
{
	if (queue->lock)
		pthread_mutex_lock(queue->lock);
}

static void unlock(struct vfs_queue *queue)
{
	if (queue->lock)
		pthread_mutex_unlock(queue->lock);
}

void vfs_queue_prod(struct vfs_queue *queue)
{
	if (!queue->waiting)
		return;
	queue->prodded = true;
	if (queue->asleep)
		vfs_wakeup_signal(&queue->wakeup);
}

void vfs_queue_changed(struct vfs_queue *queue)
{
	bool sooner = queue->look_at_ns && queue->look_at_ns < queue->asleep_until_ns;

	if (queue->asleep && (sooner || has_ended(queue)))
		vfs_wakeup_signal(&queue->wakeup);
}

static int timed_out(const struct vfs_queue *queue, const struct limit *limit)
{
	int r = vfs_session_check(queue->session);

	return r < 0 ? r
		     : vfs_error(-ETIMEDOUT, "%s did not answer within %d ms",
			       queue->session->device->info.name, limit->timeout_ms);
}

/* Who waits for the hiprio queue itself collects from it himself. */
static bool helps_hiprio(const struct vfs_queue *queue)
{
	return queue != queue->session->hiprio.queue;
}

/* What has to be done now and then while looking. True: there is something now. */
static bool keep_going(struct vfs_queue *queue)
{
	bool some;

	if (helps_hiprio(queue) &&
		atomic_load_explicit(&queue->session->hiprio.waiting, memory_order_relaxed))
		vfs_hiprio_collect(&queue->session->hiprio);
	lock(queue);
	if (queue->look_at_ns)
		vfs_queue_look_at_time(queue);
	some = has_something(queue);
	unlock(queue);
	return some;
}

/* The device's own events matter to who never sleeps too. */
static void check_device(struct vfs_device *device)
{
	struct pollfd pfd = {.fd = vfs_device_event_fd(device), .events = POLLIN};

	/* A failed device ends its requests: they are there to be reaped. */
	if (poll(&pfd, 1, 0) > 0)
		(void)vfs_device_check(device);
}

/*
 * Only what the device writes, and what changes with completions alone: whoever waits is the one
 * who takes those, so that no lock is needed. How many looks it took, or @looks: there is nothing.
 */
static unsigned int look_at_ring(const struct vfs_queue *queue, unsigned int looks)
{
	unsigned int i;

	for (i = 0; i < looks && !queue->session->failed; i++) {
		if (vfs_ring_has_used(&queue->ring))
			break;
		vfs_cpu_relax();
	}
	return i;
}

/*
 * Look so often. Nobody reads the clock: where it is not in the processor that takes longer than
 * most answers. *looks is how many it took. True: there is something.
 */
static bool look(struct vfs_queue *queue, unsigned int *looks)
{
	unsigned int wanted = *looks;
	bool some = false;

	unlock(queue);
	*looks = 0;
	while (!some && *looks < wanted) {
		unsigned int left = wanted - *looks;
		unsigned int batch = left < LOOKS_PER_CHECK ? left : LOOKS_PER_CHECK;
		unsigned int took = look_at_ring(queue, batch);

		*looks += took;
		some = took < batch || keep_going(queue);
	}
	lock(queue);
	queue->counters.looks += *looks;
	/* What was found nobody else has taken. */
	return (some && !queue->session->failed) || has_something(queue);
}

/* Look until there is something. */
static int look_on(struct vfs_queue *queue, struct limit *limit)
{
	uint64_t check_at = limit->now_ns + DEVICE_CHECK_NS;
	bool some = has_something(queue);

	while (!some && !queue->session->failed && limit->now_ns < limit->at_ns) {
		unsigned int looks = LOOKS_PER_CHECK;

		some = look(queue, &looks);
		vfs_observe_pause(queue);
		read_clock(limit);
		if (limit->now_ns >= check_at) {
			check_device(queue->session->device);
			check_at = limit->now_ns + DEVICE_CHECK_NS;
		}
	}
	return has_something(queue) ? 0 : timed_out(queue, limit);
}

/* For poll(): until the wait is over, or the queue has to be looked at. */
static int time_to_sleep(struct vfs_queue *queue, const struct limit *limit)
{
	uint64_t at = limit->at_ns;
	uint64_t ms;

	if (queue->look_at_ns && queue->look_at_ns < at)
		at = queue->look_at_ns;
	queue->asleep_until_ns = at;
	if (at == UINT64_MAX)
		return -1;
	if (at <= limit->now_ns)
		return 0;
	ms = (at - limit->now_ns + NS_PER_MS - 1) / NS_PER_MS;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* poll(), with the lock dropped and others knowing that it has to be ended by a signal. */
static int sleep_on(struct vfs_queue *queue, struct pollfd *fds, nfds_t count, int timeout_ms)
{
	int r;

	queue->counters.sleeps++;
	queue->asleep = true;
	unlock(queue);
	r = poll(fds, count, timeout_ms) < 0 ? -errno : 0;
	lock(queue);
	queue->asleep = false;
	return r;
}

/* *woken: by the queue's own descriptor, which is still to be cleared. */
static int sleep_once(struct vfs_queue *queue, const struct limit *limit, bool *woken)
{
	struct vfs_session *session = queue->session;
	struct pollfd fds[] = {
		{.fd = queue->wakeup.fd, .events = POLLIN},
		{.fd = vfs_device_event_fd(session->device), .events = POLLIN},
		/* FORGETs may begin to wait for room at any time. */
		{.fd = helps_hiprio(queue) ? vfs_session_hiprio_fd(session) : -1, .events = POLLIN},
	};
	int r = sleep_on(queue, fds, ARRAY_SIZE(fds), time_to_sleep(queue, limit));

	if (r < 0)
		return vfs_error(r, "interrupted");
	*woken = fds[0].revents != 0;
	if (fds[1].revents)
		(void)vfs_device_check(session->device);
	if (fds[2].revents)
		vfs_hiprio_woken(&session->hiprio);
	if (queue->look_at_ns)
		vfs_queue_look_at_time(queue);
	return 0;
}

static int sleep_for_it(struct vfs_queue *queue, struct limit *limit)
{
	bool slept = false;
	bool woken = false;
	int r = 0;

	while (r == 0 && !vfs_queue_arm(queue)) {
		/* Only now: when there is something, whoever reaps it clears the descriptor. */
		if (woken) {
			vfs_queue_clear_wakeup(queue);
			woken = false;
			continue;
		}
		r = vfs_session_check(queue->session);
		if (r == 0 && slept) {
			read_clock(limit);
			/* Also when events without completions keep coming. */
			r = limit->now_ns >= limit->at_ns ? timed_out(queue, limit) : 0;
		}
		if (r == 0)
			r = sleep_once(queue, limit, &woken);
		slept = true;
	}
	return r;
}

/* @looked: so often already, in vain. */
static int wait_for_it(struct vfs_queue *queue, struct limit *limit, unsigned int looked)
{
	struct vfs_patience *patience = &queue->patience;
	unsigned int looks = limit->timeout_ms ? vfs_patience_begin(patience) : 0;
	uint64_t begin_ns;
	int r;

	looks = looks > looked ? looks - looked : 0;
	if (looks > LOOKS_PER_CHECK && patience->poll == VFS_POLL_ALWAYS)
		looks = LOOKS_PER_CHECK;
	if (looks && look(queue, &looks)) {
		if (patience->poll == VFS_POLL_AUTO)
			vfs_patience_end(
				patience, vfs_patience_time_of(patience, looked + looks), true);
		return 0;
	}
	read_clock(limit);
	if (patience->poll == VFS_POLL_ALWAYS)
		return look_on(queue, limit);
	begin_ns = limit->now_ns - vfs_patience_time_of(patience, looked + looks);
	r = sleep_for_it(queue, limit);
	if (r == 0 && patience->poll == VFS_POLL_AUTO)
		vfs_patience_end(patience, vfs_now_ns() - begin_ns, false);
	return r;
}

static __attribute__((noinline)) int wait_on(
	struct vfs_queue *queue, struct limit *limit, unsigned int looked)
{
	int r;

	if (has_something(queue))
		return 0;
	queue->waiting = true;
	r = wait_for_it(queue, limit, looked);
	queue->waiting = false;
	queue->prodded = false;
	return r;
}

/*
 * What most waits come to: of a queue that is one thread's own, an answer that is there soon.
 * Little is done when it has been found, as by so much the next request is late. *looked: how often
 * in vain.
 */
static inline bool find_at_once(struct vfs_queue *queue, int timeout_ms, unsigned int *looked)
{
	const struct vfs_session *session = queue->session;
	struct vfs_patience *patience = &queue->patience;
	unsigned int looks = 0;
	unsigned int i;

	if (timeout_ms && !queue->lock && !queue->ended.head)
		looks = vfs_patience_first(patience);
	for (i = 0; i < looks && !session->failed; i++) {
		if (vfs_ring_has_used(&queue->ring)) {
			vfs_patience_found(patience, i);
			return true;
		}
		vfs_cpu_relax();
	}
	queue->counters.looks += i;
	*looked = i;
	return false;
}

static __attribute__((noinline)) int wait_without_haste(
	struct vfs_queue *queue, int timeout_ms, unsigned int looked)
{
	struct limit limit = {.timeout_ms = timeout_ms};

	return wait_on(queue, &limit, looked);
}

VFS_EXPORT int vfs_queue_wait(struct vfs_queue *queue, int timeout_ms)
{
	unsigned int looked;

	if (find_at_once(queue, timeout_ms, &looked))
		return 0;
	return wait_without_haste(queue, timeout_ms, looked);
}

VFS_EXPORT int vfs_queue_reap_wait(struct vfs_queue *queue, struct vfs_request **requests,
	unsigned int min, unsigned int max, int timeout_ms)
{
	struct limit limit = {.timeout_ms = timeout_ms};
	unsigned int count = vfs_queue_reap(queue, requests, max);

	while (count < min && vfs_queue_owes(queue) > 0) {
		unsigned int looked;
		int r = 0;

		if (!find_at_once(queue, timeout_ms, &looked))
			r = wait_on(queue, &limit, looked);
		if (r < 0)
			return count ? (int)count : r;
		count += vfs_queue_reap(queue, requests + count, max - count);
	}
	return (int)count;
}

uint64_t vfs_queue_look_ps(const struct vfs_queue *queue)
{
	uint64_t best = UINT64_MAX;

	for (unsigned int i = 0; i < 3; i++) {
		uint64_t begin = vfs_now_ns();
		uint64_t took;

		(void)look_at_ring(queue, LOOKS_MEASURED);
		took = vfs_now_ns() - begin;
		best = took < best ? took : best;
	}
	best = best * PS_PER_NS / LOOKS_MEASURED;
	return best > PS_PER_NS ? best : PS_PER_NS;
}
