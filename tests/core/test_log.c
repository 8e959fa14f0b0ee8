/* SPDX-License-Identifier: MIT */
/* The callback that messages go to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"

struct record {
	unsigned int count;
	enum vfs_log_level level;
	char message[1024];
};

static void note(enum vfs_log_level level, const char *message, void *ctx)
{
	struct record *record = ctx;

	record->count++;
	record->level = level;
	snprintf(record->message, sizeof(record->message), "%s", message);
}

static int no_callback(void **state)
{
	(void)state;
	vfs_log_set(NULL, VFS_LOG_DEBUG, NULL);
	return 0;
}

static void without_a_callback_messages_are_dropped(void **state)
{
	(void)state;
	vfs_log(VFS_LOG_ERROR, "nobody hears %s", "this");
}

static void messages_reach_the_callback(void **state)
{
	struct record record = {0};

	(void)state;
	vfs_log_set(note, VFS_LOG_DEBUG, &record);
	vfs_log(VFS_LOG_WARNING, "%s %u", "queue", 4u);
	assert_int_equal(record.count, 1);
	assert_int_equal(record.level, VFS_LOG_WARNING);
	assert_string_equal(record.message, "queue 4");
}

static void messages_above_the_level_are_dropped(void **state)
{
	(void)state;
	for (int max = VFS_LOG_ERROR; max <= VFS_LOG_DEBUG; max++) {
		struct record record = {0};

		vfs_log_set(note, (enum vfs_log_level)max, &record);
		for (int level = VFS_LOG_ERROR; level <= VFS_LOG_DEBUG; level++)
			vfs_log((enum vfs_log_level)level, "message");
		assert_int_equal(record.count, max + 1);
		assert_int_equal(record.level, max);
	}
}

static void long_messages_are_cut(void **state)
{
	struct record record = {0};
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	vfs_log_set(note, VFS_LOG_INFO, &record);
	vfs_log(VFS_LOG_INFO, "%s", text);
	assert_int_equal(strlen(record.message), 511);
}

static void the_message_of_an_error_may_be_logged(void **state)
{
	struct record record = {0};

	(void)state;
	vfs_log_set(note, VFS_LOG_INFO, &record);
	vfs_error(-1, "100%% wrong");
	vfs_log(VFS_LOG_ERROR, "it failed: %s", vfs_last_error());
	assert_string_equal(record.message, "it failed: 100% wrong");
	assert_string_equal(vfs_last_error(), "100% wrong");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(without_a_callback_messages_are_dropped, no_callback),
		cmocka_unit_test_teardown(messages_reach_the_callback, no_callback),
		cmocka_unit_test_teardown(messages_above_the_level_are_dropped, no_callback),
		cmocka_unit_test_teardown(long_messages_are_cut, no_callback),
		cmocka_unit_test_teardown(the_message_of_an_error_may_be_logged, no_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
