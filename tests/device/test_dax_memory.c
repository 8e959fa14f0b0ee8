/* SPDX-License-Identifier: MIT */
/* A window that shows copies: what the driver writes there goes into the file, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dax_memory.h"

#define PAGE   4096u
#define RANGE  (64u * PAGE)
#define WINDOW (4u * RANGE)

struct fixture {
	struct dax *dax;
	struct dax_memory memory;
	int fd;
};

static int set_up(void **state)
{
	static struct fixture x;

	x.dax = dax_create(WINDOW);
	x.fd = memfd_create("file", MFD_CLOEXEC);
	if (!x.dax || x.fd < 0 || dax_memory_create(&x.memory, WINDOW) < 0)
		return -1;
	dax_memory_attach(&x.memory, x.dax);
	*state = &x;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *x = *state;

	dax_destroy(x->dax);
	dax_memory_destroy(&x->memory);
	close(x->fd);
	return 0;
}

static void put(struct fixture *x, uint64_t offset, const char *text)
{
	assert_int_equal(pwrite(x->fd, text, strlen(text), (off_t)offset), strlen(text));
}

static void file_has(struct fixture *x, uint64_t offset, const char *text)
{
	char found[64] = {0};

	assert_int_equal(pread(x->fd, found, strlen(text), (off_t)offset), strlen(text));
	assert_string_equal(found, text);
}

static uint64_t file_size(struct fixture *x)
{
	struct stat stat;

	assert_int_equal(fstat(x->fd, &stat), 0);
	return (uint64_t)stat.st_size;
}

static void show(struct fixture *x, uint64_t window, uint64_t file, bool writable)
{
	const struct dax_mapping mapping = {
		.window_offset = window, .file_offset = file, .size = RANGE, .writable = writable};

	assert_int_equal(dax_map(x->dax, x->fd, &mapping), 0);
}

static void a_mapping_shows_the_file_and_zeroes_behind_it(void **state)
{
	struct fixture *x = *state;
	char zeroes[PAGE] = {0};

	put(x, RANGE + 5, "text");
	show(x, RANGE, RANGE, false);
	assert_memory_equal(x->memory.host + RANGE, zeroes, 5);
	assert_memory_equal(x->memory.host + RANGE + 5, "text", 4);
	assert_memory_equal(x->memory.host + RANGE + 9, zeroes, PAGE - 9);
	assert_int_equal(dax_unmap(x->dax, RANGE, RANGE), 0);
	assert_memory_equal(x->memory.host + RANGE, zeroes, PAGE);
}

static void only_what_the_driver_wrote_is_collected(void **state)
{
	struct fixture *x = *state;

	put(x, 0, "aaaaaaaaaa");
	put(x, 3 * PAGE, "end");
	show(x, 0, 0, true);
	memcpy(x->memory.host + 2, "XY", 2);
	/* Somebody else writes between the two bytes and beside them. */
	put(x, 0, "bb");
	put(x, 5, "c");
	assert_int_equal(dax_collect(x->dax, x->fd), 0);
	file_has(x, 0, "bbXYacaaaa");
	assert_int_equal(file_size(x), 3 * PAGE + 3);
}

static void unmapping_collects(void **state)
{
	struct fixture *x = *state;

	put(x, 2 * PAGE, "....");
	show(x, 0, 0, true);
	memcpy(x->memory.host + PAGE, "first", 5);
	memcpy(x->memory.host + 2 * PAGE, "last", 4);
	/* Another takes the place of its beginning: the rest is shown on. */
	assert_int_equal(dax_unmap(x->dax, 0, PAGE), 0);
	file_has(x, PAGE, "first");
	file_has(x, 2 * PAGE, "last");
	memcpy(x->memory.host + 2 * PAGE, "LAST", 4);
	assert_int_equal(dax_unmap_all(x->dax), 0);
	file_has(x, 2 * PAGE, "LAST");
}

static void what_is_read_only_is_not_collected(void **state)
{
	struct fixture *x = *state;

	put(x, 0, "text");
	show(x, 0, 0, false);
	memcpy(x->memory.host, "TEXT", 4);
	assert_int_equal(dax_collect(x->dax, x->fd), 0);
	assert_int_equal(dax_unmap_all(x->dax), 0);
	file_has(x, 0, "text");
}

static void nothing_is_collected_past_the_end_of_the_file(void **state)
{
	struct fixture *x = *state;

	put(x, 0, "text");
	show(x, 0, 0, true);
	memcpy(x->memory.host, "TEXTbeyond", 10);
	assert_int_equal(dax_collect(x->dax, x->fd), 0);
	assert_int_equal(file_size(x), 4);
	file_has(x, 0, "TEXT");
	/* The file grows: what was beyond its end never was in it. */
	assert_int_equal(ftruncate(x->fd, 100), 0);
	assert_int_equal(dax_refresh(x->dax, x->fd, 4, 100, true), 0);
	assert_int_equal(dax_collect(x->dax, x->fd), 0);
	assert_memory_equal(x->memory.host, "TEXT\0\0\0\0\0\0", 10);
	file_has(x, 0, "TEXT");
	assert_int_equal(file_size(x), 100);
}

static void a_shorter_file_shows_zeroes(void **state)
{
	struct fixture *x = *state;
	char zeroes[PAGE] = {0};

	put(x, 0, "0123456789");
	put(x, RANGE + PAGE, "far");
	show(x, RANGE, 0, true);
	show(x, 2 * RANGE, RANGE, true);
	assert_int_equal(ftruncate(x->fd, 3), 0);
	assert_int_equal(dax_refresh(x->dax, x->fd, 3, UINT64_MAX, true), 0);
	assert_memory_equal(x->memory.host + RANGE, "012\0\0\0", 6);
	assert_memory_equal(x->memory.host + 2 * RANGE + PAGE, zeroes, PAGE);
	assert_int_equal(dax_unmap_all(x->dax), 0);
	assert_int_equal(file_size(x), 3);
}

static void a_refresh_keeps_what_was_not_changed_in_the_file(void **state)
{
	struct fixture *x = *state;

	put(x, 0, "0123456789");
	show(x, 0, 0, true);
	memcpy(x->memory.host + 8, "AB", 2);
	put(x, 0, "xy");
	assert_int_equal(dax_refresh(x->dax, x->fd, 0, UINT64_MAX, false), 0);
	assert_memory_equal(x->memory.host, "xy234567AB", 10);
	assert_int_equal(dax_collect(x->dax, x->fd), 0);
	file_has(x, 0, "xy234567AB");
}

static void one_file_is_not_another(void **state)
{
	struct fixture *x = *state;
	int other = memfd_create("other", MFD_CLOEXEC);

	assert_true(other >= 0);
	put(x, 0, "text");
	show(x, 0, 0, true);
	memcpy(x->memory.host, "TEXT", 4);
	assert_int_equal(dax_collect(x->dax, other), 0);
	file_has(x, 0, "text");
	assert_int_equal(dax_collect(x->dax, -1), 0);
	file_has(x, 0, "TEXT");
	close(other);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_mapping_shows_the_file_and_zeroes_behind_it),
		TEST(only_what_the_driver_wrote_is_collected),
		TEST(unmapping_collects),
		TEST(what_is_read_only_is_not_collected),
		TEST(nothing_is_collected_past_the_end_of_the_file),
		TEST(a_shorter_file_shows_zeroes),
		TEST(a_refresh_keeps_what_was_not_changed_in_the_file),
		TEST(one_file_is_not_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
