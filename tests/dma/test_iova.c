/* SPDX-License-Identifier: MIT */
/* Bus addresses of our own. VFS_TEST_SEED repeats a run of the random test. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/core.h"
#include "dma/dma.h"
#include "dma/said.h"
#include "dma/stub_iommu.h"

#define PAGE VFS_PAGE_SIZE

static struct stub_dma dma;
static struct vfs_address_space space;

static int set_up(void **state)
{
	(void)state;
	stub_dma_init(&dma);
	vfs_address_space_init(&space, &dma.transport, VFS_ADDRESSING_IOVA);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	vfs_address_space_fini(&space);
	return 0;
}

static void set_ranges(const struct vfs_iova_range *ranges, unsigned int count)
{
	memcpy(dma.transport.limits.ranges, ranges, count * sizeof(*ranges));
	dma.transport.limits.num_ranges = count;
}

static uint64_t alloc(uint64_t length, uint64_t alignment)
{
	uint64_t iova = 0;

	assert_int_equal(vfs_iova_alloc(&space, length, alignment, &iova), 0);
	assert_int_not_equal(iova, 0);
	assert_int_equal(iova % alignment, 0);
	return iova;
}

static void assert_full(uint64_t length, uint64_t alignment)
{
	uint64_t iova = 0x1234;

	assert_int_equal(vfs_iova_alloc(&space, length, alignment, &iova), -ENOSPC);
	assert_int_equal(iova, 0x1234);
	assert_error_says("stub 0000:00:05.0: no room for");
}

static void address_0_is_never_handed_out(void **state)
{
	static const struct vfs_iova_range range = {0, 4 * PAGE - 1};

	(void)state;
	set_ranges(&range, 1);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(alloc(PAGE, PAGE), (i + 1) * PAGE);
	assert_full(PAGE, PAGE);
}

static void address_0_is_never_handed_out_without_alignment_either(void **state)
{
	static const struct vfs_iova_range range = {0, 3};

	(void)state;
	set_ranges(&range, 1);
	assert_int_equal(alloc(1, 1), 1);
	assert_int_equal(alloc(2, 1), 2);
	assert_full(1, 1);
}

static void a_range_is_used_up_to_its_last_byte(void **state)
{
	static const struct vfs_iova_range range = {0x10000, 0x12fff};

	(void)state;
	set_ranges(&range, 1);
	assert_full(0x3001, 1);
	assert_int_equal(alloc(0x3000, PAGE), 0x10000);
	assert_full(1, 1);
	vfs_iova_free(&space, 0x10000);
	assert_int_equal(alloc(0x3000, PAGE), 0x10000);
}

/* The window of the MSIs, between two ranges, is in nobody's way and in nobody's hands. */
static void holes_between_ranges_are_left_alone(void **state)
{
	static const struct vfs_iova_range ranges[] = {
		{0xfedf0000, 0xfedfffff},
		{0xfef00000, 0xfef1ffff},
	};

	(void)state;
	set_ranges(ranges, 2);
	assert_int_equal(alloc(0x8000, PAGE), 0xfedf0000);
	assert_int_equal(alloc(0x10000, PAGE), 0xfef00000);
	assert_int_equal(alloc(0x8000, PAGE), 0xfedf8000);
	assert_int_equal(alloc(0x10000, PAGE), 0xfef10000);
	assert_full(PAGE, PAGE);
	assert_full(0x30000, PAGE);
	vfs_iova_free(&space, 0xfedf8000);
	vfs_iova_free(&space, 0xfef00000);
	/* Free on both sides of the hole, and enough only together. */
	assert_full(0x18000, PAGE);
	assert_int_equal(alloc(0x10000, PAGE), 0xfef00000);
}

static void alignment_is_kept_in_ranges_that_have_none(void **state)
{
	static const struct vfs_iova_range range = {0x1000, 0x5fffff};

	(void)state;
	set_ranges(&range, 1);
	assert_int_equal(alloc(PAGE, VFS_HUGE_PAGE_SIZE), 0x200000);
	assert_int_equal(alloc(PAGE, VFS_HUGE_PAGE_SIZE), 0x400000);
	assert_full(PAGE, VFS_HUGE_PAGE_SIZE);
	/* What alignment left over is there for others. */
	assert_int_equal(alloc(0x1ff000, PAGE), 0x1000);
	assert_int_equal(alloc(PAGE, PAGE), 0x201000);
}

