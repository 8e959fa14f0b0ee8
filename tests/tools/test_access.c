/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "access.h"

#define OWNER	 1000
#define STRANGER 1001

static bool denied(uint32_t opcode, uint32_t uid)
{
	struct fuse_in_header header = {.opcode = opcode, .uid = uid};

	return access_denied(&header, OWNER);
}

static void test_owner_and_root_may_do_everything(void **state)
{
	(void)state;
	assert_false(denied(FUSE_LOOKUP, OWNER));
	assert_false(denied(FUSE_LOOKUP, 0));
	assert_false(denied(FUSE_UNLINK, OWNER));
}

static void test_others_may_not_reach_or_open_anything(void **state)
{
	(void)state;
	assert_true(denied(FUSE_LOOKUP, STRANGER));
	assert_true(denied(FUSE_GETATTR, STRANGER));
	assert_true(denied(FUSE_OPEN, STRANGER));
	assert_true(denied(FUSE_OPENDIR, STRANGER));
	assert_true(denied(FUSE_UNLINK, STRANGER));
	/* An opcode of the future. */
	assert_true(denied(99, STRANGER));
}

static void test_open_files_work_in_any_hands(void **state)
{
	(void)state;
	assert_false(denied(FUSE_READ, STRANGER));
	assert_false(denied(FUSE_WRITE, STRANGER));
	assert_false(denied(FUSE_RELEASE, STRANGER));
	assert_false(denied(FUSE_READDIRPLUS, STRANGER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owner_and_root_may_do_everything),
		cmocka_unit_test(test_others_may_not_reach_or_open_anything),
		cmocka_unit_test(test_open_files_work_in_any_hands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
