/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/vfio.h>

#include "core/core.h"
#include "transport/vfio.h"

#define INFO_SIZE  ((uint32_t)sizeof(struct vfio_iommu_type1_info))
#define RANGE_SIZE ((uint32_t)sizeof(struct vfio_iova_range))

/* The kernel's answer, made piece by piece. */
struct answer {
	uint8_t bytes[4096];
	uint32_t size;
	uint32_t link; /* where the offset of the next capability goes */
};

static void put32(struct answer *answer, uint32_t offset, uint32_t value)
{
	memcpy(answer->bytes + offset, &value, sizeof(value));
}

static void put64(struct answer *answer, uint32_t offset, uint64_t value)
{
	memcpy(answer->bytes + offset, &value, sizeof(value));
}

static void init(struct answer *answer, uint32_t flags, uint64_t page_sizes)
{
	struct vfio_iommu_type1_info info = {.flags = flags, .iova_pgsizes = page_sizes};

	memset(answer, 0, sizeof(*answer));
	memcpy(answer->bytes, &info, sizeof(info));
	answer->size = INFO_SIZE;
	answer->link = (uint32_t)offsetof(struct vfio_iommu_type1_info, cap_offset);
}

static uint32_t add(struct answer *answer, uint16_t id, uint32_t length)
{
	struct vfio_info_cap_header header = {.id = id, .version = 1};
	uint32_t pos = answer->size;

	put32(answer, answer->link, pos);
	memcpy(answer->bytes + pos, &header, sizeof(header));
	answer->link = pos + (uint32_t)offsetof(struct vfio_info_cap_header, next);
	answer->size += length;
	return pos;
}

static uint32_t add_ranges(struct answer *answer, uint32_t count, uint32_t stored)
{
	uint32_t pos = add(answer, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 16 + stored * RANGE_SIZE);
	uint32_t i;

	put32(answer, pos + 8, count);
	for (i = 0; i < stored; i++) {
		put64(answer, pos + 16 + i * RANGE_SIZE, i * 0x100000ULL);
		put64(answer, pos + 24 + i * RANGE_SIZE, i * 0x100000ULL + 0xfffff);
	}
	return pos;
}

static void add_available(struct answer *answer, uint32_t entries)
{
	uint32_t pos = add(answer, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, 12);

	put32(answer, pos + 8, entries);
}

/* From memory of exactly the right size, so that the sanitizer sees what is read beyond it. */
static int parse(const struct answer *answer, struct vfs_dma_limits *limits)
{
	uint8_t *bytes = malloc(answer->size);
	int r;

	assert_non_null(bytes);
	memcpy(bytes, answer->bytes, answer->size);
	r = vfs_vfio_limits_parse(bytes, answer->size, limits);
	free(bytes);
	return r;
}

static const uint32_t ALL = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;

static void test_a_kernel_that_tells_nothing(void **state)
{
	struct vfs_dma_limits limits;
	struct answer answer;

	(void)state;
	init(&answer, 0, 0);
	assert_int_equal(parse(&answer, &limits), 0);
	assert_int_equal(limits.translation, VFS_TRANSLATED);
	assert_int_equal(limits.num_ranges, 1);
	assert_int_equal(limits.ranges[0].start, 0);
	assert_int_equal(limits.ranges[0].last, UINT64_MAX);
	assert_int_equal(limits.page_size, sysconf(_SC_PAGESIZE));
	assert_int_equal(limits.max_entries, 65535);
}

static void test_page_size_is_the_smallest_but_not_below_ours(void **state)
{
	struct vfs_dma_limits limits;
	struct answer answer;

	(void)state;
	init(&answer, ALL, 0x40201000);
	assert_int_equal(parse(&answer, &limits), 0);
	assert_int_equal(limits.page_size, 0x1000);
	init(&answer, ALL, 0x40210000);
	assert_int_equal(parse(&answer, &limits), 0);
	assert_int_equal(limits.page_size, 0x10000);
	init(&answer, ALL, 0xfffffffffffff200);
	assert_int_equal(parse(&answer, &limits), 0);
	assert_int_equal(limits.page_size, sysconf(_SC_PAGESIZE));
	/* Sizes that the flag does not vouch for. */
	init(&answer, VFIO_IOMMU_INFO_CAPS, 0x40210000);
	assert_int_equal(parse(&answer, &limits), 0);
	assert_int_equal(limits.page_size, sysconf(_SC_PAGESIZE));
}

static void test_ranges_and_entries(void **state)
{
	struct vfs_dma_limits limits;
	struct answer answer;

	(void)state;
	init(&answer, ALL, 0x1000);
	add_ranges(&answer, 2, 2);
	add_available(&answer, 1234);
	assert_int_equal(parse(&answer, &limits), 0);
	assert_int_equal(limits.num_ranges, 2);
	assert_int_equal(limits.ranges[1].start, 0x100000);
	assert_int_equal(limits.ranges[1].last, 0x1fffff);
	assert_int_equal(limits.max_entries, 1234);
}

static void test_capabilities_need_no_alignment(void **state)
{
	struct vfs_dma_limits limits;
	struct answer answer;

	(void)state;
	init(&answer, ALL, 0x1000);
	add(&answer, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION, 32);
	/* 12 bytes, and the next one right behind: as kernels before 6.6 have it. */
	add_available(&answer, 77);
	add_ranges(&answer, 3, 3);
	assert_int_equal(parse(&answer, &limits), 0);
	assert_int_equal(limits.num_ranges, 3);
	assert_int_equal(limits.ranges[2].start, 0x200000);
	assert_int_equal(limits.max_entries, 77);
}

