/* SPDX-License-Identifier: MIT */
/* Features by name and by number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <vfs/fuse.h>

#include "ops/feature.h"

static void a_feature_has_the_name_of_the_protocol(void **state)
{
	(void)state;
	assert_string_equal(vfs_feature_name(0), "async_read");
	assert_int_equal(vfs_feature_parse("writeback_cache"), FUSE_WRITEBACK_CACHE);
	assert_int_equal(vfs_feature_parse("explicit_inval_data"), FUSE_EXPLICIT_INVAL_DATA);
	assert_int_equal(vfs_feature_parse("init_ext"), FUSE_INIT_EXT);
	assert_int_equal(vfs_feature_parse("security_ctx"), FUSE_SECURITY_CTX);
	assert_int_equal(vfs_feature_parse("create_supp_group"), FUSE_CREATE_SUPP_GROUP);
	assert_int_equal(vfs_feature_parse("has_expire_only"), FUSE_HAS_EXPIRE_ONLY);
	assert_int_equal(vfs_feature_parse("request_timeout"), FUSE_REQUEST_TIMEOUT);
}

static void every_name_leads_back_to_its_number(void **state)
{
	unsigned int named = 0;

	(void)state;
	for (unsigned int bit = 0; bit < 64; bit++) {
		const char *name = vfs_feature_name(bit);

		if (!name)
			continue;
		named++;
		assert_int_equal(vfs_feature_parse(name), 1ull << bit);
	}
	/* All up to REQUEST_TIMEOUT but the reserved one. */
	assert_int_equal(named, 42);
	assert_null(vfs_feature_name(31));
	assert_null(vfs_feature_name(64));
}

static void case_does_not_count(void **state)
{
	(void)state;
	assert_int_equal(vfs_feature_parse("POSIX_ACL"), FUSE_POSIX_ACL);
	assert_int_equal(vfs_feature_parse("posix_acls"), 0);
	assert_int_equal(vfs_feature_parse(""), 0);
}

static void names_are_listed_as_far_as_they_fit(void **state)
{
	const uint64_t three = FUSE_ASYNC_READ | 1ull << 31 | FUSE_SECURITY_CTX;
	char text[64];

	(void)state;
	vfs_feature_names(0, text, sizeof(text));
	assert_string_equal(text, "");
	vfs_feature_names(three, text, sizeof(text));
	assert_string_equal(text, "async_read, one without a name, security_ctx");
	vfs_feature_names(UINT64_MAX, text, sizeof(text));
	assert_true(strlen(text) < sizeof(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_feature_has_the_name_of_the_protocol),
		cmocka_unit_test(every_name_leads_back_to_its_number),
		cmocka_unit_test(case_does_not_count),
		cmocka_unit_test(names_are_listed_as_far_as_they_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
