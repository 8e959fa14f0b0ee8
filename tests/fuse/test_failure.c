/* SPDX-License-Identifier: MIT */
/* Devices that fail, break the rules or go away while requests are in flight. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/core.h"
#include "dma/said.h"
#include "fuse/fixture.h"

#define NEEDS_RESET 0x40

#define TEAR_DOWN "reset master=0 no-interrupts unmap"

#define FLYING 6u

/* Four requests at the device, two that wait for the ring, one at the second queue. */
static void in_flight(void)
{
	struct vfs_request *requests[FLYING];

	d.serve = NULL;
	fuse_device_set_queues(&d, 2, 64);
	connect_with(FLYING, 4);
	for (unsigned int i = 0; i < FLYING; i++)
		requests[i] = message_read(queue, 4096);
	assert_int_equal(vfs_queue_submit(queue, requests, FLYING), 0);
	submit(message_statfs(vfs_session_queue(session, 1), 9));
	for (unsigned int i = 0; i < 4; i++)
		take(&taken);
	take_none();
	fuse_device_forget_journal(&d);
	said_start();
}

static void assert_all_fail(int later)
{
	struct vfs_queue *other = vfs_session_queue(session, 1);
	struct fuse_forget_one forget = {.nodeid = 2, .nlookup = 1};
	struct vfs_request *request;

	for (unsigned int i = 0; i < FLYING; i++) {
		struct iovec iov[2];

		assert_int_equal(vfs_queue_wait(queue, -1), 0);
		request = reap_one(queue);
		assert_int_equal(vfs_request_error(request), -EIO);
		assert_int_equal(vfs_request_reply(request, iov), 1);
		vfs_request_put(request);
	}
	reap_none(queue);
	assert_int_equal(vfs_queue_in_flight(queue), 0);
	assert_true(vfs_queue_arm(other));
	request = reap_one(other);
	assert_int_equal(vfs_request_error(request), -EIO);

	request = message_statfs(queue, 1);
	assert_int_equal(vfs_queue_submit(queue, &request, 1), later);
	assert_error_says("has failed");
	assert_int_equal(vfs_forget(session, &forget, 1), later);
	assert_int_equal(vfs_session_progress(session), later);
	/* Nothing will ever be there to wait for. */
	assert_int_equal(vfs_queue_wait(queue, -1), later);
	assert_int_equal(vfs_queue_in_flight(queue), 0);
	assert_true(said(VFS_LOG_ERROR, "has failed"));

	d.serve = fuse_device_serve;
	fuse_device_forget_journal(&d);
	vfs_session_destroy(session);
	session = NULL;
	fuse_device_did(&d, TEAR_DOWN);
	assert_int_equal(d.served[FUSE_DESTROY], 0);
}

static void a_device_that_needs_a_reset_fails_its_session(void **state)
{
	(void)state;
	in_flight();
	assert_int_equal(vfs_device_check(&d.device), 0);
	d.stub.status |= NEEDS_RESET;
	assert_int_equal(vfs_device_check(&d.device), -EIO);
	/* Before anything is handed back, the device no longer has it. */
	fuse_device_did(&d, "reset");
	assert_all_fail(-EIO);
}

static void a_device_that_is_removed_fails_its_session(void **state)
{
	(void)state;
	in_flight();
	fuse_device_event(&d, -ENODEV);
	assert_int_equal(vfs_device_check(&d.device), -ENODEV);
	assert_int_equal(vfs_device_check(&d.device), -ENODEV);
	fuse_device_did(&d, "reset");
	assert_all_fail(-ENODEV);
}

static void an_event_of_the_device_ends_a_wait(void **state)
{
	(void)state;
	in_flight();
	fuse_device_event(&d, -ENODEV);
	assert_int_equal(vfs_queue_wait(queue, -1), 0);
	assert_all_fail(-ENODEV);
}

static void a_device_that_cannot_be_reset_is_cut_off(void **state)
{
	(void)state;
	in_flight();
	d.stub.reset_error = -ETIMEDOUT;
	d.stub.status |= NEEDS_RESET;
	assert_int_equal(vfs_device_check(&d.device), -EIO);
	fuse_device_did(&d, "reset master=0");
	assert_all_fail(-EIO);
}

