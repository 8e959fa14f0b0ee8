/* SPDX-License-Identifier: MIT */
/* Requests on their way to the device and back. The device is the test itself. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "dma/said.h"
#include "fuse/fixture.h"

static struct taken many[16];

/* ---- one request ---- */

static void a_request_arrives_and_its_answer_comes_back(void **state)
{
	struct vfs_request *request;
	struct iovec iov[2];
	const struct fuse_out_header *header;

	(void)state;
	connect_with(4, 0);
	request = message_statfs(queue, 7);
	assert_int_equal(vfs_request_error(request), -EINVAL);
	assert_int_equal(vfs_request_reply(request, iov), 0);
	take_none();
	submit(request);
	assert_int_equal(vfs_queue_in_flight(queue), 1);
	reap_none(queue);

	take(&taken);
	assert_int_equal(taken.length, sizeof(struct fuse_in_header));
	assert_int_equal(taken.header.opcode, FUSE_STATFS);
	assert_int_equal(taken.header.nodeid, 7);
	assert_int_equal(taken.chain.writable_bytes, sizeof(*header) + sizeof(statfs_out));
	answer_statfs(&taken);

	assert_ptr_equal(reap_one(queue), request);
	assert_int_equal(vfs_queue_in_flight(queue), 0);
	assert_int_equal(vfs_request_error(request), 0);
	assert_int_equal(vfs_request_reply(request, iov), 2);
	header = iov[0].iov_base;
	assert_int_equal(iov[0].iov_len, sizeof(*header));
	assert_int_equal(header->len, sizeof(*header) + sizeof(statfs_out));
	assert_int_equal(header->error, 0);
	assert_int_equal(header->unique, taken.header.unique);
	assert_int_equal(iov[1].iov_len, sizeof(statfs_out));
	assert_memory_equal(iov[1].iov_base, &statfs_out, sizeof(statfs_out));
	vfs_request_put(request);
	reap_none(queue);
}

static void the_servers_error_comes_back(void **state)
{
	struct vfs_request *request;
	const struct fuse_out_header *header;
	struct iovec iov[2];

	(void)state;
	connect_with(4, 0);
	request = message_read(queue, 4096);
	submit(request);
	take(&taken);
	fuse_device_answer(&d, &taken, -ESTALE, NULL, 0);
	reap_one(queue);
	assert_int_equal(vfs_request_error(request), -ESTALE);
	assert_int_equal(vfs_request_reply(request, iov), 1);
	header = iov[0].iov_base;
	assert_int_equal(header->error, -ESTALE);
	assert_int_equal(header->len, sizeof(*header));
	assert_int_equal(header->unique, taken.header.unique);
}

/* What was checked is what is handed out, whatever the device writes later. */
static void an_answer_does_not_change_after_it_was_checked(void **state)
{
	struct fuse_out_header later = {.len = 99, .error = -EPERM, .unique = 1};
	const struct fuse_out_header *header;
	struct vfs_request *request;
	struct iovec iov[2];

	(void)state;
	connect_with(4, 0);
	request = message_statfs(queue, 1);
	submit(request);
	take(&taken);
	answer_statfs(&taken);
	reap_one(queue);
	memcpy(stub_iommu_reach(&d.iommu, taken.chain.segments[taken.chain.num_readable].addr,
		       sizeof(later), VFS_DMA_DEVICE_WRITES),
		&later, sizeof(later));
	assert_int_equal(vfs_request_reply(request, iov), 2);
	header = iov[0].iov_base;
	assert_int_equal(header->error, 0);
	assert_int_equal(header->len, sizeof(*header) + sizeof(statfs_out));
	assert_int_equal(header->unique, taken.header.unique);
	assert_int_equal(vfs_request_error(request), 0);
}

