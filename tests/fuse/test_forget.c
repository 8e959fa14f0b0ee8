/* SPDX-License-Identifier: MIT */
/* FORGET: on its own queue, in batches, and none of it lost. */
#include <errno.h>
#include <poll.h>
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

#define HIPRIO 0
#define NODES  100000u

static struct fuse_forget_one forgets[NODES];
static uint64_t forgotten[NODES];

static int set_up_nodes(void **state)
{
	for (uint32_t i = 0; i < NODES; i++)
		forgets[i] = (struct fuse_forget_one){.nodeid = i, .nlookup = i % 7 + 1};
	memset(forgotten, 0, sizeof(forgotten));
	return set_up(state);
}

static void forget_node(uint64_t nodeid, uint64_t nlookup)
{
	assert_true(nodeid < NODES);
	forgotten[nodeid] += nlookup;
}

/* What a server makes of the message. */
static void account(const struct taken *t)
{
	struct fuse_batch_forget_in batch;
	struct fuse_forget_in single;
	struct fuse_forget_one one;
	size_t at = sizeof(struct fuse_in_header);

	assert_int_equal(t->chain.writable_bytes, 0);
	assert_int_equal(t->header.unique & 1, 0);
	if (t->header.opcode == FUSE_FORGET) {
		assert_int_equal(t->length, at + sizeof(single));
		memcpy(&single, t->bytes + at, sizeof(single));
		forget_node(t->header.nodeid, single.nlookup);
		return;
	}
	assert_int_equal(t->header.opcode, FUSE_BATCH_FORGET);
	memcpy(&batch, t->bytes + at, sizeof(batch));
	at += sizeof(batch);
	assert_int_equal(t->length, at + batch.count * sizeof(one));
	for (uint32_t i = 0; i < batch.count; i++) {
		memcpy(&one, t->bytes + at + i * sizeof(one), sizeof(one));
		forget_node(one.nodeid, one.nlookup);
	}
}

static bool take_hiprio(void)
{
	if (!fuse_device_take(&d, HIPRIO, &taken))
		return false;
	account(&taken);
	return true;
}

/* Take everything there is and give it back. Returns how many messages. */
static unsigned int complete_all(void)
{
	unsigned int count = 0;

	while (take_hiprio()) {
		fuse_device_answer(&d, &taken, 0, NULL, 0);
		count++;
	}
	return count;
}

static void assert_forgotten(uint32_t from, uint32_t count)
{
	for (uint32_t i = 0; i < NODES; i++) {
		bool inside = i >= from && i - from < count;

		assert_int_equal(forgotten[i], inside ? i % 7 + 1 : 0);
	}
}

static void forget(uint32_t from, size_t count)
{
	assert_int_equal(vfs_forget(session, forgets + from, count), 0);
}

static unsigned int in_flight(void)
{
	return vfs_queue_in_flight(session->hiprio.queue);
}

static void a_single_one_is_a_forget(void **state)
{
	(void)state;
	connect_with(4, 0);
	forget(5, 1);
	assert_int_equal(d.notified[HIPRIO], 1);
	assert_int_equal(d.notified[1], 0);
	assert_true(take_hiprio());
	assert_int_equal(taken.header.opcode, FUSE_FORGET);
	assert_int_equal(taken.header.nodeid, 5);
	assert_forgotten(5, 1);
	assert_int_equal(vfs_session_progress(session), 0);
	assert_int_equal(in_flight(), 1);
	fuse_device_answer(&d, &taken, 0, NULL, 0);
	assert_int_equal(vfs_session_progress(session), 0);
	assert_int_equal(in_flight(), 0);
}

static void several_are_one_batch(void **state)
{
	(void)state;
	connect_with(4, 0);
	forget(10, 100);
	assert_int_equal(d.notified[HIPRIO], 1);
	assert_true(take_hiprio());
	assert_int_equal(taken.header.opcode, FUSE_BATCH_FORGET);
	assert_int_equal(taken.header.nodeid, 0);
	assert_forgotten(10, 100);
	assert_false(take_hiprio());
	fuse_device_answer(&d, &taken, 0, NULL, 0);
}

