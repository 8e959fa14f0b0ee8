/* SPDX-License-Identifier: MIT */
/* The notification queue: who gets one, what comes out of it, and where the other queues are then.
 */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "dma/said.h"
#include "fuse/fixture.h"

#define BUFFERS 4u
#define SIZE	4096u

static struct vfs_notification n;
static unsigned int wanted_quirks;

static int begin(void **state)
{
	wanted_quirks = 0;
	said_start();
	return set_up(state);
}

static struct vfs_session_options options_with(unsigned int buffers)
{
	return (struct vfs_session_options){
		.depth = 4,
		.max_payload = PAYLOAD,
		.timeout_ms = TIMEOUT_MS,
		.notify_buffers = buffers,
		.quirks = wanted_quirks,
	};
}

static void connect_notified(unsigned int buffers)
{
	struct vfs_session_options options = options_with(buffers);

	session = fuse_device_connect(&d, &options);
	queue = vfs_session_queue(session, 0);
}

static void assert_has_none(void)
{
	assert_false(vfs_session_features(session) & FEATURE_NOTIFICATION);
	assert_int_equal(vfs_notify_next(session, &n), -ENOTSUP);
	assert_error_says("has no notification queue");
	assert_int_equal(vfs_notify_fd(session), -ENOTSUP);
	assert_false(vfs_notify_arm(session));
	assert_int_equal(vfs_session_queue(session, 0)->index, 1);
}

static bool send_inval(uint64_t node)
{
	struct {
		struct fuse_out_header header;
		struct fuse_notify_inval_inode_out out;
	} message = {
		.header = {.len = sizeof(message), .error = FUSE_NOTIFY_INVAL_INODE},
		.out = {.ino = node},
	};

	return fuse_device_notify(&d, &message, sizeof(message), sizeof(message));
}

static void expect_inval(uint64_t node)
{
	assert_int_equal(vfs_notify_next(session, &n), 1);
	assert_int_equal(n.code, FUSE_NOTIFY_INVAL_INODE);
	assert_int_equal(n.node, node);
}

static void expect_none(void)
{
	assert_int_equal(vfs_notify_next(session, &n), 0);
}

static bool readable(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	return poll(&pfd, 1, 0) == 1;
}

static void who_does_not_ask_gets_none(void **state)
{
	(void)state;
	fuse_device_offer_notify(&d, SIZE);
	connect_notified(0);
	assert_has_none();
}

static void a_device_without_it_is_used_without(void **state)
{
	(void)state;
	connect_notified(BUFFERS);
	assert_has_none();
	assert_false(said(VFS_LOG_WARNING, "notifications"));
}

static void request_queues_come_after_it(void **state)
{
	struct vfs_request *request;

	(void)state;
	fuse_device_set_queues(&d, 2, 64);
	fuse_device_offer_notify(&d, SIZE);
	connect_notified(BUFFERS);
	assert_true(vfs_session_features(session) & FEATURE_NOTIFICATION);
	assert_true(d.stub.accepted & FEATURE_NOTIFICATION);
	assert_int_equal(queue->index, 2);

	request = message_statfs(queue, 1);
	submit(request);
	assert_true(fuse_device_take(&d, 2, &taken));
	answer_statfs(&taken);
	assert_ptr_equal(reap_one(queue), request);
	assert_int_equal(vfs_request_error(request), 0);
	vfs_request_put(request);
}

static void the_device_gets_buffers_when_it_runs(void **state)
{
	struct vfs_session_options options = options_with(BUFFERS);
	struct device_chain chain;

	(void)state;
	fuse_device_offer_notify(&d, 100);
	assert_int_equal(fuse_device_start(&d, &options, &session), 0);
	assert_int_equal(d.notified[1], 1);
	for (unsigned int i = 0; i < BUFFERS; i++) {
		assert_true(fuse_device_take_buffer(&d, &chain));
		/* Not less than it needs, and room for a name. */
		assert_int_equal(chain.writable_bytes, 4096);
	}
	assert_false(fuse_device_take_buffer(&d, &chain));
}

static void there_are_no_more_buffers_than_entries(void **state)
{
	struct device_chain chain;
	unsigned int count = 0;

	(void)state;
	fuse_device_offer_notify(&d, SIZE);
	connect_notified(1000);
	while (fuse_device_take_buffer(&d, &chain))
		count++;
	assert_int_equal(count, 64);
}

