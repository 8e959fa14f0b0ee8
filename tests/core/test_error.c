/* SPDX-License-Identifier: MIT */
/* The message of the last failure. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"

static void *message_of_a_new_thread(void *ctx)
{
	bool *empty = ctx;

	*empty = vfs_last_error()[0] == '\0';
	vfs_error(-EIO, "of another thread");
	return NULL;
}

static void the_message_belongs_to_the_thread(void **state)
{
	pthread_t thread;
	bool empty = false;

	(void)state;
	vfs_error(-EIO, "of this thread");
	assert_int_equal(pthread_create(&thread, NULL, message_of_a_new_thread, &empty), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(empty);
	assert_string_equal(vfs_last_error(), "of this thread");
}

static void the_error_is_handed_through(void **state)
{
	(void)state;
	assert_int_equal(vfs_error(-ENOSPC, "%s %d", "text", 7), -ENOSPC);
	assert_string_equal(vfs_last_error(), "text 7");
	assert_int_equal(vfs_error(-EIO, "new"), -EIO);
	assert_string_equal(vfs_last_error(), "new");
}

static void the_old_message_may_be_part_of_the_new_one(void **state)
{
	(void)state;
	vfs_error(-EIO, "old");
	vfs_error(-EIO, "new, %s, and %s", vfs_last_error(), vfs_last_error());
	assert_string_equal(vfs_last_error(), "new, old, and old");
}

static void prefixes_stack(void **state)
{
	(void)state;
	vfs_error(-EIO, "inner");
	vfs_error_prefix("queue %d", 3);
	vfs_error_prefix("%s", "device");
	assert_string_equal(vfs_last_error(), "device: queue 3: inner");
}

static void long_messages_are_cut(void **state)
{
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(vfs_error(-EIO, "%s", text), -EIO);
	assert_int_equal(strlen(vfs_last_error()), 511);
	vfs_error_prefix("device");
	assert_int_equal(strlen(vfs_last_error()), 511);
	assert_memory_equal(vfs_last_error(), "device: xxx", 11);
	vfs_error_prefix("%s", text);
	assert_int_equal(strlen(vfs_last_error()), 511);
	assert_memory_equal(vfs_last_error(), text, 511);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_message_belongs_to_the_thread),
		cmocka_unit_test(the_error_is_handed_through),
		cmocka_unit_test(the_old_message_may_be_part_of_the_new_one),
		cmocka_unit_test(prefixes_stack),
		cmocka_unit_test(long_messages_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
