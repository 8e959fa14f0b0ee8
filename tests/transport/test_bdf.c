/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "transport/sysfs.h"

static void accepts(const char *text, const char *expected)
{
	char bdf[VFS_BDF_SIZE];

	assert_true(vfs_bdf_parse(text, bdf));
	assert_string_equal(bdf, expected);
}

static void refuses(const char *text)
{
	char bdf[VFS_BDF_SIZE];

	if (vfs_bdf_parse(text, bdf))
		fail_msg("'%s' was taken for the address %s", text, bdf);
}

static void test_long_form(void **state)
{
	(void)state;
	accepts("0000:00:05.0", "0000:00:05.0");
	accepts("ffff:ff:1f.7", "ffff:ff:1f.7");
	accepts("0001:5E:00.1", "0001:5e:00.1");
}

/* Host bridges of Intel's volume management device are domains from 10000 on. */
static void test_domains_may_be_wider_than_16_bits(void **state)
{
	(void)state;
	accepts("10000:00:05.0", "10000:00:05.0");
	accepts("ffffff:ff:1f.7", "ffffff:ff:1f.7");
}

static void test_short_form_is_of_domain_0(void **state)
{
	(void)state;
	accepts("00:05.0", "0000:00:05.0");
	accepts("ff:1f.7", "0000:ff:1f.7");
}

static void test_zeros_in_front_may_be_left_out(void **state)
{
	(void)state;
	accepts("0:5.0", "0000:00:05.0");
	accepts("0:0:5.0", "0000:00:05.0");
}

static void test_device_and_function_have_limits(void **state)
{
	(void)state;
	refuses("00:20.0");
	refuses("00:ff.0");
	refuses("00:05.8");
	refuses("0000:00:05.f");
}

static void test_what_else_could_be_a_tag_is_not_an_address(void **state)
{
	(void)state;
	refuses("");
	refuses("myfs");
	refuses("00:05");
	refuses("00.5");
	refuses("00:05.");
	refuses(":05.0");
	refuses("00:05.0 ");
	refuses(" 00:05.0");
	refuses("+0:05.0");
	refuses("0x0:05.0");
	refuses("-1:05.0");
	refuses("00:05.00");
	refuses("00:05.0.0");
	refuses("100:05.0");
	refuses("00:005.0");
	refuses("0000:00:05.0/..");
	refuses("0000000:00:05.0");
	refuses("0000:0000:00:05.0");
	refuses("abcdef");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_form),
		cmocka_unit_test(test_domains_may_be_wider_than_16_bits),
		cmocka_unit_test(test_short_form_is_of_domain_0),
		cmocka_unit_test(test_zeros_in_front_may_be_left_out),
		cmocka_unit_test(test_device_and_function_have_limits),
		cmocka_unit_test(test_what_else_could_be_a_tag_is_not_an_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