/* With pages that are scattered a buffer of three is in three pieces. */
static void large_buffers_are_chains(void **state)
{
	struct device_chain chain;
	unsigned int count = 0;

	(void)state;
	without_platform();
	fuse_device_offer_notify(&d, 2 * 4096 + 1);
	connect_notified(1000);
	while (fuse_device_take_buffer(&d, &chain)) {
		assert_int_equal(chain.writable_bytes, 3 * 4096);
		assert_int_equal(chain.count, 3);
		count++;
	}
	assert_int_equal(count, 64 / 3);
}

static void they_come_in_order_and_buffers_go_back(void **state)
{
	uint64_t node = 1;

	(void)state;
	fuse_device_offer_notify(&d, SIZE);
	connect_notified(BUFFERS);
	expect_none();
	for (unsigned int turn = 0; turn < 100; turn++) {
		unsigned int many = turn % BUFFERS + 1;

		for (unsigned int i = 0; i < many; i++)
			assert_true(send_inval(node + i));
		for (unsigned int i = 0; i < many; i++)
			expect_inval(node + i);
		expect_none();
		node += many;
	}
	assert_int_equal(vfs_notify_counters(session)->delivered, node - 1);
	assert_int_equal(vfs_notify_counters(session)->malformed, 0);
}

static void what_is_delivered_is_a_copy(void **state)
{
	(void)state;
	fuse_device_offer_notify(&d, SIZE);
	connect_notified(1);
	assert_true(send_inval(5));
	expect_inval(5);
	/* The only buffer again, while the first notification is still being looked at. */
	assert_true(send_inval(6));
	assert_int_equal(
		((const struct fuse_notify_inval_inode_out *)((const char *)n.message + 16))->ino,
		5);
	expect_inval(6);
}

static void the_descriptor_says_when(void **state)
{
	int fd;

	(void)state;
	fuse_device_offer_notify(&d, SIZE);
	connect_notified(BUFFERS);
	fd = vfs_notify_fd(session);
	assert_true(fd >= 0);
	assert_false(vfs_notify_arm(session));
	assert_false(readable(fd));
	assert_true(send_inval(1));
	assert_true(readable(fd));
	assert_true(vfs_notify_arm(session));
	expect_inval(1);
	assert_false(readable(fd));
	/* Nobody asked. */
	assert_true(send_inval(2));
	assert_false(readable(fd));
	assert_true(vfs_notify_arm(session));
	expect_inval(2);
}

static void send_bytes(int32_t code, uint64_t unique, uint32_t body, uint32_t used_len)
{
	struct {
		struct fuse_out_header header;
		uint8_t body[64];
	} message = {.header = {.len = 16 + body, .error = code, .unique = unique}};

	assert_true(fuse_device_notify(&d, &message, 16 + body, used_len));
}

static void malformed_ones_are_dropped_and_said_once(void **state)
{
	(void)state;
	fuse_device_offer_notify(&d, SIZE);
	connect_notified(BUFFERS);
	send_bytes(FUSE_NOTIFY_POLL, 0, 3, 19);
	send_bytes(FUSE_NOTIFY_POLL, 0, 0, 16);
	send_bytes(FUSE_NOTIFY_DELETE, 0, 1, 17);
	assert_true(send_inval(9));
	expect_inval(9);
	assert_said(VFS_LOG_WARNING, "a notification POLL: a body of 3 bytes; it is dropped");
	assert_said(VFS_LOG_WARNING, "a notification DELETE: a body of 1 bytes; it is dropped");
	assert_false(said(VFS_LOG_WARNING, "POLL: a body of 0 bytes"));

	send_bytes(FUSE_NOTIFY_POLL, 4, 8, 24);
	send_bytes(FUSE_NOTIFY_POLL, 0, 8, 23);
	send_bytes(FUSE_NOTIFY_POLL, 0, 8, 0);
	expect_none();
	assert_int_equal(vfs_notify_counters(session)->malformed, 6);
	assert_int_equal(vfs_notify_counters(session)->delivered, 1);
	/* And the buffers are all there. */
	for (unsigned int i = 0; i < BUFFERS; i++)
		assert_true(send_inval(i + 1));
}

static void unknown_codes_are_delivered(void **state)
{
	(void)state;
	fuse_device_offer_notify(&d, SIZE);
	connect_notified(BUFFERS);
	send_bytes(99, 0, 5, 21);
	assert_int_equal(vfs_notify_next(session, &n), 1);
	assert_int_equal(n.code, 99);
	assert_int_equal(n.message_length, 21);
	assert_int_equal(vfs_notify_counters(session)->unknown, 1);
}