static void uniques_are_given_or_kept(void **state)
{
	struct fuse_in_header *header;
	struct vfs_request *request;
	uint64_t last = 0;

	(void)state;
	connect_with(8, 0);
	for (unsigned int i = 0; i < 8; i++) {
		request = message_statfs(queue, i);
		header = vfs_request_message(request);
		assert_int_not_equal(header->unique, 0);
		assert_int_equal(header->unique % 2, 0);
		assert_int_not_equal(header->unique, last);
		last = header->unique;
		vfs_request_put(request);
	}
	request = message_raw(queue, FUSE_STATFS, NULL, 0);
	header = vfs_request_message(request);
	header->unique = 0x123456789abcdef0;
	assert_int_equal(vfs_request_prepare(request, sizeof(*header)), 0);
	submit(request);
	take(&taken);
	assert_int_equal(taken.header.unique, 0x123456789abcdef0);
	answer_statfs(&taken);
	assert_int_equal(vfs_request_error(reap_one(queue)), 0);
}

/* ---- uniques of threads ---- */

#define THREAD_UNIQUES 200000

static pthread_barrier_t together;

struct unique_thread {
	pthread_t thread;
	struct vfs_queue *queue;
	uint64_t uniques[THREAD_UNIQUES];
};

static void *draw_uniques(void *ctx)
{
	struct unique_thread *t = ctx;
	struct vfs_request *request = vfs_request_get(t->queue);
	struct fuse_in_header *header = vfs_request_message(request);

	pthread_barrier_wait(&together);
	for (unsigned int i = 0; i < THREAD_UNIQUES; i++) {
		*header = (struct fuse_in_header){.opcode = FUSE_STATFS};
		if (vfs_request_prepare(request, sizeof(*header)) == 0)
			t->uniques[i] = header->unique;
	}
	vfs_request_put(request);
	return NULL;
}

static int compare_uniques(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void queues_of_two_threads_never_draw_the_same_unique(void **state)
{
	static struct unique_thread threads[2];
	static uint64_t all[2 * THREAD_UNIQUES];

	(void)state;
	fuse_device_set_queues(&d, 2, 64);
	connect_with(4, 0);
	pthread_barrier_init(&together, NULL, 2);
	for (unsigned int i = 0; i < 2; i++) {
		threads[i].queue = vfs_session_queue(session, i);
		assert_int_equal(
			pthread_create(&threads[i].thread, NULL, draw_uniques, &threads[i]), 0);
	}
	for (unsigned int i = 0; i < 2; i++) {
		pthread_join(threads[i].thread, NULL);
		memcpy(all + (size_t)i * THREAD_UNIQUES, threads[i].uniques,
			sizeof(threads[i].uniques));
	}
	qsort(all, ARRAY_SIZE(all), sizeof(all[0]), compare_uniques);
	assert_int_not_equal(all[0], 0);
	for (size_t i = 1; i < ARRAY_SIZE(all); i++)
		assert_int_not_equal(all[i], all[i - 1]);
}

/* ---- slots ---- */

static void there_are_as_many_requests_as_asked_for(void **state)
{
	struct vfs_request *requests[8];
	struct vfs_request *again;

	(void)state;
	connect_with(8, 0);
	for (unsigned int i = 0; i < 8; i++) {
		requests[i] = vfs_request_get(queue);
		assert_non_null(requests[i]);
		for (unsigned int j = 0; j < i; j++)
			assert_ptr_not_equal(requests[i], requests[j]);
		vfs_request_set_user_data(requests[i], &d);
	}
	assert_null(vfs_request_get(queue));
	vfs_request_put(requests[3]);
	again = vfs_request_get(queue);
	assert_ptr_equal(again, requests[3]);
	assert_null(vfs_request_user_data(again));
	assert_null(vfs_request_get(queue));
}

static void what_must_not_be_put_back_is_not(void **state)
{
	struct vfs_request *request;
	struct vfs_request *other;

	(void)state;
	connect_with(2, 0);
	vfs_request_put(NULL);
	request = message_statfs(queue, 1);
	submit(request);
	vfs_request_put(request); /* it is in flight */
	other = vfs_request_get(queue);
	assert_ptr_not_equal(other, request);
	assert_null(vfs_request_get(queue));
	take(&taken);
	answer_statfs(&taken);
	assert_ptr_equal(reap_one(queue), request);
	vfs_request_put(request);
	vfs_request_put(request); /* twice */
	assert_ptr_equal(vfs_request_get(queue), request);
	assert_null(vfs_request_get(queue));
}

/* ---- what is refused ---- */

static void messages_are_checked_when_they_are_prepared(void **state)
{
	static const struct {
		uint32_t opcode;
		size_t length;
		int result;
		const char *says;
	} cases[] = {
		{FUSE_STATFS, 39, -EINVAL, "has no header"},
		{FUSE_STATFS, 0, -EINVAL, "has no header"},
		{FUSE_GETATTR, 55, -EINVAL, "too short"},
		{FUSE_INIT, 104, -EINVAL, "belong to the session"},
		{FUSE_DESTROY, 40, -EINVAL, "belong to the session"},
		{1000, 40, -ENOSYS, "not known"},
		{FUSE_INIT_BSWAP_RESERVED, 104, -EINVAL, "other byte order"},
	};
	struct vfs_request *request;
	size_t capacity;

	(void)state;
	connect_with(4, 0);
	request = vfs_request_get(queue);
	capacity = vfs_request_capacity(request);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fuse_in_header header = {.opcode = cases[i].opcode};

		memcpy(vfs_request_message(request), &header, sizeof(header));
		assert_int_equal(vfs_request_prepare(request, cases[i].length), cases[i].result);
		assert_error_says(cases[i].says);
		assert_int_equal(vfs_queue_submit(queue, &request, 1), -EINVAL);
	}
	memcpy(vfs_request_message(request), &(struct fuse_in_header){.opcode = FUSE_SYMLINK},
		sizeof(struct fuse_in_header));
	assert_int_equal(vfs_request_prepare(request, capacity + 1), -EINVAL);
	assert_int_equal(vfs_request_prepare(request, capacity), 0);
	/* It can be written and prepared anew, but a failure takes back what was prepared. */
	assert_int_equal(vfs_request_prepare(request, 42), 0);
	assert_int_equal(vfs_request_prepare(request, 41), -EINVAL);
	assert_int_equal(vfs_queue_submit(queue, &request, 1), -EINVAL);
	take_none();
}

