/* SPDX-License-Identifier: MIT */
/*
 * What the library says to a PCI function whose capabilities, registers or configuration are not
 * as they should be: an error and the reason for it, soon; and that it can open the next device.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "fault_driver.h"

static void test_list_of_capabilities_does_not_end(void **state)
{
	(void)state;
	fault_in_connect("cap-loop", -EPROTO, "capability list does not end");
}

static void test_capability_ends_outside_configuration_space(void **state)
{
	(void)state;
	fault_in_connect("cap-outside", -EPROTO, "no common configuration structure");
}

static void test_capability_names_no_bar(void **state)
{
	(void)state;
	fault_in_connect("cap-bar", -EPROTO, "no common configuration structure");
	fault_in_connect("cap-bar value=255", -EPROTO, "no common configuration structure");
	/* The upper half of another one, and one that is not there. */
	fault_in_connect("cap-bar value=5", -EPROTO, "which is no memory BAR");
	fault_in_connect("cap-bar value=3", -EPROTO, "which is no memory BAR");
}

static void test_structure_is_outside_its_bar(void **state)
{
	(void)state;
	fault_in_connect(
		"cap-beyond-bar value=1", -EPROTO, "common configuration structure is outside");
	fault_in_connect("cap-beyond-bar value=2", -EPROTO, "notification structure is outside");
	fault_in_connect(
		"cap-beyond-bar value=4", -EPROTO, "device configuration structure is outside");
}

static void test_structure_is_missing(void **state)
{
	(void)state;
	fault_in_connect("cap-missing value=1", -EPROTO, "no common configuration structure");
	fault_in_connect("cap-missing value=2", -EPROTO, "no notification structure");
	fault_in_connect("cap-missing value=4", -EPROTO, "no device configuration structure");
}

static void test_capability_is_too_short(void **state)
{
	(void)state;
	fault_in_connect("cap-short value=1", -EPROTO, "no common configuration structure");
	fault_in_connect("cap-short value=2", -EPROTO, "no notification structure");
	fault_in_connect("cap-short value=4", -EPROTO, "no device configuration structure");
}

/* The first one counts (virtio 1.3, 4.1.4.1). */
static void test_second_capability_of_a_type(void **state)
{
	static const char *const lines[] = {
		"cap-twice value=1", "cap-twice value=2", "cap-twice value=4"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		command(lines[i]);
		assert_int_equal(connect_session(&conn), 0);
		assert_int_equal(getattr(&conn), 0);
		disconnect(&conn);
	}
	assert_next_works();
}

/* Interrupts and the window through configuration space are not needed. */
static void test_structures_that_can_be_missed(void **state)
{
	static const char *const lines[] = {"cap-missing value=3", "cap-missing value=5",
		"cap-missing value=8", "cap-short value=8"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		command(lines[i]);
		assert_int_equal(connect_session(&conn), 0);
		assert_int_equal(getattr(&conn), 0);
		disconnect(&conn);
	}
	assert_next_works();
}

/* All queues then have the same doorbell, and it is rung with the queue's number. */
static void test_one_doorbell_for_all_queues(void **state)
{
	(void)state;
	command("notify-multiplier value=0");
	assert_int_equal(connect_session(&conn), 0);
	assert_int_equal(getattr(&conn), 0);
	disconnect(&conn);
	assert_next_works();
}

static void test_doorbell_is_outside_its_structure(void **state)
{
	(void)state;
	fault_in_connect(
		"notify-multiplier value=4294967295", -EPROTO, "doorbell of queue 1 is outside");
	fault_in_connect("notify-multiplier value=3", -EPROTO, "doorbell of queue 1 is misaligned");
}

static void test_window_of_absurd_length(void **state)
{
	(void)state;
	fault_in_connect("shm-length", -EPROTO, "shared memory structure is outside");
}

static void test_configuration_never_stands_still(void **state)
{
	(void)state;
	fault_in_connect("config-churn times=4294967295", -EPROTO, "does not stand still");
}

/* While the tag is read: what is taken is what it was in the end. */
static void test_configuration_settles(void **state)
{
	(void)state;
	command("config-churn times=2");
	assert_int_equal(connect_session(&conn), 0);
	assert_string_equal(vfs_device_info(conn.device)->tag, "myfs");
	assert_int_equal(getattr(&conn), 0);
	disconnect(&conn);
	assert_next_works();
}

static void test_tag_of_nothing(void **state)
{
	(void)state;
	fault_in_connect("tag-bytes value=0 times=1000", -EPROTO, "tag is empty");
}

static void test_tag_of_control_characters(void **state)
{
	(void)state;
	fault_in_connect("tag-bytes value=10 times=1000", -EPROTO, "control character (0x0a)");
}

/* Which is not UTF-8 either, and has no NUL at its end: both are allowed, it is but a name. */
static void test_tag_of_full_length(void **state)
{
	char tag[37];

	(void)state;
	memset(tag, 0xff, 36);
	tag[36] = '\0';
	command("tag-bytes value=255 times=1000");
	assert_int_equal(connect_session(&conn), 0);
	assert_string_equal(vfs_device_info(conn.device)->tag, tag);
	disconnect(&conn);
	assert_next_works();
}

static void test_no_request_queue(void **state)
{
	(void)state;
	fault_in_connect("request-queues value=0 times=1000", -EPROTO, "no request queue");
}

static void test_more_request_queues_than_queues(void **state)
{
	(void)state;
	fault_in_connect("request-queues value=4294967295 times=1000", -EPROTO, "queues");
}

static void test_number_of_queues(void **state)
{
	(void)state;
	fault_in_connect("num-queues value=0 times=1000", -EPROTO, "queue");
	fault_in_connect(
		"num-queues value=65535 times=1000", -EPROTO, "more than a virtio-fs device can");
}

static void test_size_of_a_queue(void **state)
{
	(void)state;
	fault_in_connect("queue-size value=0 times=1000", -EPROTO, "queue");
	fault_in_connect("queue-size value=3 times=1000", -EPROTO, "size 3, which is not allowed");
	fault_in_connect(
		"queue-size value=65535 times=1000", -EPROTO, "size 65535, which is not allowed");
}

static void test_reset_does_not_end(void **state)
{
	(void)state;
	fault_in_connect("reset-stuck", -ETIMEDOUT, "did not finish its reset");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAULT_TEST(test_list_of_capabilities_does_not_end),
		FAULT_TEST(test_capability_ends_outside_configuration_space),
		FAULT_TEST(test_capability_names_no_bar),
		FAULT_TEST(test_structure_is_outside_its_bar),
		FAULT_TEST(test_structure_is_missing),
		FAULT_TEST(test_capability_is_too_short),
		FAULT_TEST(test_second_capability_of_a_type),
		FAULT_TEST(test_structures_that_can_be_missed),
		FAULT_TEST(test_one_doorbell_for_all_queues),
		FAULT_TEST(test_doorbell_is_outside_its_structure),
		FAULT_TEST(test_window_of_absurd_length),
		FAULT_TEST(test_configuration_never_stands_still),
		FAULT_TEST(test_configuration_settles),
		FAULT_TEST(test_tag_of_nothing),
		FAULT_TEST(test_tag_of_control_characters),
		FAULT_TEST(test_tag_of_full_length),
		FAULT_TEST(test_no_request_queue),
		FAULT_TEST(test_more_request_queues_than_queues),
		FAULT_TEST(test_number_of_queues),
		FAULT_TEST(test_size_of_a_queue),
		FAULT_TEST(test_reset_does_not_end),
	};

	return cmocka_run_group_tests(tests, start_vfio_user, stop_process);
}
