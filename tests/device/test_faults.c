/* SPDX-License-Identifier: MIT */
/*
 * What the library says to a device that misbehaves, on either face: an error and the reason for
 * it, soon; and that it can open the next device.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "fault_driver.h"

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
	fault_in_getattr("used-len-0", -EIO, "(the quirk used-len-zero takes that)");
}

static void test_used_length_0_with_its_quirk(void **state)
{
	int i;

	(void)state;
	quirks = VFS_QUIRK_USED_LEN_ZERO;
	/* INIT, then one answer after the other in the same slots. */
	command("used-len-0 opcode=26");
	assert_int_equal(connect_session(&conn), 0);
	for (i = 0; i < 40; i++) {
		command("used-len-0");
		assert_int_equal(getattr(&conn), 0);
	}
	disconnect(&conn);
	quirks = 0;
	assert_next_works();
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
	command("used-id-twice");
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
	command("late value=200");
	start = now_ms();
	assert_int_equal(getattr(&conn), 0);
	assert_in_range(now_ms() - start, 190, BOUND_MS);
	disconnect(&conn);
	assert_next_works();
}

/* Given up on, and then it comes after all while the session ends. */
static void test_answer_after_time_out(void **state)
{
	(void)state;
	assert_int_equal(connect_session(&conn), 0);
	command("late value=700");
	assert_int_equal(getattr_within(&conn, TIMEOUT_MS), -ETIMEDOUT);
	disconnect(&conn);
	assert_next_works();
}

static void test_answers_out_of_order(void **state)
{
	struct vfs_request *first, *second, *done;

	(void)state;
	assert_int_equal(connect_session(&conn), 0);
	command("out-of-order");
	first = send_getattr(&conn);
	second = send_getattr(&conn);
	done = reap(&conn, BOUND_MS);
	assert_ptr_equal(done, second);
	assert_int_equal(vfs_request_error(done), 0);
	vfs_request_put(done);
	done = reap(&conn, BOUND_MS);
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
	command("die");
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
	command("needs-reset");
	assert_int_equal(getattr(&conn), -EIO);
	disconnect(&conn);
	assert_next_works();
	assert_in_range(now_ms() - start, 0, BOUND_MS);
}

static void test_features_refused(void **state)
{
	long start = now_ms();

	(void)state;
	command("features-refused");
	assert_int_equal(connect_session(&conn), -EPROTO);
	disconnect(&conn);
	assert_next_works();
	assert_in_range(now_ms() - start, 0, BOUND_MS);
}

/* The next client finds another one: nothing of it is remembered here. */
static void test_configuration_changes(void **state)
{
	char tag[sizeof(vfs_device_info(NULL)->tag)];

	(void)state;
	command("config-churn");
	assert_int_equal(connect_session(&conn), 0);
	memcpy(tag, vfs_device_info(conn.device)->tag, sizeof(tag));
	assert_int_equal(getattr(&conn), 0);
	disconnect(&conn);
	command("config-churn");
	assert_int_equal(connect_session(&conn), 0);
	assert_string_not_equal(vfs_device_info(conn.device)->tag, tag);
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
		command(lines[i]);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAULT_TEST(test_commands_are_checked),
		FAULT_TEST(test_reply_to_another_request),
		FAULT_TEST(test_header_says_another_length),
		FAULT_TEST(test_positive_error),
		FAULT_TEST(test_used_length_0),
		FAULT_TEST(test_used_length_0_with_its_quirk),
		FAULT_TEST(test_used_length_beyond_buffers),
		FAULT_TEST(test_used_id_out_of_range),
		FAULT_TEST(test_used_id_not_in_flight),
		FAULT_TEST(test_used_id_twice),
		FAULT_TEST(test_used_index_jumps),
		FAULT_TEST(test_never_answered),
		FAULT_TEST(test_late_answer),
		FAULT_TEST(test_answer_after_time_out),
		FAULT_TEST(test_answers_out_of_order),
		FAULT_TEST(test_death_in_mid_request),
		FAULT_TEST(test_device_needs_reset),
		FAULT_TEST(test_features_refused),
		FAULT_TEST(test_configuration_changes),
		FAULT_TEST(test_init_is_struck_too),
	};

	return cmocka_run_group_tests_name("vhost-user", tests, start_vhost_user, stop_process) +
	       cmocka_run_group_tests_name("vfio-user", tests, start_vfio_user, stop_process);
}