static void none_at_all_is_no_message(void **state)
{
	(void)state;
	connect_with(4, 0);
	forget(0, 0);
	assert_int_equal(d.notified[HIPRIO], 0);
	assert_false(take_hiprio());
}

static void more_than_a_message_holds_are_several(void **state)
{
	size_t room = (VFS_REQUEST_HEAD + VFS_PAGE_SIZE - VFS_BATCH_FORGET_HEAD) /
		      sizeof(struct fuse_forget_one);
	unsigned int messages;

	(void)state;
	connect_with(4, 0);
	forget(0, 4 * room);
	assert_int_equal(d.notified[HIPRIO], 1);
	messages = complete_all();
	assert_in_range(messages, 2, 4);
	assert_forgotten(0, (uint32_t)(4 * room));
	assert_int_equal(vfs_session_progress(session), 0);
	assert_int_equal(in_flight(), 0);
}

/* A stuck hiprio queue: what finds no room waits in memory; nobody waits and nothing gets lost. */
static void a_stuck_queue_loses_nothing(void **state)
{
	unsigned int order = 0;

	(void)state;
	connect_with(4, 0);
	for (uint32_t from = 0; from < NODES; from += 1000)
		forget(from, 1000);
	assert_int_equal(vfs_session_progress(session), 1);
	while (take_hiprio()) {
		struct fuse_forget_one one;

		memcpy(&one, taken.bytes + VFS_BATCH_FORGET_HEAD, sizeof(one));
		assert_int_equal(one.nodeid, order);
		while (order < NODES && forgotten[order])
			order++;
		fuse_device_answer(&d, &taken, 0, NULL, 0);
		assert_true(vfs_session_progress(session) >= 0);
	}
	assert_forgotten(0, NODES);
	assert_int_equal(vfs_session_progress(session), 0);
	assert_int_equal(in_flight(), 0);
}

/* A ring of four entries: messages wait for it, in order, and go out as others come back. */
static void a_small_ring_loses_nothing_either(void **state)
{
	(void)state;
	connect_with(4, 4);
	forget(0, 5000);
	while (complete_all() > 0)
		assert_true(vfs_session_progress(session) >= 0);
	assert_forgotten(0, 5000);
}

static void the_descriptor_says_when_there_is_room(void **state)
{
	struct pollfd pfd = {.events = POLLIN};

	(void)state;
	connect_with(4, 0);
	forget(0, NODES);
	pfd.fd = vfs_session_hiprio_fd(session);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	assert_true(take_hiprio());
	fuse_device_answer(&d, &taken, 0, NULL, 0);
	assert_int_equal(d.interrupted[HIPRIO], 1);
	assert_int_equal(poll(&pfd, 1, 0), 1);
	assert_int_equal(vfs_session_progress(session), 1);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	d.serve = fuse_device_serve;
	while (fuse_device_take(&d, HIPRIO, &taken))
		fuse_device_serve(&d, &taken);
}

/* Whoever waits for something else sends what found no room. */
static void a_wait_for_a_request_sends_them_on(void **state)
{
	(void)state;
	connect_with(4, 4);
	forget(0, NODES);
	submit(message_statfs(queue, 1));
	for (unsigned int i = 0; session->hiprio.waiting; i++) {
		assert_true(i < NODES);
		assert_true(complete_all() > 0);
		assert_int_equal(vfs_queue_wait(queue, 1), -ETIMEDOUT);
	}
	while (complete_all() > 0)
		assert_int_equal(vfs_session_progress(session), 0);
	assert_forgotten(0, NODES);
	take(&taken);
	answer_statfs(&taken);
	expect(1);
}

static void a_full_request_queue_is_in_nobodys_way(void **state)
{
	(void)state;
	connect_with(8, 2 * 2);
	for (unsigned int i = 0; i < 8; i++)
		submit(message_read(queue, 4096));
	assert_int_equal(vfs_queue_in_flight(queue), 8);
	assert_null(vfs_request_get(queue));
	forget(0, 50);
	assert_int_equal(complete_all(), 1);
	assert_forgotten(0, 50);
	assert_int_equal(vfs_session_progress(session), 0);
	d.serve = fuse_device_serve;
	while (fuse_device_take(&d, 1, &taken))
		fuse_device_serve(&d, &taken);
}

