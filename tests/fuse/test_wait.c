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

/* An interrupt that queues share is never lost, whoever of them takes it. */
static void queues_that_share_an_interrupt_wake_each_other(void **state)
{
	struct vfs_queue *other;

	(void)state;
	d.shared_fd = true;
	fuse_device_set_queues(&d, 2, 64);
	connect_with(4, 0);
	other = vfs_session_queue(session, 1);
	assert_int_not_equal(vfs_queue_fd(queue), vfs_queue_fd(other));
	submit(message_statfs(queue, 1));
	take(&taken);
	assert_false(vfs_queue_arm(queue));
	assert_false(vfs_queue_arm(other));
	answer_statfs(&taken);
	assert_true(readable(vfs_queue_fd(queue)));
	assert_true(readable(vfs_queue_fd(other)));
	/* The wrong one takes it. */
	reap_none(other);
	assert_false(readable(vfs_queue_fd(other)));
	assert_true(readable(vfs_queue_fd(queue)));
	expect(1);
	assert_false(readable(vfs_queue_fd(queue)));
	/* It was passed on once, not back and forth. */
	assert_false(readable(vfs_queue_fd(other)));
	assert_false(vfs_queue_arm(other));
	assert_false(readable(vfs_queue_fd(other)));
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
}

static void the_way_to_wait_is_the_callers(void **state)
{
	pthread_t thread;

	(void)state;
	for (poll_mode = VFS_POLL_ALWAYS; poll_mode <= VFS_POLL_NEVER; poll_mode++) {
		enum vfs_poll mode = poll_mode;

		tear_down(NULL);
		set_up(NULL);
		poll_mode = mode;
		connect_with(4, 0);
		submit(message_statfs(queue, 1));
		take(&taken);
		assert_int_equal(vfs_queue_wait(queue, 20), -ETIMEDOUT);
		assert_int_equal(pthread_create(&thread, NULL, answer_later, &taken), 0);
		assert_int_equal(vfs_queue_wait(queue, 10000), 0);
		pthread_join(thread, NULL);
		assert_int_equal(d.interrupted[1], mode == VFS_POLL_NEVER);
		expect(1);
	}
}

static unsigned int readings;
static unsigned int looks_left; /* until the device answers; 0: it does not */

uint64_t __real_vfs_now_ns(void);
uint64_t __wrap_vfs_now_ns(void);
uint64_t __wrap_vfs_now_ns(void)
{
	readings++;
	return __real_vfs_now_ns();
}

bool __real_vfs_ring_has_used(const struct vfs_ring *ring);
bool __wrap_vfs_ring_has_used(const struct vfs_ring *ring);
bool __wrap_vfs_ring_has_used(const struct vfs_ring *ring)
{
	if (looks_left && --looks_left == 0)
		answer_statfs(&taken);
	return __real_vfs_ring_has_used(ring);
}

/* It may be slower than the device: in a guest without a stable TSC it is a trap. */
static void the_clock_is_not_read_for_an_answer_that_is_looked_for(void **state)
{
	struct vfs_request *done;

	(void)state;
	for (poll_mode = VFS_POLL_AUTO; poll_mode <= VFS_POLL_ALWAYS; poll_mode++) {
		enum vfs_poll mode = poll_mode;

		tear_down(NULL);
		set_up(NULL);
		poll_mode = mode;
		connect_with(4, 0);
		/* On a single processor it sleeps. */
		if (queue->patience.poll == VFS_POLL_NEVER)
			continue;
		readings = 0;
		for (uintptr_t i = 0; i < 100; i++) {
			submit(message_statfs(queue, i));
			take(&taken);
			looks_left = 10;
			if (i % 2) {
				assert_int_equal(vfs_queue_wait(queue, 10000), 0);
				expect(i);
			} else {
				assert_int_equal(vfs_queue_reap_wait(queue, &done, 1, 1, 10000), 1);
				vfs_request_put(done);
			}
		}
		assert_int_equal(readings, 0);
	}
}

static void who_sleeps_reads_the_clock_once(void **state)
{
	pthread_t thread;

	(void)state;
	poll_mode = VFS_POLL_NEVER;
	connect_with(4, 0);
	submit(message_statfs(queue, 1));
	take(&taken);
	assert_int_equal(pthread_create(&thread, NULL, answer_later, &taken), 0);
	readings = 0;
	assert_int_equal(vfs_queue_wait(queue, 10000), 0);
	assert_int_equal(readings, 1);
	pthread_join(thread, NULL);
	expect(1);
}

/* What a device has put there cannot make a thread look for seconds. */
static void looks_never_are_for_nothing(void **state)
{
	(void)state;
	connect_with(4, 0);
	submit(message_statfs(queue, 1));
	take(&taken);
	answer_statfs(&taken);
	assert_true(vfs_queue_look_ps(queue) >= 1000);
	expect(1);
}

static void who_never_sleeps_hears_of_a_failure(void **state)
{
	(void)state;
	poll_mode = VFS_POLL_ALWAYS;
	connect_with(4, 0);
	submit(message_statfs(queue, 1));
	take(&taken);
	said_start();
	fuse_device_event(&d, -ENODEV);
	assert_int_equal(vfs_queue_wait(queue, -1), 0);
	assert_int_equal(vfs_request_error(reap_one(queue)), -EIO);
	assert_int_equal(vfs_queue_wait(queue, -1), -ENODEV);
}

static void at_least_so_many_are_reaped(void **state)
{
	struct vfs_request *done[8];

	(void)state;
	connect_with(8, 0);
	for (uintptr_t i = 0; i < 4; i++)
		submit(message_statfs(queue, i));
	for (unsigned int i = 0; i < 3; i++) {
		take(&taken);
		answer_statfs(&taken);
	}
	assert_int_equal(vfs_queue_reap_wait(queue, done, 2, 2, -1), 2);
	/* Fewer, when the time is up. */
	assert_int_equal(vfs_queue_reap_wait(queue, done, 2, 8, 10), 1);
	assert_int_equal(vfs_queue_reap_wait(queue, done, 1, 8, 10), -ETIMEDOUT);
	assert_int_equal(vfs_queue_reap_wait(queue, done, 0, 8, -1), 0);
	take(&taken);
	answer_statfs(&taken);
	/* And no more than there are. */
	assert_int_equal(vfs_queue_reap_wait(queue, done, 8, 8, -1), 1);
	assert_int_equal(vfs_queue_reap_wait(queue, done, 8, 8, -1), 0);
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
		TEST(queues_that_share_an_interrupt_wake_each_other),
		TEST(waiting_ends_when_there_is_something),
		TEST(waiting_is_bounded),
		TEST(a_device_in_another_thread_ends_the_wait),
		TEST(the_way_to_wait_is_the_callers),
		TEST(the_clock_is_not_read_for_an_answer_that_is_looked_for),
		TEST(who_sleeps_reads_the_clock_once),
		TEST(looks_never_are_for_nothing),
		TEST(who_never_sleeps_hears_of_a_failure),
		TEST(at_least_so_many_are_reaped),
		TEST(a_signal_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
