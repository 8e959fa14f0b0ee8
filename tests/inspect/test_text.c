/* SPDX-License-Identifier: MIT */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"

static void escapes(const char *bytes, size_t length, const char *expected)
{
	char *exact = malloc(length ? length : 1);
	char out[256];

	assert_non_null(exact);
	memcpy(exact, bytes, length);
	text_escape(exact, length, out, sizeof(out));
	free(exact);
	assert_string_equal(out, expected);
}

#define ESCAPES(bytes, expected) escapes((bytes), sizeof(bytes) - 1, (expected))

static void test_what_prints_stays(void **state)
{
	(void)state;
	ESCAPES("", "");
	ESCAPES("myfs", "myfs");
	ESCAPES("a b~!\"'", "a b~!\"'");
}

static void test_control_characters_do_not(void **state)
{
	(void)state;
	ESCAPES("a\nb\tc", "a\\x0ab\\x09c");
	ESCAPES("\x1b[31m", "\\x1b[31m");
	ESCAPES("\x7f", "\\x7f");
	ESCAPES("a\0b", "a\\x00b");
	/* What was a backslash cannot be taken for an escape. */
	ESCAPES("\\x0a", "\\x5cx0a");
}

static void test_utf8_stays_where_it_is_whole(void **state)
{
	(void)state;
	if (!setlocale(LC_ALL, "C.UTF-8"))
		skip();
	ESCAPES("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
	ESCAPES("\xc3", "\\xc3");
	ESCAPES("\xc3(", "\\xc3(");
	ESCAPES("a\xff", "a\\xff");
	/* U+009B is a control sequence introducer, U+202E turns a line round. */
	ESCAPES("\xc2\x9b", "\\xc2\\x9b");
	ESCAPES("\xe2\x80\xae", "\\xe2\\x80\\xae");
	assert_int_equal(text_width("gr\xc3\xbc\xc3\x9f"), 4);
	setlocale(LC_ALL, "C");
	ESCAPES("\xc3\xbc", "\\xc3\\xbc");
}

static void test_result_is_cut_between_characters(void **state)
{
	char out[8];

	(void)state;
	assert_string_equal(text_escape("abcdefghi", 9, out, sizeof(out)), "abcdefg");
	assert_string_equal(text_escape("abcd\n", 5, out, sizeof(out)), "abcd");
	assert_string_equal(text_escape("abc\n", 4, out, sizeof(out)), "abc\\x0a");
	assert_string_equal(text_escape("a", 1, out, 1), "");
}

static void size_is(uint64_t bytes, const char *expected)
{
	char out[TEXT_SIZE_MAX];

	assert_string_equal(text_size(bytes, out), expected);
}

static void test_sizes(void **state)
{
	(void)state;
	size_is(0, "0 bytes");
	size_is(20, "20 bytes");
	size_is(4096, "4 KiB");
	size_is(4097, "4097 bytes");
	size_is(8ULL << 30, "8 GiB");
	size_is(1ULL << 63, "8 EiB");
	size_is(UINT64_MAX, "18446744073709551615 bytes");
}

static void test_lists(void **state)
{
	char list[12] = "";

	(void)state;
	text_append(list, sizeof(list), ", ", "one");
	assert_string_equal(list, "one");
	text_append(list, sizeof(list), ", ", "two");
	assert_string_equal(list, "one, two");
	text_append(list, sizeof(list), ", ", "three");
	text_append(list, sizeof(list), ", ", "four");
	assert_string_equal(list, "one, two, t");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_prints_stays),
		cmocka_unit_test(test_control_characters_do_not),
		cmocka_unit_test(test_utf8_stays_where_it_is_whole),
		cmocka_unit_test(test_result_is_cut_between_characters),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