static void answers_larger_than_a_request_are_refused(void **state)
{
	struct fuse_read_in in = {.size = PAYLOAD};
	size_t length = sizeof(struct fuse_in_header) + sizeof(in);
	struct vfs_request *request;

	(void)state;
	connect_with(4, 0);
	assert_int_equal(vfs_session_max_payload(session), PAYLOAD);
	request = message_raw(queue, FUSE_READ, &in, sizeof(in));
	assert_int_equal(vfs_request_prepare(request, length), 0);
	/* There is a page more for what a message has on the payload's first page. */
	in.size = PAYLOAD + 4096 + 1;
	vfs_request_put(request);
	request = message_raw(queue, FUSE_READ, &in, sizeof(in));
	assert_int_equal(vfs_request_prepare(request, length), -E2BIG);
	in.size = UINT32_MAX;
	vfs_request_put(request);
	request = message_raw(queue, FUSE_READ, &in, sizeof(in));
	assert_int_equal(vfs_request_prepare(request, length), -E2BIG);
	assert_error_says("do not fit");
}

static void a_batch_with_a_bad_request_is_not_taken_at_all(void **state)
{
	struct vfs_request *requests[3];

	(void)state;
	fuse_device_set_queues(&d, 2, 64);
	connect_with(4, 0);
	requests[0] = message_statfs(queue, 0);
	requests[1] = message_statfs(queue, 1);
	requests[2] = message_raw(queue, FUSE_STATFS, NULL, 0);
	assert_int_equal(vfs_queue_submit(queue, requests, 3), -EINVAL);
	assert_error_says("not prepared");
	vfs_request_put(requests[2]);
	requests[2] = message_statfs(vfs_session_queue(session, 1), 2);
	assert_int_equal(vfs_queue_submit(queue, requests, 3), -EINVAL);
	assert_int_equal(vfs_queue_in_flight(queue), 0);
	take_none();
	assert_int_equal(vfs_queue_submit(queue, requests, 2), 0);
	/* In flight is not prepared. */
	assert_int_equal(vfs_queue_submit(queue, requests, 1), -EINVAL);
	assert_int_equal(vfs_request_prepare(requests[0], 40), -EINVAL);
	assert_int_equal(vfs_queue_in_flight(queue), 2);
}

