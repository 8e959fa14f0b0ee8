/* SPDX-License-Identifier: MIT */
/* Who reaps a shared queue is replaced, however short he was it. One thread plays all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <vfs/sync.h>

#include "fuse/fixture.h"
#include "fuse/sync.h"

#define WAIT_MS 1000

static struct vfs_sync *sync_queues;
static unsigned int called;

static int end(void **state)
{
	vfs_sync_destroy(sync_queues);
	sync_queues = NULL;
	return tear_down(state);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, end)

static void done(struct vfs_request *request, void *ctx)
{
	(void)ctx;
	called++;
	vfs_sync_put(sync_queues, request);
}

/* In flight, so that whoever waits is appointed. */
static void send_one(void)
{
	struct fuse_in_header header = {.opcode = FUSE_STATFS};
	struct vfs_request *request;

	called = 0;
	connect_with(4, 0);
	assert_int_equal(vfs_sync_create(session, NULL, &sync_queues), 0);
	assert_int_equal(vfs_sync_get(sync_queues, 0, &request), 0);
	memcpy(vfs_request_message(request), &header, sizeof(header));
	assert_int_equal(vfs_request_prepare(request, sizeof(header)), 0);
	assert_int_equal(vfs_sync_submit(sync_queues, request, done, NULL), 0);
}

static void assert_the_next_one_reaps(void)
{
	take(&taken);
	answer_statfs(&taken);
	assert_int_equal(vfs_sync_drain(sync_queues, WAIT_MS), 0);
	assert_int_equal(called, 1);
}

/* As one who waits for a free request, and is given it before he hears that he is to reap. */
static void who_is_done_before_he_begins_is_replaced(void **state)
{
	struct vfs_waiter waiter = {.what = VFS_WAITER_FOR_REQUEST};
	struct vfs_sync_queue *sq;

	(void)state;
	send_one();
	sq = queue->sharing;
	pthread_mutex_lock(&sq->lock);
	vfs_waiter_join(sq, &waiter);
	assert_ptr_equal(sq->reaper, &waiter);
	vfs_waiter_done(sq, &waiter);
	pthread_mutex_unlock(&sq->lock);
	assert_int_equal(vfs_waiter_wait(sq, &waiter, UINT64_MAX), 0);
	assert_the_next_one_reaps();
}

/* Who waits already hears of it, and nobody else is appointed besides. */
static void who_waits_is_appointed_at_once(void **state)
{
	struct vfs_waiter first = {.what = VFS_WAITER_FOR_REQUEST};
	struct vfs_waiter second = {.what = VFS_WAITER_FOR_REQUEST};
	struct vfs_sync_queue *sq;

	(void)state;
	send_one();
	sq = queue->sharing;
	pthread_mutex_lock(&sq->lock);
	vfs_waiter_join(sq, &first);
	vfs_waiter_join(sq, &second);
	vfs_waiter_done(sq, &first);
	assert_ptr_equal(sq->reaper, &second);
	pthread_mutex_unlock(&sq->lock);
	assert_int_equal(vfs_waiter_wait(sq, &first, UINT64_MAX), 0);
	assert_ptr_equal(sq->reaper, &second);
	pthread_mutex_lock(&sq->lock);
	vfs_waiter_leave(sq, &second);
	pthread_mutex_unlock(&sq->lock);
	assert_the_next_one_reaps();
}

/* The library's own thread may not have run at all. */
static void threads_that_are_stopped_at_once_are_replaced(void **state)
{
	(void)state;
	send_one();
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(vfs_sync_start_threads(sync_queues), 0);
		vfs_sync_stop_threads(sync_queues);
	}
	assert_the_next_one_reaps();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_is_done_before_he_begins_is_replaced),
		TEST(who_waits_is_appointed_at_once),
		TEST(threads_that_are_stopped_at_once_are_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
