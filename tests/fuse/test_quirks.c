/* SPDX-License-Identifier: MIT */
/* The names of quirks. What each is good for is in test_reply.c and test_init.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "dma/said.h"
#include "fuse/quirks.h"

static void every_quirk_has_a_bit_of_its_own(void **state)
{
	unsigned int seen = 0;
	unsigned int i;

	(void)state;
	for (i = 0; vfs_quirk_name(i); i++) {
		unsigned int bit = 0;

		assert_int_equal(vfs_quirk_parse(vfs_quirk_name(i), &bit), 0);
		assert_true(is_power_of_2(bit));
		assert_false(seen & bit);
		assert_non_null(vfs_quirk_describe(i));
		seen |= bit;
	}
	assert_int_equal(i, 3);
	assert_int_equal(seen, vfs_quirks_known());
	assert_null(vfs_quirk_describe(i));
}

static void a_list_has_commas_or_colons(void **state)
{
	unsigned int quirks = 99;

	(void)state;
	assert_int_equal(vfs_quirk_parse("", &quirks), 0);
	assert_int_equal(quirks, 0);
	assert_int_equal(vfs_quirk_parse("used-len-zero,max-write-zero", &quirks), 0);
	assert_int_equal(quirks, VFS_QUIRK_USED_LEN_ZERO | VFS_QUIRK_MAX_WRITE_ZERO);
	assert_int_equal(vfs_quirk_parse("lock-wait:used-len-zero", &quirks), 0);
	assert_int_equal(quirks, VFS_QUIRK_USED_LEN_ZERO | VFS_QUIRK_LOCK_WAIT);
}

static void a_name_that_is_not_known_is_refused(void **state)
{
	static const char *const wrong[] = {"used-len", "used-len-zero2", "USED-LEN-ZERO", ",",
		"lock-wait,,lock-wait", "lock-wait, used-len-zero"};
	unsigned int quirks = 99;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(vfs_quirk_parse(wrong[i], &quirks), -EINVAL);
		assert_error_says("there are used-len-zero, max-write-zero, lock-wait");
		assert_int_equal(quirks, 99);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_quirk_has_a_bit_of_its_own),
		cmocka_unit_test(a_list_has_commas_or_colons),
		cmocka_unit_test(a_name_that_is_not_known_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