static void a_request_cannot_be_in_a_batch_twice(void **state)
{
	struct vfs_request *requests[2];

	(void)state;
	connect_with(4, 0);
	requests[0] = requests[1] = message_statfs(queue, 0);
	assert_int_equal(vfs_queue_submit(queue, requests, 2), -EINVAL);
	take_none();
	assert_int_equal(vfs_queue_in_flight(queue), 0);
	assert_int_equal(vfs_queue_submit(queue, requests, 1), 0);
	take(&taken);
	answer_statfs(&taken);
	expect(0);
}

/* ---- many requests ---- */

static void answers_come_in_any_order(void **state)
{
	static const unsigned int order[] = {3, 0, 7, 1, 6, 2, 5, 4};
	struct vfs_request *requests[8];

	(void)state;
	connect_with(8, 0);
	for (unsigned int round = 0; round < 5; round++) {
		for (unsigned int i = 0; i < 8; i++)
			requests[i] = message_statfs(queue, i);
		assert_int_equal(vfs_queue_submit(queue, requests, 8), 0);
		for (unsigned int i = 0; i < 8; i++)
			take(&many[i]);
		for (unsigned int i = 0; i < 8; i++)
			answer_statfs(&many[order[i]]);
		assert_int_equal(vfs_queue_reap(queue, requests, 3), 3);
		for (unsigned int i = 0; i < 3; i++) {
			assert_int_equal((uintptr_t)vfs_request_user_data(requests[i]), order[i]);
			vfs_request_put(requests[i]);
		}
		assert_int_equal(vfs_queue_in_flight(queue), 5);
		for (unsigned int i = 3; i < 8; i++)
			expect(order[i]);
		reap_none(queue);
	}
}

/* Notifications of a batch of eight; without the event index each publication would be one. */
static void notify_once(void)
{
	struct vfs_request *requests[8];

	connect_with(8, 0);
	for (unsigned int i = 0; i < 8; i++)
		requests[i] = message_statfs(queue, i);
	assert_int_equal(vfs_queue_submit(queue, requests, 8), 0);
	assert_int_equal(d.notified[1], 1);
	assert_int_equal(d.notified[0], 0);
	assert_int_equal(vfs_queue_submit(queue, requests, 0), 0);
	assert_int_equal(d.notified[1], 1);
	for (unsigned int i = 0; i < 8; i++)
		take(&taken);
}

static void a_batch_is_notified_once(void **state)
{
	(void)state;
	notify_once();
}

static void a_batch_is_notified_once_without_the_event_index(void **state)
{
	(void)state;
	d.stub.offered &= ~FEATURE_EVENT_IDX;
	notify_once();
}

/* With the event index and without it. */
static void a_device_that_looks_by_itself_is_not_notified(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		if (i) {
			tear_down(NULL);
			set_up(NULL);
			d.stub.offered &= ~FEATURE_EVENT_IDX;
		}
		d.silent = true;
		connect_with(4, 0);
		device_ring_disable_notify(&d.rings[1]);
		submit(message_statfs(queue, 1));
		assert_int_equal(d.notified[1], 0);
		take(&taken);
		answer_statfs(&taken);
		d.silent = false;
		take_none(); /* and asks for notifications from now on */
		submit(message_statfs(queue, 2));
		assert_int_equal(d.notified[1], 1);
		take(&many[0]);
		answer_statfs(&many[0]);
		expect(1);
		expect(2);
	}
}

