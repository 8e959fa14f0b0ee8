/* SPDX-License-Identifier: MIT */
/*
 * What the library says to a device that misbehaves, over vhost-user: an error and the reason for
 * it, soon; and that it can open the next device.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/device.h>
#include <vfs/error.h>
#include <vfs/log.h>
#include <vfs/request.h>
#include <vfs/session.h>

#include "device_process.h"

/* What the session may wait for the device, and what a whole test may take. */
#define TIMEOUT_MS 500
#define BOUND_MS   5000

static struct device_process process;
static char said[4096];

static void remember_log(enum vfs_log_level level, const char *message, void *ctx)
{
	size_t used = strlen(said);

	(void)level;
	(void)ctx;
	snprintf(said + used, sizeof(said) - used, "%s\n", message);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct connection {
	struct vfs_device *device;
	struct vfs_session *session;
	struct vfs_queue *queue;
};

/* The test's own, here so that it is closed also when the test fails. */
static struct connection conn;

static int connect_session(struct connection *c)
{
	const struct vfs_session_options options = {.timeout_ms = TIMEOUT_MS};
	struct vfs_init want = {0}, got;
	int r;

	*c = (struct connection){0};
	r = vfs_device_open(process.socket, NULL, &c->device);
	if (r == 0)
		r = vfs_session_create(c->device, &options, &c->session);
	if (r == 0)
		r = vfs_session_init(c->session, &want, &got);
	if (r == 0)
		c->queue = vfs_session_queue(c->session, 0);
	return r;
}

static void disconnect(struct connection *c)
{
	vfs_session_destroy(c->session);
	vfs_device_close(c->device);
	*c = (struct connection){0};
}

static struct vfs_request *send_getattr(struct connection *c)
{
	struct fuse_in_header header = {.opcode = FUSE_GETATTR, .nodeid = FUSE_ROOT_ID};
	struct fuse_getattr_in in = {0};
	struct vfs_request *request = vfs_request_get(c->queue);
	char *message;

	assert_non_null(request);
	message = vfs_request_message(request);
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), &in, sizeof(in));
	assert_int_equal(vfs_request_prepare(request, sizeof(header) + sizeof(in)), 0);
	assert_int_equal(vfs_queue_submit(c->queue, &request, 1), 0);
	return request;
}

/* The next completed one; NULL: none came in time. */
static struct vfs_request *reap(struct connection *c, int timeout_ms)
{
	struct vfs_request *done;

	while (!vfs_queue_reap(c->queue, &done, 1)) {
		int r = vfs_queue_wait(c->queue, timeout_ms);

		if (r == -ETIMEDOUT)
			return NULL;
		assert_int_equal(r, 0);
	}
	return done;
}

static int getattr(struct connection *c)
{
	struct vfs_request *request = send_getattr(c), *done = reap(c, TIMEOUT_MS);
	int r;

	if (!done)
		return -ETIMEDOUT;
	assert_ptr_equal(done, request);
	r = vfs_request_error(done);
	vfs_request_put(done);
	return r;
}

static void assert_said(const char *text)
{
	if (!strstr(said, text))
		fail_msg("no '%s' in what was said: %s", text, said);
}

/* A device without faults works, whatever came before it. */
static void assert_next_works(void)
{
	assert_int_equal(device_process_command(&process, "clear"), 0);
	assert_int_equal(connect_session(&conn), 0);
	assert_int_equal(getattr(&conn), 0);
	disconnect(&conn);
}

/* What GETATTR comes to with the fault, and what is said of it. */
static void fault_in_getattr(const char *fault, int expected, const char *reason)
{
	long start = now_ms();

	said[0] = '\0';
	assert_int_equal(connect_session(&conn), 0);
	assert_int_equal(device_process_command(&process, fault), 0);
	assert_int_equal(getattr(&conn), expected);
	disconnect(&conn);
	assert_said(reason);
	assert_next_works();
	assert_in_range(now_ms() - start, 0, BOUND_MS);
}

static void test_reply_to_another_request(void **state)
{
	(void)state;
	fault_in_getattr("wrong-unique", -EIO, "the answer is for request");
}

