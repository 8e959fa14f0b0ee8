/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "figures.h"

static char text[128];

static void the_least_and_the_middle_one_are_told(void **state)
{
	struct figures figures = {0};

	(void)state;
	figures_add(&figures, 90000);
	figures_add(&figures, 1500);
	figures_add(&figures, 2000);
	assert_string_equal(figures_text(&figures, text, sizeof(text)),
		"1.5 us at least, 2.0 us in the middle, of 3");
}

static void no_figure_is_no_time(void **state)
{
	struct figures figures = {0};

	(void)state;
	assert_string_equal(figures_text(&figures, text, sizeof(text)), "not measured");
}

static void more_than_there_is_room_for_are_not_counted(void **state)
{
	struct figures figures = {0};
	unsigned int i;

	(void)state;
	for (i = 0; i < FIGURES_MAX + 10; i++)
		figures_add(&figures, i < FIGURES_MAX ? 7000 : 1);
	assert_int_equal(figures.count, FIGURES_MAX);
	assert_string_equal(figures_text(&figures, text, sizeof(text)),
		"7.0 us at least, 7.0 us in the middle, of 64");
}

static void kinds_of_memory_have_names(void **state)
{
	(void)state;
	assert_non_null(strstr(figures_memory(VFS_MEMORY_CACHED, 97, text, sizeof(text)), "97 %"));
	assert_ptr_equal(
		strstr(figures_memory(VFS_MEMORY_UNCACHED, 1, text, sizeof(text)), "not cached"),
		text);
	assert_string_equal(
		figures_memory(VFS_MEMORY_UNKNOWN, 0, text, sizeof(text)), "not measured");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_and_the_middle_one_are_told),
		cmocka_unit_test(no_figure_is_no_time),
		cmocka_unit_test(more_than_there_is_room_for_are_not_counted),
		cmocka_unit_test(kinds_of_memory_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
