/* SPDX-License-Identifier: MIT */
/* Waiting for the device: descriptors, time-outs, threads and signals. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/core.h"
#include "dma/said.h"
#include "fuse/fixture.h"

static bool readable(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	return poll(&pfd, 1, 0) == 1;
}

static void the_descriptor_says_so_once_the_queue_is_armed(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		if (i) {
			tear_down(NULL);
			set_up(NULL);
			d.stub.offered &= ~FEATURE_EVENT_IDX;
		}
		connect_with(4, 0);
		submit(message_statfs(queue, 0));
		take(&taken);
		answer_statfs(&taken);
		assert_int_equal(d.interrupted[1], 0);
		assert_false(readable(vfs_queue_fd(queue)));
		/* There is something already. */
		assert_true(vfs_queue_arm(queue));
		expect(0);

		submit(message_statfs(queue, 1));
		take(&taken);
		assert_false(vfs_queue_arm(queue));
		assert_false(readable(vfs_queue_fd(queue)));
		answer_statfs(&taken);
		assert_int_equal(d.interrupted[1], 1);
		assert_true(readable(vfs_queue_fd(queue)));
		expect(1);
		assert_false(vfs_queue_arm(queue));
		assert_false(readable(vfs_queue_fd(queue)));

		/* Reaping disarms it. */
		reap_none(queue);
		submit(message_statfs(queue, 2));
		take(&taken);
		answer_statfs(&taken);
		assert_int_equal(d.interrupted[1], 1);
		expect(2);
	}
}

/* Arming one queue must not swallow the interrupt of another one with the same descriptor. */
static void queues_that_share_a_descriptor_wake_each_other(void **state)
{
	(void)state;
	d.shared_fd = true;
	connect_with(4, 0);
	assert_int_equal(vfs_queue_fd(queue), vfs_queue_fd(vfs_session_hiprio(session)));
	submit(message_statfs(queue, 1));
	take(&taken);
	assert_false(vfs_queue_arm(queue));
	answer_statfs(&taken);
	assert_false(vfs_queue_arm(vfs_session_hiprio(session)));
	assert_true(readable(vfs_queue_fd(queue)));
	expect(1);
}

static void waiting_ends_when_there_is_something(void **state)
{
	(void)state;
	connect_with(4, 0);
	submit(message_statfs(queue, 1));
	take(&taken);
	answer_statfs(&taken);
	assert_int_equal(vfs_queue_wait(queue, 0), 0);
	assert_int_equal(vfs_queue_wait(queue, -1), 0);
	expect(1);
}

static void waiting_is_bounded(void **state)
{
	uint64_t start = vfs_now_ns();

	(void)state;
	connect_with(4, 0);
	submit(message_statfs(queue, 1));
	assert_int_equal(vfs_queue_wait(queue, 0), -ETIMEDOUT);
	assert_int_equal(vfs_queue_wait(queue, 30), -ETIMEDOUT);
	assert_error_says("did not answer within 30 ms");
	assert_true(vfs_now_ns() - start >= 30000000);
	/* An old interrupt neither ends it nor makes it spin. */
	assert_int_equal(write(vfs_queue_fd(queue), &(uint64_t){1}, 8), 8);
	assert_int_equal(vfs_queue_wait(queue, 30), -ETIMEDOUT);
	assert_false(readable(vfs_queue_fd(queue)));
}

static void *answer_later(void *ctx)
{
	usleep(20000);
	answer_statfs(ctx);
	return NULL;
}

static void a_device_in_another_thread_ends_the_wait(void **state)
{
	pthread_t thread;

	(void)state;
	connect_with(4, 0);
	for (uintptr_t i = 0; i < 5; i++) {
		submit(message_statfs(queue, i));
		take(&taken);
		assert_int_equal(pthread_create(&thread, NULL, answer_later, &taken), 0);
		assert_int_equal(vfs_queue_wait(queue, 10000), 0);
		expect(i);
		pthread_join(thread, NULL);
	}
	assert_int_equal(d.interrupted[1], 5);
}

static void on_signal(int number)
{
	(void)number;
}

static void a_signal_ends_the_wait(void **state)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct sigaction before;

	(void)state;
	connect_with(4, 0);
	submit(message_statfs(queue, 1));
	sigaction(SIGALRM, &action, &before);
	ualarm(20000, 0);
	assert_int_equal(vfs_queue_wait(queue, 10000), -EINTR);
	sigaction(SIGALRM, &before, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_descriptor_says_so_once_the_queue_is_armed),
		TEST(queues_that_share_a_descriptor_wake_each_other),
		TEST(waiting_ends_when_there_is_something),
		TEST(waiting_is_bounded),
		TEST(a_device_in_another_thread_ends_the_wait),
		TEST(a_signal_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
