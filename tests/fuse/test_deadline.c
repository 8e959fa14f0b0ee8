/* SPDX-License-Identifier: MIT */
/* Deadlines and INTERRUPT: an answer in time, and memory that stays the device's while it has it.
 */
#include <errno.h>
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

#define HIPRIO 0
#define RING   4u /* entries */

static struct taken interrupt;

static struct vfs_request *submit_with(uintptr_t number, unsigned int timeout_ms)
{
	struct vfs_request *request = message_statfs(queue, number);

	vfs_request_set_timeout(request, timeout_ms);
	submit(request);
	return request;
}

/* It comes back in time, with an error. */
static void expect_error(uintptr_t number, int error)
{
	struct vfs_request *request;

	assert_int_equal(vfs_queue_wait(queue, 10000), 0);
	request = reap_one(queue);
	assert_int_equal((uintptr_t)vfs_request_user_data(request), number);
	assert_int_equal(vfs_request_error(request), error);
	vfs_request_put(request);
}

/* An INTERRUPT for this message came, on the hiprio queue. */
static void expect_interrupt(const struct taken *target)
{
	struct fuse_interrupt_in in;

	assert_true(fuse_device_take(&d, HIPRIO, &interrupt));
	assert_int_equal(interrupt.header.opcode, FUSE_INTERRUPT);
	assert_int_equal(interrupt.length, sizeof(struct fuse_in_header) + sizeof(in));
	assert_int_equal(interrupt.header.unique, target->header.unique | 1);
	memcpy(&in, interrupt.bytes + sizeof(struct fuse_in_header), sizeof(in));
	assert_int_equal(in.unique, target->header.unique);
}

static void expect_no_interrupt(void)
{
	assert_false(fuse_device_take(&d, HIPRIO, &interrupt));
}

static uint64_t late(void)
{
	return vfs_queue_counters(queue)->late;
}

static void the_caller_has_his_answer_in_time(void **state)
{
	uint64_t start = vfs_now_ns();

	(void)state;
	connect_with(1, 0);
	submit_with(1, 30);
	take(&taken);
	assert_in_range(vfs_queue_timeout(queue), 1, 30);
	assert_int_equal(vfs_queue_wait(queue, -1), 0);
	assert_true(vfs_now_ns() - start >= 30000000);
	expect_error(1, -ETIMEDOUT);
	assert_int_equal(vfs_queue_in_flight(queue), 0);
	assert_int_equal(vfs_queue_counters(queue)->timed_out, 1);
	expect_interrupt(&taken);
	fuse_device_write(&d, &interrupt, NULL, 0, 0);

	/* The device has the memory still. */
	assert_null(vfs_request_get(queue));
	answer_statfs(&taken);
	reap_none(queue);
	assert_int_equal(late(), 1);
	submit(message_statfs(queue, 2));
	take(&taken);
	answer_statfs(&taken);
	expect(2);
	expect_no_interrupt();
}

static void an_answer_before_the_deadline_is_an_answer(void **state)
{
	(void)state;
	connect_with(4, 0);
	submit_with(1, 20);
	take(&taken);
	answer_statfs(&taken);
	expect(1);
	usleep(30000);
	reap_none(queue);
	assert_int_equal(vfs_queue_timeout(queue), -1);
	assert_int_equal(vfs_queue_counters(queue)->timed_out, 0);
	/* A deadline belongs to one request only. */
	submit(message_statfs(queue, 2));
	assert_int_equal(vfs_queue_timeout(queue), -1);
	take(&taken);
	assert_int_equal(vfs_queue_wait(queue, 30), -ETIMEDOUT);
	answer_statfs(&taken);
	expect(2);
	expect_no_interrupt();
}

static void a_late_answer_may_come_before_the_request_is_put_back(void **state)
{
	struct vfs_request *request;

	(void)state;
	connect_with(1, 0);
	submit_with(1, 5);
	take(&taken);
	assert_int_equal(vfs_queue_wait(queue, -1), 0);
	request = reap_one(queue);
	assert_int_equal(vfs_request_error(request), -ETIMEDOUT);
	answer_statfs(&taken);
	reap_none(queue);
	assert_int_equal(late(), 1);
	assert_int_equal(vfs_request_error(request), -ETIMEDOUT);
	assert_null(vfs_request_get(queue));
	vfs_request_put(request);
	request = vfs_request_get(queue);
	assert_non_null(request);
	vfs_request_put(request);
	expect_interrupt(&taken);
	fuse_device_write(&d, &interrupt, NULL, 0, 0);
}

/* In the same moment: it is the answer or the deadline, once. */
static void a_late_answer_may_come_before_it_is_reaped(void **state)
{
	(void)state;
	connect_with(2, 0);
	submit_with(1, 5);
	take(&taken);
	assert_int_equal(vfs_queue_wait(queue, -1), 0);
	answer_statfs(&taken);
	expect_error(1, -ETIMEDOUT);
	reap_none(queue);
	assert_int_equal(late(), 1);
	expect_interrupt(&taken);
	fuse_device_write(&d, &interrupt, NULL, 0, 0);
}