static void a_session_can_be_told_to_give_up(void **state)
{
	(void)state;
	in_flight();
	vfs_session_abort(session);
	vfs_session_abort(session);
	fuse_device_did(&d, "reset");
	assert_all_fail(-EIO);
}

struct violation {
	const char *name;
	void (*commit)(struct device_ring *ring);
	const char *says;
};

static void return_a_stranger(struct device_ring *ring)
{
	device_ring_complete(ring, 77, 0);
}

static void return_too_much(struct device_ring *ring)
{
	device_ring_complete(ring, taken.chain.head, 16 + 4096 + 1);
}

static void return_it_twice(struct device_ring *ring)
{
	device_ring_put(ring, taken.chain.head, 0);
	device_ring_complete(ring, taken.chain.head, 0);
}

static void jump_ahead(struct device_ring *ring)
{
	device_ring_set_used_idx(ring, 1000);
}

static void a_broken_ring_fails_the_session(void **state)
{
	static const struct violation violations[] = {
		{"stranger", return_a_stranger, "returned descriptor 77"},
		{"too much", return_too_much, "wrote 4113 bytes to a chain with room for 4112"},
		{"jump", jump_ahead, "moved used.idx"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(violations); i++) {
		print_message("%s\n", violations[i].name);
		in_flight();
		violations[i].commit(&d.rings[1]);
		assert_true(vfs_queue_arm(queue));
		assert_all_fail(-EIO);
		assert_said(VFS_LOG_ERROR, violations[i].says);
		assert_said(VFS_LOG_ERROR, "stub 0000:00:05.0: the device");
	}
}

static void a_chain_that_comes_back_twice_is_handed_out_once(void **state)
{
	struct vfs_request *got[8];

	(void)state;
	in_flight();
	return_it_twice(&d.rings[1]);
	assert_int_equal(vfs_queue_reap(queue, got, 8), FLYING);
	for (unsigned int i = 0; i < FLYING; i++)
		for (unsigned int j = 0; j < i; j++)
			assert_ptr_not_equal(got[i], got[j]);
	fuse_device_did(&d, "reset");
}

/* ---- a failure that another thread finds ---- */

static void *wait_for_ever(void *ctx)
{
	(void)ctx;
	return vfs_queue_wait(vfs_session_queue(session, 1), 20000) == 0 ? &d : NULL;
}

static void a_failure_wakes_those_who_wait_on_other_queues(void **state)
{
	struct vfs_request *request;
	uint64_t start = vfs_now_ns();
	pthread_t thread;
	void *woken = NULL;

	(void)state;
	in_flight();
	assert_int_equal(pthread_create(&thread, NULL, wait_for_ever, NULL), 0);
	usleep(50000);
	return_a_stranger(&d.rings[1]);
	assert_int_equal(vfs_queue_reap(queue, &request, 1), 1);
	pthread_join(thread, &woken);
	assert_non_null(woken);
	assert_true(vfs_now_ns() - start < 10000000000);
	assert_int_equal(vfs_request_error(reap_one(vfs_session_queue(session, 1))), -EIO);
}

/* A queue that the device does not have has no descriptor, and 0 would be somebody else's. */
static void a_failure_wakes_nobody_else(void **state)
{
	int event = vfs_eventfd_create();
	int before = dup(0);
	struct pollfd pfd = {.fd = 0, .events = POLLIN};

	(void)state;
	d.stub.transport.num_queues = 4;
	connect_with(4, 0);
	dup2(event, 0);
	vfs_session_abort(session);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	dup2(before, 0);
	close(before);
	close(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_that_needs_a_reset_fails_its_session),
		TEST(a_device_that_is_removed_fails_its_session),
		TEST(an_event_of_the_device_ends_a_wait),
		TEST(a_device_that_cannot_be_reset_is_cut_off),
		TEST(a_session_can_be_told_to_give_up),
		TEST(a_broken_ring_fails_the_session),
		TEST(a_chain_that_comes_back_twice_is_handed_out_once),
		TEST(a_failure_wakes_those_who_wait_on_other_queues),
		TEST(a_failure_wakes_nobody_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