/* Rings of 4 entries; direct chains of two descriptors each, or indirect ones. */
static void park(bool indirect)
{
	unsigned int room = indirect ? 4 : 2;
	struct vfs_request *requests[10];

	if (!indirect)
		d.stub.offered &= ~FEATURE_INDIRECT;
	connect_with(10, 4);
	for (unsigned int i = 0; i < 10; i++)
		requests[i] = message_statfs(queue, i);
	assert_int_equal(vfs_queue_submit(queue, requests, 7), 0);
	assert_int_equal(vfs_queue_submit(queue, requests + 7, 3), 0);
	assert_int_equal(vfs_queue_in_flight(queue), 10);
	assert_int_equal(d.notified[1], 1);
	for (unsigned int i = 0; i < room; i++) {
		take(&many[i]);
		assert_int_equal(many[i].header.nodeid, i);
		assert_int_equal(many[i].chain.indirect, indirect);
	}
	take_none();

	/* One comes back, one goes out. */
	answer_statfs(&many[1]);
	expect(1);
	assert_int_equal(d.notified[1], 2);
	take(&many[1]);
	assert_int_equal(many[1].header.nodeid, room);
	take_none();

	/* Several come back, as many go out, with one notification. */
	for (unsigned int i = 0; i < room; i++)
		answer_statfs(&many[i]);
	assert_int_equal(vfs_queue_reap(queue, requests, 10), room);
	assert_int_equal(d.notified[1], 3);
	for (unsigned int i = 0; i < room; i++) {
		take(&many[i]);
		assert_int_equal(many[i].header.nodeid, room + 1 + i);
	}
	take_none();
	assert_int_equal(vfs_queue_in_flight(queue), 10 - 1 - room);
}

static void what_does_not_fit_into_the_ring_waits_and_goes_out_in_order(void **state)
{
	(void)state;
	park(true);
}

static void direct_chains_wait_for_descriptors(void **state)
{
	(void)state;
	d.stub.offered &= ~FEATURE_EVENT_IDX;
	park(false);
}

/* A small request does not overtake a large one that has to wait. */
static void nothing_overtakes_what_waits(void **state)
{
	struct vfs_request *requests[3];

	(void)state;
	d.stub.offered &= ~FEATURE_INDIRECT;
	connect_with(8, 4);
	requests[0] = message_statfs(queue, 0);	 /* two descriptors */
	requests[1] = message_read(queue, 4096); /* three */
	requests[2] = message_statfs(queue, 2);
	assert_int_equal(vfs_queue_submit(queue, requests, 3), 0);
	take(&many[0]);
	assert_int_equal(many[0].header.opcode, FUSE_STATFS);
	take_none();
	answer_statfs(&many[0]);
	expect(0);
	take(&many[0]);
	assert_int_equal(many[0].header.opcode, FUSE_READ);
	take_none();
	fuse_device_answer(&d, &many[0], 0, NULL, 0);
	vfs_request_put(reap_one(queue));
	take(&many[0]);
	assert_int_equal(many[0].header.nodeid, 2);
}

/* ---- malformed answers ---- */

struct broken_case {
	const char *name;
	uint32_t used_len;
	uint32_t len;
	int32_t error;
	uint64_t unique_plus;
	const char *says;
};

static const struct broken_case broken[] = {
	{"nothing was written", 0, 96, 0, 0, "has 0 bytes, too few for its header"},
	{"half a header", 8, 8, 0, 0, "has 8 bytes, too few for its header"},
	{"another length", 96, 95, 0, 0, "says it has 95 bytes, the device wrote 96"},
	{"too short", 95, 95, 0, 0, "79 bytes where 80 are allowed"},
	{"somebody else's", 96, 96, 0, 2, "is for request"},
	{"a positive error", 16, 16, ENOENT, 0, "has the error 2"},
	{"an error that is none", 16, 16, -4096, 0, "has the error -4096"},
	{"an error with a body", 96, 96, -EIO, 0, "has an error and 80 bytes"},
};

