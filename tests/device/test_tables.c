/* SPDX-License-Identifier: MIT */
/* The tables in which our device remembers ranges, against arrays that have every page. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "dax.h"
#include "iotlb.h"

#define PAGES  64u
#define PAGE   4096u
#define ROUNDS 20000u

/* 0: nothing is there. */
static uint64_t wanted[PAGES], seen[PAGES];

static unsigned int below(unsigned int n)
{
	return (unsigned int)rand() % n;
}

static void random_range(unsigned int *first, unsigned int *count)
{
	*first = below(PAGES);
	*count = 1 + below(PAGES - *first < 8 ? PAGES - *first : 8);
}

static int see_map(void *opaque, int fd, const struct dax_mapping *mapping)
{
	uint64_t i;

	(void)opaque;
	assert_true(fd >= 0);
	for (i = 0; i < mapping->size / PAGE; i++) {
		assert_int_equal(seen[mapping->window_offset / PAGE + i], 0);
		seen[mapping->window_offset / PAGE + i] = mapping->file_offset + i * PAGE;
	}
	return 0;
}

/* Whole mappings only: what was shown by one request is taken away by one. */
static int see_unmap(void *opaque, uint64_t offset, uint64_t size)
{
	uint64_t i;

	(void)opaque;
	for (i = 0; i < size / PAGE; i++) {
		assert_int_not_equal(seen[offset / PAGE + i], 0);
		seen[offset / PAGE + i] = 0;
	}
	return 0;
}

static void test_window_shows_what_was_mapped_last(void **state)
{
	const struct dax_view view = {.map = see_map, .unmap = see_unmap};
	struct dax *dax = dax_create(PAGES * PAGE);
	int fd = memfd_create("file", MFD_CLOEXEC);
	unsigned int round, i, first, count;

	(void)state;
	assert_non_null(dax);
	dax_attach(dax, &view);
	for (round = 0; round < ROUNDS; round++) {
		uint64_t file = (1 + below(1000)) * (uint64_t)PAGE;
		struct dax_mapping mapping;
		bool map = below(3);

		random_range(&first, &count);
		mapping = (struct dax_mapping){.window_offset = (uint64_t)first * PAGE,
			.file_offset = file,
			.size = (uint64_t)count * PAGE};
		if (map)
			assert_int_equal(dax_map(dax, fd, &mapping), 0);
		else
			assert_int_equal(dax_unmap(dax, mapping.window_offset, mapping.size), 0);
		for (i = 0; i < count; i++)
			wanted[first + i] = map ? file + i * (uint64_t)PAGE : 0;
		assert_memory_equal(wanted, seen, sizeof(wanted));
	}
	assert_int_equal(dax_unmap_all(dax), 0);
	memset(wanted, 0, sizeof(wanted));
	assert_memory_equal(wanted, seen, sizeof(wanted));
	dax_destroy(dax);
	close(fd);
}

static void test_window_has_borders(void **state)
{
	static const struct dax_mapping bad[] = {
		{.window_offset = 0, .size = 0},
		{.window_offset = 1, .size = PAGE},
		{.window_offset = 0, .size = PAGE + 1},
		{.window_offset = 0, .size = PAGE, .file_offset = 1},
		{.window_offset = PAGES * PAGE, .size = PAGE},
		{.window_offset = 0, .size = (PAGES + 1) * PAGE},
		{.window_offset = PAGE, .size = UINT64_MAX - PAGE + 1},
	};
	struct dax *dax = dax_create(PAGES * PAGE);
	const struct dax_mapping good = {.size = PAGE};
	size_t i;

	(void)state;
	assert_non_null(dax);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(dax_map(dax, 0, &bad[i]), -EINVAL);
	assert_int_equal(dax_map(dax, 0, &good), -ENXIO);
	dax_destroy(dax);
}

/* An invalidation may take more than its range, never less. */
static void test_translations(void **state)
{
	static uint64_t user[PAGES];
	struct iotlb tlb = {0};
	unsigned int round, i, first, count;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		bool add = below(2);
		uint64_t to = (1 + below(1000)) * (uint64_t)PAGE;

		random_range(&first, &count);
		if (add)
			assert_int_equal(
				iotlb_add(&tlb, (uint64_t)first * PAGE, to, (uint64_t)count * PAGE,
					ACCESS_READ | ACCESS_WRITE),
				0);
		else
			iotlb_remove(&tlb, (uint64_t)first * PAGE, (uint64_t)count * PAGE);
		for (i = 0; i < count; i++)
			user[first + i] = add ? to + i * (uint64_t)PAGE : 0;
		for (i = 0; i < PAGES; i++) {
			uint64_t bus = i * (uint64_t)PAGE + 5;
			const struct iotlb_entry *entry = iotlb_find(&tlb, bus, ACCESS_READ);

			if (entry)
				assert_int_equal(entry->user + (bus - entry->bus), user[i] + 5);
			else if (i >= first && i < first + count)
				assert_false(add);
		}
	}
	iotlb_clear(&tlb);
}

static void test_translations_at_the_ends(void **state)
{
	struct iotlb tlb = {0};

	(void)state;
	assert_int_equal(iotlb_add(&tlb, 0, 0, 0, ACCESS_READ), -EINVAL);
	assert_int_equal(iotlb_add(&tlb, UINT64_MAX, 0, 2, ACCESS_READ), -EINVAL);
	assert_int_equal(iotlb_add(&tlb, 0, UINT64_MAX, 2, ACCESS_READ), -EINVAL);
	/* All there is but for its last byte, as a device gets that is not translated. */
	assert_int_equal(iotlb_add(&tlb, 0, 0, UINT64_MAX, ACCESS_READ), 0);
	assert_non_null(iotlb_find(&tlb, 0, ACCESS_READ));
	assert_non_null(iotlb_find(&tlb, UINT64_MAX - 1, ACCESS_READ));
	assert_null(iotlb_find(&tlb, UINT64_MAX, ACCESS_READ));
	assert_null(iotlb_find(&tlb, 0, ACCESS_WRITE));
	iotlb_remove(&tlb, 0, UINT64_MAX);
	assert_null(iotlb_find(&tlb, 0, ACCESS_READ));
	iotlb_clear(&tlb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window_shows_what_was_mapped_last),
		cmocka_unit_test(test_window_has_borders),
		cmocka_unit_test(test_translations),
		cmocka_unit_test(test_translations_at_the_ends),
	};

	srand(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