static void what_was_freed_is_used_again(void **state)
{
	static const struct vfs_iova_range range = {0x10000, 0x13fff};
	uint64_t iova[4];

	(void)state;
	set_ranges(&range, 1);
	for (unsigned int i = 0; i < 4; i++)
		iova[i] = alloc(PAGE, PAGE);
	assert_full(PAGE, PAGE);
	vfs_iova_free(&space, iova[1]);
	vfs_iova_free(&space, 0xdead000); /* nobody's */
	assert_full((uint64_t)2 * PAGE, PAGE);
	vfs_iova_free(&space, iova[2]);
	assert_int_equal(alloc((uint64_t)2 * PAGE, PAGE), iova[1]);
	assert_full(PAGE, PAGE);
	assert_int_equal(space.num_used, 3);
}

static void senseless_requests_are_refused(void **state)
{
	uint64_t iova;

	(void)state;
	assert_int_equal(vfs_iova_alloc(&space, 0, PAGE, &iova), -EINVAL);
	assert_int_equal(vfs_iova_alloc(&space, PAGE, 0, &iova), -EINVAL);
	assert_int_equal(vfs_iova_alloc(&space, PAGE, 3 * PAGE, &iova), -EINVAL);
}

static void no_range_is_no_room(void **state)
{
	(void)state;
	dma.transport.limits.num_ranges = 0;
	assert_full(PAGE, PAGE);
}

static void the_last_page_of_64_bits_is_handed_out_once(void **state)
{
	static const struct vfs_iova_range range = {UINT64_MAX - 2 * PAGE + 1, UINT64_MAX};

	(void)state;
	set_ranges(&range, 1);
	assert_int_equal(alloc(PAGE, PAGE), UINT64_MAX - 2 * PAGE + 1);
	assert_int_equal(alloc(PAGE, PAGE), UINT64_MAX - PAGE + 1);
	assert_full(PAGE, PAGE);
	assert_full(1, 1);
	vfs_iova_free(&space, UINT64_MAX - 2 * PAGE + 1);
	assert_int_equal(alloc(PAGE, PAGE), UINT64_MAX - 2 * PAGE + 1);
	assert_full(PAGE, PAGE);
}

static void lengths_and_alignments_do_not_wrap_at_64_bits(void **state)
{
	static const struct vfs_iova_range top = {UINT64_MAX - PAGE + 1, UINT64_MAX};
	static const struct vfs_iova_range all = {0, UINT64_MAX};

	(void)state;
	set_ranges(&top, 1);
	assert_full(PAGE + 1, 1);
	assert_full(UINT64_MAX, 1);
	assert_full(PAGE, 2 * PAGE);
	assert_full(1, 1ull << 63);
	set_ranges(&all, 1);
	assert_full(UINT64_MAX, PAGE);
	assert_int_equal(alloc(PAGE, 1ull << 63), 1ull << 63);
	assert_full(PAGE, 1ull << 63);
	assert_full(1ull << 63, PAGE);
	assert_int_equal(alloc((1ull << 63) - PAGE, PAGE), PAGE);
	assert_int_equal(alloc((1ull << 63) - PAGE, PAGE), (1ull << 63) + PAGE);
	assert_full(PAGE, PAGE);
}

/* ---- against a model: one bit for each page ---- */

#define MODEL_PAGES  512
#define MODEL_STEPS  50000
#define MODEL_ALLOCS 128

struct model {
	uint64_t base; /* of page 0 */
	bool usable[MODEL_PAGES];
	bool used[MODEL_PAGES];
	struct {
		unsigned int page;
		unsigned int pages;
	} allocs[MODEL_ALLOCS];
	unsigned int count;
	uint64_t random;
};

static unsigned int below(struct model *m, unsigned int limit)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return (unsigned int)(m->random >> 16) % limit;
}