static void what_waits_for_room_is_never_sent(void **state)
{
	static struct taken others[RING];

	(void)state;
	connect_with(8, RING);
	for (unsigned int i = 0; i < RING; i++)
		submit_with(i, 0);
	submit_with(RING, 0);
	submit_with(RING + 1, 10);
	submit_with(RING + 2, 0);
	for (unsigned int i = 0; i < RING; i++)
		take(&others[i]);
	expect_error(RING + 1, -ETIMEDOUT);
	expect_no_interrupt();
	for (unsigned int i = 0; i < RING; i++) {
		answer_statfs(&others[i]);
		expect(i);
	}
	for (unsigned int i = RING; i < RING + 3; i += 2) {
		take(&taken);
		assert_int_equal(taken.header.nodeid, i);
		answer_statfs(&taken);
		expect(i);
	}
	take_none();
	assert_int_equal(late(), 0);
}

static void it_is_repeated_while_the_server_does_not_know_the_request(void **state)
{
	(void)state;
	connect_with(4, 0);
	submit_with(1, 5);
	take(&taken);
	expect_error(1, -ETIMEDOUT);
	for (unsigned int i = 0; i < 4; i++) {
		expect_interrupt(&taken);
		expect_no_interrupt();
		fuse_device_answer(&d, &interrupt, -EAGAIN, NULL, 0);
		/* Ever later, but within a second. */
		assert_int_equal(vfs_queue_wait(queue, 20 << i), -ETIMEDOUT);
	}
	expect_interrupt(&taken);
	fuse_device_write(&d, &interrupt, NULL, 0, 0);
	assert_int_equal(vfs_queue_wait(queue, 60), -ETIMEDOUT);
	expect_no_interrupt();
	fuse_device_answer(&d, &taken, -EINTR, NULL, 0);
	assert_int_equal(vfs_queue_wait(queue, 60), 0);
	reap_none(queue);
	assert_int_equal(late(), 1);
}

static void cancelling_asks_the_server(void **state)
{
	struct vfs_request *request;

	(void)state;
	connect_with(4, 0);
	request = submit_with(1, 0);
	take(&taken);
	assert_null(vfs_queue_find(queue, taken.header.unique + 2));
	assert_ptr_equal(vfs_queue_find(queue, taken.header.unique), request);
	assert_int_equal(vfs_request_cancel(request), 0);
	assert_int_equal(vfs_request_cancel(request), 0);
	expect_interrupt(&taken);
	expect_no_interrupt();
	fuse_device_write(&d, &interrupt, NULL, 0, 0);
	reap_none(queue);
	fuse_device_answer(&d, &taken, -EINTR, NULL, 0);
	expect_error(1, -EINTR);
	assert_null(vfs_queue_find(queue, taken.header.unique));
	assert_int_equal(late(), 0);
}

static void cancelling_what_was_not_sent_ends_it(void **state)
{
	struct vfs_request *requests[RING + 1];

	(void)state;
	connect_with(8, RING);
	for (unsigned int i = 0; i < RING + 1; i++)
		requests[i] = submit_with(i, 0);
	assert_int_equal(vfs_request_cancel(requests[RING]), 0);
	expect_error(RING, -ECANCELED);
	expect_no_interrupt();
	for (unsigned int i = 0; i < RING; i++) {
		take(&taken);
		answer_statfs(&taken);
		expect(i);
	}
	assert_int_equal(vfs_request_cancel(requests[0]), -EINVAL);
}

static void a_reset_ends_the_quarantine(void **state)
{
	struct vfs_request *kept;

	(void)state;
	connect_with(3, 0);
	for (unsigned int i = 0; i < 3; i++)
		submit_with(i, i < 2 ? 5 : 0);
	while (fuse_device_take(&d, 1, &taken))
		;
	usleep(20000);
	assert_int_equal(vfs_queue_wait(queue, 10000), 0);
	assert_int_equal(vfs_queue_counters(queue)->timed_out, 2);
	vfs_request_put(reap_one(queue));
	kept = reap_one(queue);
	assert_int_equal(vfs_request_error(kept), -ETIMEDOUT);
	said_start();
	vfs_session_abort(session);
	expect_error(2, -EIO);
	assert_int_equal(vfs_queue_in_flight(queue), 0);
	vfs_request_put(kept);
	for (unsigned int i = 0; i < 3; i++)
		assert_non_null(vfs_request_get(queue));
	assert_null(vfs_request_get(queue));
}

/* The end is not kept waiting by what nobody waits for. */
static void destroy_does_not_wait_for_it(void **state)
{
	uint64_t start;

	(void)state;
	connect_with(3, 0);
	submit_with(1, 5);
	take(&taken);
	expect_error(1, -ETIMEDOUT);
	expect_interrupt(&taken);
	fuse_device_write(&d, &interrupt, NULL, 0, 0);
	d.serve = fuse_device_serve;
	start = vfs_now_ns();
	vfs_session_destroy(session);
	session = NULL;
	assert_true(vfs_now_ns() - start < TIMEOUT_MS * 1000000ull);
	assert_int_equal(d.served[FUSE_DESTROY], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_caller_has_his_answer_in_time),
		TEST(an_answer_before_the_deadline_is_an_answer),
		TEST(a_late_answer_may_come_before_the_request_is_put_back),
		TEST(a_late_answer_may_come_before_it_is_reaped),
		TEST(what_waits_for_room_is_never_sent),
		TEST(it_is_repeated_while_the_server_does_not_know_the_request),
		TEST(cancelling_asks_the_server),
		TEST(cancelling_what_was_not_sent_ends_it),
		TEST(a_reset_ends_the_quarantine),
		TEST(destroy_does_not_wait_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
