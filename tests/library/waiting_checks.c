/* SPDX-License-Identifier: MIT */
/* The ways to wait for an answer. */
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>

#include "check.h"
#include "numbered.h"

#define BLOCKS 64u
#define COUNT  500u

#define FEW(how)                                                        \
	{                                                               \
		.depth = 4, .max_payload = 4096, .poll = VFS_POLL_##how \
	}

static int by_descriptor(struct vfs_queue *queue)
{
	struct epoll_event event = {.events = EPOLLIN};
	int epoll, n;

	if (vfs_queue_arm(queue))
		return 0;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		return -errno;
	n = epoll_ctl(epoll, EPOLL_CTL_ADD, vfs_queue_fd(queue), &event);
	if (n == 0)
		n = epoll_wait(epoll, &event, 1, PATIENCE_MS);
	close(epoll);
	return n == 1 ? 0 : -ETIMEDOUT;
}

static int by_turns(struct vfs_queue *queue)
{
	static unsigned int turn;

	return turn++ % 2 ? by_descriptor(queue) : vfs_queue_wait(queue, PATIENCE_MS);
}

static int by_looking(struct vfs_queue *queue)
{
	(void)queue;
	sched_yield();
	return 0;
}

static enum verdict read_by(struct client *client, int (*wait)(struct vfs_queue *queue))
{
	struct numbered numbered;
	struct stream stream = {.count = COUNT,
		.make = numbered_make,
		.answered = numbered_compare,
		.ctx = &numbered,
		.wait = wait};

	expect_ok(numbered_create(client, BLOCKS, &numbered));
	expect_ok(stream_run(client->queue, &stream));
	return PASSED;
}

static enum verdict descriptors_are_polled(struct client *client)
{
	return read_by(client, by_descriptor);
}

static enum verdict library_waits(struct client *client)
{
	return read_by(client, NULL);
}

static enum verdict queue_is_looked_at(struct client *client)
{
	return read_by(client, by_looking);
}

static enum verdict several_are_collected(struct client *client)
{
	struct vfs_request *requests[4], *done[4];
	struct numbered numbered;
	unsigned int i;

	expect_ok(numbered_create(client, BLOCKS, &numbered));
	for (i = 0; i < 4; i++) {
		struct op op = {0};

		numbered_make(&numbered, i, &op);
		requests[i] = op_build(client->queue, &op);
		expect(requests[i], "no request");
	}
	expect_ok(vfs_queue_submit(client->queue, requests, 4));
	expect(vfs_queue_reap_wait(client->queue, done, 4, 4, PATIENCE_MS) == 4, "not 4");
	for (i = 0; i < 4; i++) {
		expect_ok(vfs_request_error(done[i]));
		vfs_request_put(done[i]);
	}
	return PASSED;
}

static enum verdict ways_are_mixed(struct client *client)
{
	return read_by(client, by_turns);
}

static enum verdict ends_in_time(struct client *client)
{
	expect_error(ETIMEDOUT, vfs_queue_wait(client->queue, 20));
	expect_error(ETIMEDOUT, vfs_queue_wait(client->queue, 0));
	return PASSED;
}

static void ignore(int number)
{
	(void)number;
}

static enum verdict ends_by_a_signal(struct client *client)
{
	struct itimerval soon = {.it_value.tv_usec = 50000, .it_interval.tv_usec = 50000};
	struct itimerval never = {0};
	struct sigaction action = {.sa_handler = ignore}, before;
	int r;

	sigaction(SIGALRM, &action, &before);
	setitimer(ITIMER_REAL, &soon, NULL);
	r = vfs_queue_wait(client->queue, PATIENCE_MS);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &before, NULL);
	expect(r == -EINTR, "%d", r);
	return PASSED;
}

static const struct check checks[] = {
	{"waiting/descriptors-are-polled", descriptors_are_polled, NEEDS_SESSION, FEW(AUTO), false},
	{"waiting/library-waits", library_waits, NEEDS_SESSION, FEW(AUTO), false},
	{"waiting/library-sleeps", library_waits, NEEDS_SESSION, FEW(NEVER), false},
	{"waiting/library-looks", library_waits, NEEDS_SESSION, FEW(ALWAYS), false},
	{"waiting/several-are-collected", several_are_collected, NEEDS_SESSION, FEW(AUTO), false},
	{"waiting/queue-is-looked-at", queue_is_looked_at, NEEDS_SESSION, FEW(AUTO), false},
	{"waiting/ways-are-mixed", ways_are_mixed, NEEDS_SESSION, FEW(AUTO), false},
	{"waiting/ends-in-time", ends_in_time, NEEDS_SESSION, {0}, false},
	{"waiting/ends-by-a-signal", ends_by_a_signal, NEEDS_SESSION, {0}, false},
};

const struct check_list waiting_checks = CHECK_LIST(checks);