static void test_capabilities_need_their_flag(void **state)
{
	struct vfs_dma_limits limits;
	struct answer answer;

	(void)state;
	init(&answer, VFIO_IOMMU_INFO_PGSIZES, 0x1000);
	add_ranges(&answer, 2, 2);
	assert_int_equal(parse(&answer, &limits), 0);
	assert_int_equal(limits.num_ranges, 1);
	assert_int_equal(limits.ranges[0].last, UINT64_MAX);
}

static void test_ranges_stop_at_the_end_of_the_answer(void **state)
{
	struct vfs_dma_limits limits;
	struct answer answer;

	(void)state;
	init(&answer, ALL, 0x1000);
	add_ranges(&answer, 4, 2);
	assert_int_equal(parse(&answer, &limits), 0);
	assert_int_equal(limits.num_ranges, 2);
	init(&answer, ALL, 0x1000);
	add_ranges(&answer, UINT32_MAX, 1);
	answer.size += RANGE_SIZE - 1;
	assert_int_equal(parse(&answer, &limits), 0);
	assert_int_equal(limits.num_ranges, 1);
}

static void test_more_ranges_than_we_keep(void **state)
{
	struct vfs_dma_limits limits;
	struct answer answer;

	(void)state;
	init(&answer, ALL, 0x1000);
	add_ranges(&answer, VFS_IOVA_RANGES_MAX + 8, VFS_IOVA_RANGES_MAX + 8);
	assert_int_equal(parse(&answer, &limits), 0);
	assert_int_equal(limits.num_ranges, VFS_IOVA_RANGES_MAX);
}

static void test_no_range_at_all(void **state)
{
	struct vfs_dma_limits limits;
	struct answer answer;

	(void)state;
	init(&answer, ALL, 0x1000);
	add_ranges(&answer, 0, 0);
	assert_int_equal(parse(&answer, &limits), 0);
	assert_int_equal(limits.num_ranges, 0);
}

static void test_a_capability_that_is_cut_off_tells_nothing(void **state)
{
	struct vfs_dma_limits limits;
	struct answer answer;

	(void)state;
	init(&answer, ALL, 0x1000);
	add_available(&answer, 77);
	answer.size -= 4;
	assert_int_equal(parse(&answer, &limits), 0);
	assert_int_equal(limits.max_entries, 65535);
	init(&answer, ALL, 0x1000);
	add_ranges(&answer, 1, 0);
	answer.size -= 8;
	assert_int_equal(parse(&answer, &limits), 0);
	assert_int_equal(limits.num_ranges, 1);
	assert_int_equal(limits.ranges[0].last, UINT64_MAX);
}

static void refuses(const struct answer *answer)
{
	struct vfs_dma_limits limits;

	assert_int_equal(parse(answer, &limits), -EPROTO);
	assert_non_null(strstr(vfs_last_error(), "malformed"));
}

static void test_malformed_chains_are_refused(void **state)
{
	struct answer answer;
	uint32_t pos;

	(void)state;
	/* Beyond the end, far beyond it, and with its header across it. */
	init(&answer, ALL, 0x1000);
	put32(&answer, answer.link, INFO_SIZE);
	refuses(&answer);
	put32(&answer, answer.link, UINT32_MAX);
	refuses(&answer);
	put32(&answer, answer.link, INFO_SIZE - 4);
	refuses(&answer);

	/* To itself. */
	init(&answer, ALL, 0x1000);
	pos = add_ranges(&answer, 1, 1);
	put32(&answer, answer.link, pos);
	refuses(&answer);

	/* In a circle of two. */
	init(&answer, ALL, 0x1000);
	pos = add_ranges(&answer, 1, 1);
	add_available(&answer, 1);
	put32(&answer, answer.link, pos);
	refuses(&answer);
}

static uint32_t random_state = 2463534242;

static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

static void test_random_bytes_do_no_harm(void **state)
{
	unsigned int accepted = 0;
	unsigned int i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		struct vfs_dma_limits limits;
		struct answer answer;
		unsigned int j;

		init(&answer, ALL, 0x1000);
		add_available(&answer, 77);
		add_ranges(&answer, 3, 3);
		for (j = next_random() % 4; j > 0; j--)
			answer.bytes[next_random() % answer.size] = (uint8_t)next_random();
		answer.size -= next_random() % 60;
		if (parse(&answer, &limits) < 0)
			continue;
		accepted++;
		assert_true(limits.num_ranges <= VFS_IOVA_RANGES_MAX);
		assert_true(is_power_of_2(limits.page_size));
	}
	assert_true(accepted > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_kernel_that_tells_nothing),
		cmocka_unit_test(test_page_size_is_the_smallest_but_not_below_ours),
		cmocka_unit_test(test_ranges_and_entries),
		cmocka_unit_test(test_capabilities_need_no_alignment),
		cmocka_unit_test(test_capabilities_need_their_flag),
		cmocka_unit_test(test_ranges_stop_at_the_end_of_the_answer),
		cmocka_unit_test(test_more_ranges_than_we_keep),
		cmocka_unit_test(test_no_range_at_all),
		cmocka_unit_test(test_a_capability_that_is_cut_off_tells_nothing),
		cmocka_unit_test(test_malformed_chains_are_refused),
		cmocka_unit_test(test_random_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