static void test_header_says_another_length(void **state)
{
	(void)state;
	fault_in_getattr("wrong-len", -EIO, "the device wrote");
	fault_in_getattr("wrong-len value=4294967295", -EIO, "the device wrote");
}

static void test_positive_error(void **state)
{
	(void)state;
	fault_in_getattr("wrong-error", -EIO, "has the error 5");
}

static void test_used_length_0(void **state)
{
	(void)state;
	fault_in_getattr("used-len-0", -EIO, "0 bytes");
}

static void test_used_length_beyond_buffers(void **state)
{
	(void)state;
	fault_in_getattr("used-len-large", -EIO, "to a chain with room for");
}

static void test_used_id_out_of_range(void **state)
{
	(void)state;
	fault_in_getattr("used-id-range", -EIO, "of a ring of");
	fault_in_getattr("used-id-range value=4294967295", -EIO, "of a ring of");
}

static void test_used_id_not_in_flight(void **state)
{
	(void)state;
	fault_in_getattr("used-id-range value=77", -EIO, "not the head of a chain");
}

static void test_used_index_jumps(void **state)
{
	(void)state;
	fault_in_getattr("ring-index-jump", -EIO, "moved used.idx");
	fault_in_getattr("ring-index-jump value=32768", -EIO, "moved used.idx");
}

static void test_never_answered(void **state)
{
	(void)state;
	fault_in_getattr("never", -ETIMEDOUT, "does not answer");
}

/* A driver that looks in between takes the first for a good answer. */
static void test_used_id_twice(void **state)
{
	long start = now_ms();
	int r;

	(void)state;
	assert_int_equal(connect_session(&conn), 0);
	assert_int_equal(device_process_command(&process, "used-id-twice"), 0);
	r = getattr(&conn);
	if (r == 0)
		r = getattr(&conn);
	disconnect(&conn);
	assert_int_equal(r, -EIO);
	assert_next_works();
	assert_in_range(now_ms() - start, 0, BOUND_MS);
}

static void test_late_answer(void **state)
{
	long start;

	(void)state;
	assert_int_equal(connect_session(&conn), 0);
	assert_int_equal(device_process_command(&process, "late value=200"), 0);
	start = now_ms();
	assert_int_equal(getattr(&conn), 0);
	assert_in_range(now_ms() - start, 190, TIMEOUT_MS);
	disconnect(&conn);
	assert_next_works();
}

/* Given up on, and then it comes after all while the session ends. */
static void test_answer_after_time_out(void **state)
{
	(void)state;
	assert_int_equal(connect_session(&conn), 0);
	assert_int_equal(device_process_command(&process, "late value=700"), 0);
	assert_int_equal(getattr(&conn), -ETIMEDOUT);
	disconnect(&conn);
	assert_next_works();
}

static void test_answers_out_of_order(void **state)
{
	struct vfs_request *first, *second, *done;

	(void)state;
	assert_int_equal(connect_session(&conn), 0);
	assert_int_equal(device_process_command(&process, "out-of-order"), 0);
	first = send_getattr(&conn);
	second = send_getattr(&conn);
	done = reap(&conn, TIMEOUT_MS);
	assert_ptr_equal(done, second);
	assert_int_equal(vfs_request_error(done), 0);
	vfs_request_put(done);
	done = reap(&conn, TIMEOUT_MS);
	assert_ptr_equal(done, first);
	assert_int_equal(vfs_request_error(done), 0);
	vfs_request_put(done);
	disconnect(&conn);
	assert_next_works();
}

static void test_death_in_mid_request(void **state)
{
	long start = now_ms();

	(void)state;
	assert_int_equal(connect_session(&conn), 0);
	assert_int_equal(device_process_command(&process, "die"), 0);
	assert_int_equal(getattr(&conn), -EIO);
	assert_int_equal(vfs_device_check(conn.device), -ENODEV);
	disconnect(&conn);
	assert_int_equal(waitpid(process.pid, NULL, 0), process.pid);
	assert_int_equal(device_process_restart(&process), 0);
	assert_next_works();
	assert_in_range(now_ms() - start, 0, BOUND_MS);
}

static void test_device_needs_reset(void **state)
{
	long start = now_ms();

	(void)state;
	assert_int_equal(connect_session(&conn), 0);
	assert_int_equal(device_process_command(&process, "needs-reset"), 0);
	assert_int_equal(getattr(&conn), -EIO);
	disconnect(&conn);
	assert_next_works();
	assert_in_range(now_ms() - start, 0, BOUND_MS);
}

