/* SPDX-License-Identifier: MIT */
/* Waiting for a queue: looking for a while, then sleeping until its interrupt. */
#include <errno.h>
#include <poll.h>

#include "core/core.h"
#include "fuse/fuse.h"

/* How often a thread that only looks makes sure of the time and of the device. */
#define LOOKS_PER_CHECK 256u
#define DEVICE_CHECK_NS 1000000u

VFS_EXPORT int vfs_queue_fd(const struct vfs_queue *queue)
{
	return queue->wakeup.fd;
}

static bool has_ended(const struct vfs_queue *queue)
{
	return queue->ended.head || queue->prodded ||
	       (queue->session->failed && queue->in_flight > 0);
}

VFS_EXPORT bool vfs_queue_arm(struct vfs_queue *queue)
{
	queue->interrupts = true;
	if (has_ended(queue))
		return true;
	return !queue->session->failed && vfs_ring_enable_interrupts(&queue->ring);
}

/* Without asking for an interrupt. */
static bool has_something(const struct vfs_queue *queue)
{
	return has_ended(queue) || (!queue->session->failed && vfs_ring_has_used(&queue->ring));
}

/* A moment at which a wait ends. */
struct limit {
	uint64_t at_ns; /* UINT64_MAX: never */
	int timeout_ms; /* as it was given */
};

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

static uint64_t next_look(const struct vfs_queue *queue, const struct limit *limit)
{
	uint64_t at = queue->look_at_ns;

	return at && at < limit->at_ns ? at : limit->at_ns;
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
 * who takes those, so that no lock is needed.
 */
static bool look_at_ring(const struct vfs_queue *queue)
{
	unsigned int i;

	for (i = 0; i < LOOKS_PER_CHECK && !queue->session->failed; i++) {
		if (vfs_ring_has_used(&queue->ring))
			return true;
		vfs_cpu_relax();
	}
	return false;
}

/* Look until @until. True: there is something. */
static bool look(struct vfs_queue *queue, uint64_t now, uint64_t until)
{
	uint64_t check_at = now + DEVICE_CHECK_NS;
	bool some = false;

	unlock(queue);
	while (!some && now < until) {
		some = look_at_ring(queue);
		if (some || queue->session->failed)
			break;
		now = vfs_now_ns();
		some = keep_going(queue);
		if (now >= check_at) {
			check_device(queue->session->device);
			check_at = now + DEVICE_CHECK_NS;
		}
	}
	lock(queue);
	return has_something(queue);
}

/* poll(), with the lock dropped and others knowing that it has to be ended by a signal. */
static int sleep_on(struct vfs_queue *queue, struct pollfd *fds, nfds_t count, uint64_t until)
{
	int left = -1;
	int r;

	if (until != UINT64_MAX)
		left = vfs_deadline_left_ms((struct vfs_deadline){.ns = until});
	queue->asleep_until_ns = until;
	queue->asleep = true;
	unlock(queue);
	r = poll(fds, count, left) < 0 ? -errno : 0;
	lock(queue);
	queue->asleep = false;
	return r;
}

static int sleep_until(struct vfs_queue *queue, const struct limit *limit)
{
	struct vfs_session *session = queue->session;
	struct pollfd fds[] = {
		{.fd = queue->wakeup.fd, .events = POLLIN},
		{.fd = vfs_device_event_fd(session->device), .events = POLLIN},
		/* FORGETs may begin to wait for room at any time. */
		{.fd = helps_hiprio(queue) ? vfs_session_hiprio_fd(session) : -1, .events = POLLIN},
	};
	int r = sleep_on(queue, fds, ARRAY_SIZE(fds), next_look(queue, limit));

	if (r < 0)
		return vfs_error(r, "interrupted");
	if (fds[0].revents)
		vfs_wakeup_clear(&queue->wakeup);
	if (fds[1].revents)
		(void)vfs_device_check(session->device);
	if (fds[2].revents)
		vfs_hiprio_woken(&session->hiprio);
	if (queue->look_at_ns)
		vfs_queue_look_at_time(queue);
	return 0;
}

static bool passed(const struct limit *limit)
{
	return limit->at_ns != UINT64_MAX && vfs_now_ns() >= limit->at_ns;
}

static int sleep_for_it(struct vfs_queue *queue, const struct limit *limit)
{
	while (!vfs_queue_arm(queue)) {
		int r = vfs_session_check(queue->session);

		if (r == 0)
			r = sleep_until(queue, limit);
		if (r < 0)
			return r;
		/* Also when events without completions keep coming. */
		if (passed(limit) && !vfs_queue_arm(queue))
			return timed_out(queue, limit);
	}
	return 0;
}

static uint64_t add_time(uint64_t now, uint64_t duration)
{
	return duration > UINT64_MAX - now ? UINT64_MAX : now + duration;
}

static int wait_for_it(struct vfs_queue *queue, uint64_t begin, int timeout_ms)
{
	uint64_t patience = vfs_patience_begin(&queue->patience);
	struct limit limit = {.at_ns = UINT64_MAX, .timeout_ms = timeout_ms};
	uint64_t until = add_time(begin, patience);
	bool looked;
	int r = 0;

	if (timeout_ms >= 0)
		limit.at_ns = begin + (uint64_t)timeout_ms * 1000000;
	if (until > limit.at_ns)
		until = limit.at_ns;
	looked = patience && look(queue, begin, until);
	if (!looked && patience != UINT64_MAX)
		r = sleep_for_it(queue, &limit);
	else if (!looked)
		r = timed_out(queue, &limit);
	if (r == 0)
		vfs_patience_end(&queue->patience, vfs_now_ns() - begin, looked);
	return r;
}

VFS_EXPORT int vfs_queue_wait(struct vfs_queue *queue, int timeout_ms)
{
	int r;

	if (has_something(queue))
		return 0;
	queue->waiting = true;
	r = wait_for_it(queue, vfs_now_ns(), timeout_ms);
	queue->waiting = false;
	queue->prodded = false;
	return r;
}

VFS_EXPORT int vfs_queue_reap_wait(struct vfs_queue *queue, struct vfs_request **requests,
	unsigned int min, unsigned int max, int timeout_ms)
{
	struct vfs_deadline deadline = vfs_deadline_in(
		timeout_ms < 0 ? 0 : (unsigned int)timeout_ms);
	unsigned int count = vfs_queue_reap(queue, requests, max);

	while (count < min && queue->in_flight > 0) {
		int left = timeout_ms < 0 ? -1 : vfs_deadline_left_ms(deadline);
		int r = vfs_queue_wait(queue, left);

		if (r < 0)
			return count ? (int)count : r;
		count += vfs_queue_reap(queue, requests + count, max - count);
	}
	return (int)count;
}