static bool fits(const struct model *m, unsigned int page, unsigned int pages)
{
	if (m->base == 0 && page == 0)
		return false;
	for (unsigned int i = page; i < page + pages; i++)
		if (i >= MODEL_PAGES || !m->usable[i] || m->used[i])
			return false;
	return true;
}

/* The lowest place, as a first fit would have it; MODEL_PAGES if there is none. */
static unsigned int lowest(const struct model *m, unsigned int pages, unsigned int alignment)
{
	for (unsigned int page = 0; page < MODEL_PAGES; page++)
		if ((m->base / PAGE + page) % alignment == 0 && fits(m, page, pages))
			return page;
	return MODEL_PAGES;
}

static void model_alloc(struct model *m)
{
	unsigned int pages = 1 + below(m, below(m, 8) ? 12 : 200);
	unsigned int alignment = 1u << below(m, 6);
	unsigned int expected = lowest(m, pages, alignment);
	uint64_t iova = 0;
	int r = vfs_iova_alloc(&space, (uint64_t)pages * PAGE, (uint64_t)alignment * PAGE, &iova);

	if (expected == MODEL_PAGES) {
		assert_int_equal(r, -ENOSPC);
		return;
	}
	assert_int_equal(r, 0);
	assert_int_equal(iova, m->base + (uint64_t)expected * PAGE);
	memset(m->used + expected, true, pages);
	m->allocs[m->count].page = expected;
	m->allocs[m->count++].pages = pages;
}

static void model_free(struct model *m)
{
	unsigned int at = below(m, m->count);
	unsigned int page = m->allocs[at].page;

	vfs_iova_free(&space, m->base + (uint64_t)page * PAGE);
	memset(m->used + page, false, m->allocs[at].pages);
	m->allocs[at] = m->allocs[--m->count];
}

/* Ranges that divide the model's pages, with holes of at least a page between them. */
static void model_ranges(struct model *m)
{
	struct vfs_iova_range ranges[VFS_IOVA_RANGES_MAX];
	unsigned int count = 0;
	unsigned int page = 0;

	while (page < MODEL_PAGES && count < VFS_IOVA_RANGES_MAX) {
		unsigned int pages = 1 + below(m, 150);

		if (pages > MODEL_PAGES - page)
			pages = MODEL_PAGES - page;
		memset(m->usable + page, true, pages);
		ranges[count].start = m->base + (uint64_t)page * PAGE;
		ranges[count++].last = m->base + (uint64_t)(page + pages) * PAGE - 1;
		page += pages + 1 + below(m, 10);
	}
	set_ranges(ranges, count);
}

static void run_model(uint64_t base, uint64_t seed)
{
	struct model m = {.base = base, .random = seed * 0x9e3779b97f4a7c15ull | 1};

	set_up(NULL);
	model_ranges(&m);
	for (unsigned int i = 0; i < MODEL_STEPS; i++) {
		bool more = m.count == 0 || (m.count < MODEL_ALLOCS && below(&m, 2));

		if (more)
			model_alloc(&m);
		else
			model_free(&m);
	}
	assert_int_equal(space.num_used, m.count);
	tear_down(NULL);
}

static void random_allocations_are_those_of_a_model(void **state)
{
	const char *given = getenv("VFS_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);

	(void)state;
	print_message("VFS_TEST_SEED=%llu\n", (unsigned long long)seed);
	run_model(0, seed);
	run_model(0xfee00000, seed + 1);
	run_model(UINT64_MAX - (uint64_t)MODEL_PAGES * PAGE + 1, seed + 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(address_0_is_never_handed_out),
		TEST(address_0_is_never_handed_out_without_alignment_either),
		TEST(a_range_is_used_up_to_its_last_byte),
		TEST(holes_between_ranges_are_left_alone),
		TEST(alignment_is_kept_in_ranges_that_have_none),
		TEST(what_was_freed_is_used_again),
		TEST(senseless_requests_are_refused),
		TEST(no_range_is_no_room),
		TEST(the_last_page_of_64_bits_is_handed_out_once),
		TEST(lengths_and_alignments_do_not_wrap_at_64_bits),
		cmocka_unit_test(random_allocations_are_those_of_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
