/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "device/memory.h"

#define SIZE 0x10000u

struct fixture {
	struct memory *memory;
	int fd;
};

static int set_up(void **state)
{
	static struct fixture x;

	x.memory = memory_create();
	x.fd = memfd_create("test", MFD_CLOEXEC);
	*state = &x;
	return x.memory && x.fd >= 0 && ftruncate(x.fd, SIZE) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *x = *state;

	memory_destroy(x->memory);
	close(x->fd);
	return 0;
}

static void add(struct fixture *x, uint64_t bus, uint64_t size, int fd)
{
	struct memory_region region = {
		.bus = bus, .size = size, .access = fd < 0 ? 0 : ACCESS_READ | ACCESS_WRITE};

	assert_int_equal(memory_add(x->memory, &region, fd), 0);
}

static bool can_reach(struct fixture *x, uint64_t bus)
{
	struct view view = {.memory = x->memory};
	char byte;
	int r;

	view_begin(&view);
	r = view_read(&view, bus, &byte, 1);
	view_end(&view);
	return r == 0;
}

static void memory_without_a_descriptor_is_known_and_not_reached(void **state)
{
	struct fixture *x = *state;

	add(x, 0x1000, 0x1000, -1);
	assert_false(can_reach(x, 0x1000));
	assert_true(memory_overlaps(x->memory, 0x1fff, 0x1000));
	assert_int_equal(memory_remove(x->memory, 0x1000, 0x1000), 0);
	assert_false(memory_overlaps(x->memory, 0x1000, 0x1000));
}

static void ranges_overlap_at_their_edges(void **state)
{
	struct fixture *x = *state;

	add(x, 0x4000, 0x1000, x->fd);
	assert_false(memory_overlaps(x->memory, 0x3000, 0x1000));
	assert_true(memory_overlaps(x->memory, 0x3000, 0x1001));
	assert_true(memory_overlaps(x->memory, 0x4fff, 1));
	assert_false(memory_overlaps(x->memory, 0x5000, UINT64_MAX - 0x5000));
	assert_true(memory_overlaps(x->memory, 0, UINT64_MAX));
}

static void a_range_takes_what_lies_in_it(void **state)
{
	struct fixture *x = *state;

	add(x, 0x1000, 0x1000, x->fd);
	add(x, 0x2000, 0x1000, x->fd);
	add(x, 0x8000, 0x2000, x->fd);
	assert_int_equal(memory_remove(x->memory, 0x1000, 0x2000), -ENOENT);
	assert_int_equal(memory_remove_inside(x->memory, 0, 0x3000), 0);
	assert_false(can_reach(x, 0x1000));
	assert_false(can_reach(x, 0x2000));
	assert_int_equal(memory_remove_inside(x->memory, 0x8000, 0x1000), -EINVAL);
	assert_true(can_reach(x, 0x9fff));
	assert_int_equal(memory_remove_inside(x->memory, 0, UINT64_MAX), 0);
	assert_false(can_reach(x, 0x9fff));
}

#define PAGES  64u
#define PAGE   0x1000u
#define ROUNDS 20000u

/* Which region each page is of, by where that starts and ends; 0: none. */
static struct {
	uint64_t bus, size;
} wanted[PAGES];

static bool is_free(unsigned int first, unsigned int count)
{
	unsigned int i;

	for (i = first; i < first + count; i++)
		if (wanted[i].size)
			return false;
	return true;
}

static void set_wanted(unsigned int first, unsigned int count, uint64_t bus, uint64_t size)
{
	unsigned int i;

	for (i = first; i < first + count; i++) {
		wanted[i].bus = bus;
		wanted[i].size = size;
	}
}

static void one_round(struct fixture *x, unsigned int first, unsigned int count)
{
	uint64_t bus = (first + 1) * (uint64_t)PAGE, size = count * (uint64_t)PAGE;
	struct memory_region region = {
		.bus = bus, .size = size, .access = ACCESS_READ | ACCESS_WRITE};
	bool whole = wanted[first].bus == bus && wanted[first].size == size;

	assert_int_equal(memory_overlaps(x->memory, bus, size), !is_free(first, count));
	if (rand() % 2) {
		assert_int_equal(
			memory_add(x->memory, &region, x->fd), is_free(first, count) ? 0 : -EEXIST);
		if (is_free(first, count))
			set_wanted(first, count, bus, size);
	} else {
		assert_int_equal(memory_remove(x->memory, bus, size), whole ? 0 : -ENOENT);
		if (whole)
			set_wanted(first, count, 0, 0);
	}
}

static void a_table_of_many_is_right(void **state)
{
	struct fixture *x = *state;
	unsigned int round, i;

	srand(1);
	for (round = 0; round < ROUNDS; round++) {
		unsigned int first = (unsigned int)rand() % PAGES;
		unsigned int most = PAGES - first < 4 ? PAGES - first : 4;

		one_round(x, first, 1 + (unsigned int)rand() % most);
		for (i = 0; i < PAGES; i++)
			assert_int_equal(
				can_reach(x, (i + 1) * (uint64_t)PAGE + 5), wanted[i].size != 0);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(memory_without_a_descriptor_is_known_and_not_reached),
		TEST(ranges_overlap_at_their_edges),
		TEST(a_range_takes_what_lies_in_it),
		TEST(a_table_of_many_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