static void scattered_pages_carry_batches_too(void **state)
{
	(void)state;
	without_platform();
	connect_with(4, 0);
	forget(0, 2000);
	complete_all();
	assert_forgotten(0, 2000);
}

static void a_device_that_answers_a_forget_has_failed(void **state)
{
	(void)state;
	connect_with(4, 0);
	forget(0, 1);
	assert_true(take_hiprio());
	device_ring_complete(&d.rings[HIPRIO], taken.chain.head, 16);
	said_start();
	assert_int_equal(vfs_session_progress(session), -EIO);
	assert_said(VFS_LOG_ERROR, "wrote 16 bytes to a chain with room for 0");
}

struct forgetter {
	pthread_t thread;
	uint32_t from;
};

static void *forget_one_by_one(void *ctx)
{
	const struct forgetter *forgetter = ctx;

	for (uint32_t i = 0; i < NODES / 4; i++)
		(void)vfs_forget(session, &forgets[forgetter->from + i], 1);
	return NULL;
}

static void any_thread_may_forget(void **state)
{
	struct forgetter forgetters[4];

	(void)state;
	connect_with(4, 0);
	for (uint32_t i = 0; i < 4; i++) {
		forgetters[i].from = i * NODES / 4;
		assert_int_equal(pthread_create(&forgetters[i].thread, NULL, forget_one_by_one,
					 &forgetters[i]),
			0);
	}
	for (unsigned int i = 0; i < 4; i++)
		pthread_join(forgetters[i].thread, NULL);
	while (complete_all() > 0)
		assert_true(vfs_session_progress(session) >= 0);
	assert_forgotten(0, NODES);
}

/* ---- without memory ---- */

static bool no_memory;

void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return no_memory ? NULL : __real_reallocarray(old, count, size);
}

/* As many as wait without more memory: all slots are taken, and the first room is full. */
static uint32_t forget_until_full(void)
{
	uint32_t count = 0;

	no_memory = true;
	while (vfs_forget(session, forgets + count, 1) == 0)
		count++;
	return count;
}

static void what_waits_already_takes_more_without_memory(void **state)
{
	const struct fuse_forget_one more = {.nodeid = 40, .nlookup = 1000};
	struct fuse_forget_one both[2];
	uint32_t count;

	(void)state;
	connect_with(4, 0);
	count = forget_until_full();
	assert_true(count > 200);
	both[0] = (struct fuse_forget_one){.nodeid = count - 1, .nlookup = 1000};
	both[1] = more;
	assert_int_equal(vfs_forget(session, both, 1), 0);
	/* All or none; the second was sent long ago. */
	assert_int_equal(vfs_forget(session, both, 2), -ENOMEM);
	no_memory = false;
	assert_int_equal(vfs_forget(session, &more, 1), 0);
	while (complete_all() > 0)
		assert_true(vfs_session_progress(session) >= 0);
	assert_int_equal(forgotten[count - 1], (count - 1) % 7 + 1 + 1000);
	assert_int_equal(forgotten[40], 40 % 7 + 1 + 1000);
	forgotten[count - 1] -= 1000;
	forgotten[40] -= 1000;
	assert_forgotten(0, count);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_nodes, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_single_one_is_a_forget),
		TEST(several_are_one_batch),
		TEST(none_at_all_is_no_message),
		TEST(more_than_a_message_holds_are_several),
		TEST(a_stuck_queue_loses_nothing),
		TEST(a_small_ring_loses_nothing_either),
		TEST(the_descriptor_says_when_there_is_room),
		TEST(a_wait_for_a_request_sends_them_on),
		TEST(a_full_request_queue_is_in_nobodys_way),
		TEST(scattered_pages_carry_batches_too),
		TEST(a_device_that_answers_a_forget_has_failed),
		TEST(any_thread_may_forget),
		TEST(what_waits_already_takes_more_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