static void write_broken(const struct broken_case *c)
{
	uint8_t bytes[96] = {0};
	struct fuse_out_header header = {
		.len = c->len, .error = c->error, .unique = taken.header.unique + c->unique_plus};

	memcpy(bytes, &header, sizeof(header));
	fuse_device_write(&d, &taken, bytes, sizeof(bytes), c->used_len);
}

static void malformed_answers_end_their_request_and_nothing_else(void **state)
{
	struct vfs_request *request;
	struct iovec iov[2];

	(void)state;
	connect_with(4, 0);
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		print_message("%s\n", broken[i].name);
		said_start();
		request = message_statfs(queue, 1);
		submit(request);
		take(&taken);
		write_broken(&broken[i]);
		assert_ptr_equal(reap_one(queue), request);
		assert_int_equal(vfs_request_error(request), -EIO);
		assert_int_equal(vfs_request_reply(request, iov), 1);
		assert_int_equal(((struct fuse_out_header *)iov[0].iov_base)->error, -EIO);
		assert_int_equal(((struct fuse_out_header *)iov[0].iov_base)->len, 16);
		vfs_request_put(request);
		assert_int_equal(said_lines(), 1);
		assert_said(VFS_LOG_ERROR, broken[i].says);
		assert_said(VFS_LOG_ERROR, "stub 0000:00:05.0: opcode 17, request ");
		/* The next one is none the worse for it. */
		submit(message_statfs(queue, 2));
		take(&taken);
		answer_statfs(&taken);
		expect(2);
	}
}

/* In one go, whichever of them has to be looked at more closely. */
static void good_and_bad_answers_are_reaped_together(void **state)
{
	struct vfs_request *requests[4];
	struct vfs_request *done[8];

	(void)state;
	connect_with(4, 0);
	said_start();
	for (unsigned int i = 0; i < 4; i++)
		requests[i] = message_statfs(queue, i);
	assert_int_equal(vfs_queue_submit(queue, requests, 4), 0);
	for (unsigned int i = 0; i < 4; i++) {
		take(&taken);
		if (i == 1)
			write_broken(&broken[0]);
		else if (i == 2)
			fuse_device_answer(&d, &taken, -ENOENT, NULL, 0);
		else
			answer_statfs(&taken);
	}
	assert_int_equal(vfs_queue_reap(queue, done, 8), 4);
	for (unsigned int i = 0; i < 4; i++) {
		assert_ptr_equal(done[i], requests[i]);
		assert_int_equal(vfs_request_error(done[i]), i == 1 ? -EIO : i == 2 ? -ENOENT : 0);
		vfs_request_put(done[i]);
	}
	assert_int_equal(vfs_queue_in_flight(queue), 0);
	assert_int_equal(vfs_queue_counters(queue)->completed, 1 + 4); /* INIT too */
	reap_none(queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_arrives_and_its_answer_comes_back),
		TEST(the_servers_error_comes_back),
		TEST(an_answer_does_not_change_after_it_was_checked),
		TEST(uniques_are_given_or_kept),
		TEST(queues_of_two_threads_never_draw_the_same_unique),
		TEST(there_are_as_many_requests_as_asked_for),
		TEST(what_must_not_be_put_back_is_not),
		TEST(messages_are_checked_when_they_are_prepared),
		TEST(answers_larger_than_a_request_are_refused),
		TEST(a_batch_with_a_bad_request_is_not_taken_at_all),
		TEST(a_request_cannot_be_in_a_batch_twice),
		TEST(answers_come_in_any_order),
		TEST(a_batch_is_notified_once),
		TEST(a_batch_is_notified_once_without_the_event_index),
		TEST(a_device_that_looks_by_itself_is_not_notified),
		TEST(what_does_not_fit_into_the_ring_waits_and_goes_out_in_order),
		TEST(direct_chains_wait_for_descriptors),
		TEST(nothing_overtakes_what_waits),
		TEST(malformed_answers_end_their_request_and_nothing_else),
		TEST(good_and_bad_answers_are_reaped_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
