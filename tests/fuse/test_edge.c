/* SPDX-License-Identifier: MIT */
/*
 * Answers that come in the very moment in which a thread goes to sleep. The device looks for the
 * wish to be interrupted and answers as soon as it sees it, or a little later.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/core.h"
#include "fuse/fixture.h"

#define ROUNDS 20000u

static atomic_bool stop;

static bool is_armed(const struct device_ring *ring)
{
	if (ring->event_idx)
		return device_ring_used_event(ring) == ring->used_idx;
	return device_ring_avail_flags(ring) == 0;
}

static void *answer_at_the_edge(void *ctx)
{
	static struct taken message;
	unsigned int round = 0;

	(void)ctx;
	while (!stop) {
		if (!fuse_device_take(&d, 1, &message)) {
			sched_yield();
			continue;
		}
		while (!is_armed(&d.rings[1]) && !stop)
			vfs_cpu_relax();
		for (volatile unsigned int i = 0; i < round % 64; i++)
			;
		answer_statfs(&message);
		round++;
	}
	return NULL;
}

static void go_to_sleep_often(bool event_idx)
{
	pthread_t thread;
	int r = 0;

	if (!event_idx)
		d.stub.offered &= ~FEATURE_EVENT_IDX;
	poll_mode = VFS_POLL_NEVER;
	connect_with(4, 0);
	stop = false;
	assert_int_equal(pthread_create(&thread, NULL, answer_at_the_edge, NULL), 0);
	for (uintptr_t i = 0; i < ROUNDS && r == 0; i++) {
		submit(message_statfs(queue, i));
		r = vfs_queue_wait(queue, 20000);
		if (r == 0)
			expect(i);
	}
	stop = true;
	pthread_join(thread, NULL);
	assert_int_equal(r, 0);
}

static void no_answer_is_slept_through(void **state)
{
	(void)state;
	go_to_sleep_often(false);
}

static void no_answer_is_slept_through_with_the_event_index(void **state)
{
	(void)state;
	go_to_sleep_often(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_answer_is_slept_through),
		TEST(no_answer_is_slept_through_with_the_event_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