static void used_len_0_takes_its_quirk(void **state)
{
	(void)state;
	wanted_quirks = VFS_QUIRK_USED_LEN_ZERO;
	fuse_device_offer_notify(&d, SIZE);
	connect_notified(1);
	send_bytes(FUSE_NOTIFY_POLL, 0, 8, 0);
	assert_int_equal(vfs_notify_next(session, &n), 1);
	assert_int_equal(n.message_length, 24);
	/* What was there before is not taken for a new one. */
	assert_true(fuse_device_notify(&d, NULL, 0, 0));
	expect_none();
	assert_int_equal(vfs_notify_counters(session)->malformed, 1);
}

static void a_device_that_contradicts_itself_is_used_without(void **state)
{
	static const uint32_t sizes[] = {0, 15, (1u << 20) + 1, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		said_start();
		fuse_device_offer_notify(&d, sizes[i]);
		connect_notified(BUFFERS);
		assert_has_none();
		assert_said(VFS_LOG_WARNING, "their size cannot be meant");
		d.serve = fuse_device_serve;
		vfs_session_destroy(session);
		d.serve = NULL;
		fuse_device_set_queues(&d, 1, 64);
	}
	session = NULL;
	/* The feature, and no queue for it. */
	fuse_device_offer_notify(&d, SIZE);
	fuse_device_set_queues(&d, 1, 64);
	connect_notified(BUFFERS);
	assert_has_none();
	assert_said(VFS_LOG_WARNING, "it has no queue for them");
}

static void a_device_that_breaks_the_ring_fails(void **state)
{
	struct device_chain chain;

	(void)state;
	fuse_device_offer_notify(&d, SIZE);
	connect_notified(BUFFERS);
	assert_false(vfs_notify_arm(session));
	assert_true(fuse_device_take_buffer(&d, &chain));
	device_ring_complete(&d.rings[1], chain.head, SIZE + 1);
	assert_int_equal(vfs_notify_next(session, &n), -EIO);
	assert_said(VFS_LOG_ERROR, "wrote 4097 bytes to a chain with room for 4096");
	assert_int_equal(vfs_notify_next(session, &n), -EIO);
	assert_true(vfs_notify_arm(session));
}

static void a_failure_wakes_who_waits(void **state)
{
	(void)state;
	fuse_device_offer_notify(&d, SIZE);
	connect_notified(BUFFERS);
	assert_false(vfs_notify_arm(session));
	vfs_session_abort(session);
	assert_true(readable(vfs_notify_fd(session)));
	assert_int_equal(vfs_notify_next(session, &n), -EIO);
	assert_true(vfs_notify_arm(session));
}

static void retrieve_is_answered_by_a_request(void **state)
{
	struct {
		struct fuse_in_header header;
		struct fuse_notify_retrieve_in in;
		char data[4];
	} reply = {
		.header = {.opcode = FUSE_NOTIFY_REPLY, .unique = 42, .nodeid = 7},
		.in = {.offset = 4096, .size = 4},
		.data = "abcd",
	};
	struct vfs_request *request;

	(void)state;
	fuse_device_offer_notify(&d, SIZE);
	connect_notified(BUFFERS);
	request = vfs_request_get(queue);
	memcpy(vfs_request_message(request), &reply, sizeof(reply));
	assert_int_equal(vfs_request_prepare(request, sizeof(reply)), 0);
	submit(request);
	assert_true(fuse_device_take(&d, 2, &taken));
	assert_int_equal(taken.header.unique, 42);
	assert_int_equal(taken.chain.writable_bytes, 0);
	fuse_device_answer(&d, &taken, 0, NULL, 0);
	assert_ptr_equal(reap_one(queue), request);
	assert_int_equal(vfs_request_error(request), 0);
	vfs_request_put(request);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_does_not_ask_gets_none),
		TEST(a_device_without_it_is_used_without),
		TEST(request_queues_come_after_it),
		TEST(the_device_gets_buffers_when_it_runs),
		TEST(there_are_no_more_buffers_than_entries),
		TEST(large_buffers_are_chains),
		TEST(they_come_in_order_and_buffers_go_back),
		TEST(what_is_delivered_is_a_copy),
		TEST(the_descriptor_says_when),
		TEST(malformed_ones_are_dropped_and_said_once),
		TEST(unknown_codes_are_delivered),
		TEST(used_len_0_takes_its_quirk),
		TEST(a_device_that_contradicts_itself_is_used_without),
		TEST(a_device_that_breaks_the_ring_fails),
		TEST(a_failure_wakes_who_waits),
		TEST(retrieve_is_answered_by_a_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