static void test_features_refused(void **state)
{
	long start = now_ms();

	(void)state;
	assert_int_equal(device_process_command(&process, "features-refused"), 0);
	assert_int_equal(connect_session(&conn), -EPROTO);
	disconnect(&conn);
	assert_next_works();
	assert_in_range(now_ms() - start, 0, BOUND_MS);
}

/* A message is one reading, so there is nothing to be torn; the next reading may differ. */
static void test_configuration_changes(void **state)
{
	(void)state;
	assert_int_equal(device_process_command(&process, "config-churn times=4"), 0);
	assert_int_equal(connect_session(&conn), 0);
	assert_string_not_equal(vfs_device_info(conn.device)->tag, "myfs");
	assert_int_equal(getattr(&conn), 0);
	disconnect(&conn);
	assert_next_works();
}

static void test_init_is_struck_too(void **state)
{
	static const char *const lines[] = {"never opcode=26", "wrong-unique opcode=26",
		"used-len-0 opcode=26", "used-id-range opcode=26", "ring-index-jump opcode=26"};
	/* What the device says of INIT is malformed, or the device itself is broken. */
	static const int expected[] = {-ETIMEDOUT, -EPROTO, -EPROTO, -EIO, -EIO};
	long start = now_ms();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(device_process_command(&process, lines[i]), 0);
		assert_int_equal(connect_session(&conn), expected[i]);
		disconnect(&conn);
	}
	assert_next_works();
	assert_in_range(now_ms() - start, 0, BOUND_MS);
}

static void test_commands_are_checked(void **state)
{
	(void)state;
	assert_int_equal(device_process_command(&process, "no-such-fault"), -1);
	assert_int_equal(device_process_command(&process, "late value"), -1);
	assert_int_equal(device_process_command(&process, "late nth=0"), -1);
}

/* Of this process: what the library opened it has closed. */
static unsigned int descriptors(void)
{
	const struct device_process self = {.pid = getpid()};

	return device_process_descriptors(&self);
}

static unsigned int own_descriptors;

static int start_process(void **state)
{
	(void)state;
	vfs_log_set(remember_log, VFS_LOG_DEBUG, NULL);
	own_descriptors = descriptors();
	return device_process_start(&process, false);
}

static int stop_process(void **state)
{
	(void)state;
	if (descriptors() != own_descriptors)
		fail_msg("%u descriptors at the start, %u at the end", own_descriptors,
			descriptors());
	return device_process_stop(&process);
}

static int close_connection(void **state)
{
	(void)state;
	disconnect(&conn);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_commands_are_checked, close_connection),
		cmocka_unit_test_teardown(test_reply_to_another_request, close_connection),
		cmocka_unit_test_teardown(test_header_says_another_length, close_connection),
		cmocka_unit_test_teardown(test_positive_error, close_connection),
		cmocka_unit_test_teardown(test_used_length_0, close_connection),
		cmocka_unit_test_teardown(test_used_length_beyond_buffers, close_connection),
		cmocka_unit_test_teardown(test_used_id_out_of_range, close_connection),
		cmocka_unit_test_teardown(test_used_id_not_in_flight, close_connection),
		cmocka_unit_test_teardown(test_used_id_twice, close_connection),
		cmocka_unit_test_teardown(test_used_index_jumps, close_connection),
		cmocka_unit_test_teardown(test_never_answered, close_connection),
		cmocka_unit_test_teardown(test_late_answer, close_connection),
		cmocka_unit_test_teardown(test_answer_after_time_out, close_connection),
		cmocka_unit_test_teardown(test_answers_out_of_order, close_connection),
		cmocka_unit_test_teardown(test_death_in_mid_request, close_connection),
		cmocka_unit_test_teardown(test_device_needs_reset, close_connection),
		cmocka_unit_test_teardown(test_features_refused, close_connection),
		cmocka_unit_test_teardown(test_configuration_changes, close_connection),
		cmocka_unit_test_teardown(test_init_is_struck_too, close_connection),
	};

	return cmocka_run_group_tests(tests, start_process, stop_process);
}
