/* SPDX-License-Identifier: MIT */
/* Memory of a session: how it is mapped for the device, and when not. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/core.h"
#include "dma/dma.h"
#include "dma/fake_memfd.h"
#include "dma/fake_pagemap.h"
#include "dma/said.h"
#include "dma/stub_iommu.h"

#define PAGE  VFS_PAGE_SIZE
#define READS VFS_DMA_DEVICE_READS
#define BOTH  (VFS_DMA_DEVICE_READS | VFS_DMA_DEVICE_WRITES)

/* Pages of the two zones, and of both together. */
#define READABLE 5u
#define WRITABLE 12u
#define PAGES	 (READABLE + WRITABLE)

static struct stub_dma dma;
static struct stub_iommu *const iommu = &dma.iommu;
static struct vfs_address_space space;
static struct vfs_arena arena;

static int set_up(void **state)
{
	(void)state;
	stub_dma_init(&dma);
	fake_pagemap = (struct fake_pagemap){.frame = frame_contiguous};
	fake_memfd = (struct fake_memfd){0};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	vfs_arena_destroy(&arena);
	vfs_address_space_fini(&space);
	if (iommu->fault)
		print_message("%s\n", iommu->fault);
	return iommu->count || iommu->fault;
}

static int create_sized(enum vfs_addressing addressing, size_t readable, size_t writable, bool huge)
{
	struct vfs_arena_plan plan = {
		.contiguous = addressing == VFS_ADDRESSING_IOVA ? SIZE_MAX : PAGE,
		.used = {[VFS_ZONE_READABLE] = readable, [VFS_ZONE_WRITABLE] = writable},
	};

	vfs_address_space_fini(&space);
	vfs_address_space_init(&space, &dma.transport, addressing);
	space.pagemap = fake_pagemap_read;
	return vfs_arena_create(&space, &plan, "test", huge, &arena);
}

/* Neither zone is a multiple of the page, so both are rounded up. */
static int create(enum vfs_addressing addressing)
{
	return create_sized(
		addressing, (size_t)READABLE * PAGE - 100, (size_t)WRITABLE * PAGE - 1, false);
}

static int create_physical(uint64_t (*frame)(size_t page, unsigned int look))
{
	fake_pagemap.frame = frame;
	return create(VFS_ADDRESSING_PHYSICAL);
}

static void assert_nothing_left(void)
{
	assert_int_equal(iommu->count, 0);
	assert_null(iommu->fault);
	assert_int_equal(space.num_used, 0);
	assert_null(arena.memory.base);
}

/* The device gets at every byte, with the access that its zone has, at the address it is told. */
static void assert_reachable(void)
{
	uint64_t total = 0;

	for (size_t offset = 0; offset < arena.mapping.size; offset += PAGE) {
		bool writable = offset >= arena.zone_offset[VFS_ZONE_WRITABLE];
		size_t contiguous;
		uint64_t address = vfs_mapping_address(
			&arena.mapping, arena.memory.base + offset, &contiguous);

		assert_ptr_equal(
			stub_iommu_reach(iommu, address, PAGE, READS), arena.memory.base + offset);
		assert_ptr_equal(stub_iommu_reach(iommu, address, PAGE, BOTH),
			writable ? arena.memory.base + offset : NULL);
	}
	/* Once each: the stub refuses overlaps on the bus, the sum those in memory. */
	for (unsigned int i = 0; i < iommu->count; i++)
		total += iommu->mappings[i].length;
	assert_int_equal(total, arena.mapping.size);
	assert_null(iommu->fault);
}

/* ---- addresses of our own ---- */

static void zones_are_mapped_once_each_with_the_access_they_need(void **state)
{
	size_t contiguous;

	(void)state;
	assert_int_equal(create(VFS_ADDRESSING_IOVA), 0);
	assert_int_equal(arena.mapping.size, PAGES * PAGE);
	assert_int_equal(iommu->num_maps, 2);
	assert_int_equal(iommu->mappings[0].access, READS);
	assert_int_equal(iommu->mappings[0].length, READABLE * PAGE);
	assert_int_equal(iommu->mappings[1].access, BOTH);
	assert_reachable();
	assert_int_equal(fake_pagemap.looks, 0);

	assert_int_not_equal(arena.mapping.iova, 0);
	assert_int_equal(vfs_mapping_address(&arena.mapping, arena.memory.base + 4097, &contiguous),
		arena.mapping.iova + 4097);
	assert_int_equal(contiguous, PAGES * PAGE - 4097);
	assert_ptr_equal(vfs_arena_at(&arena, VFS_ZONE_WRITABLE, 7),
		arena.memory.base + READABLE * PAGE + 7);
	vfs_arena_destroy(&arena);
	assert_nothing_left();
}

static void two_arenas_have_addresses_of_their_own(void **state)
{
	struct vfs_arena first;

	(void)state;
	assert_int_equal(create(VFS_ADDRESSING_IOVA), 0);
	first = arena;
	assert_int_equal(
		vfs_arena_create(&space,
			&(struct vfs_arena_plan){.contiguous = SIZE_MAX, .used = {PAGE, PAGE}},
			"test", false, &arena),
		0);
	assert_int_equal(iommu->count, 4);
	assert_null(iommu->fault);
	vfs_arena_destroy(&first);
	assert_int_equal(iommu->count, 2);
}

static void an_empty_zone_is_not_mapped(void **state)
{
	static const enum vfs_addressing both[] = {VFS_ADDRESSING_IOVA, VFS_ADDRESSING_PHYSICAL};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		assert_int_equal(create_sized(both[i], 0, PAGE, false), 0);
		assert_int_equal(iommu->count, 1);
		assert_reachable();
		vfs_arena_destroy(&arena);
		assert_int_equal(create_sized(both[i], PAGE, 0, false), 0);
		assert_int_equal(iommu->count, 1);
		assert_reachable();
		vfs_arena_destroy(&arena);
		assert_nothing_left();
	}
}

static void a_failing_map_with_our_own_addresses_leaves_nothing(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 2; i++) {
		iommu->num_maps = 0;
		iommu->fail_map = i;
		iommu->map_error = -ENOMEM;
		assert_int_equal(create(VFS_ADDRESSING_IOVA), -ENOMEM);
		assert_error_says("stub: map");
		assert_nothing_left();
	}
}

static void no_room_for_our_own_addresses(void **state)
{
	(void)state;
	dma.transport.limits.ranges[0] = (struct vfs_iova_range){0, 0x3fffff};
	assert_int_equal(create_sized(VFS_ADDRESSING_IOVA, 0x200000, PAGE, false), -ENOSPC);
	assert_int_equal(iommu->num_maps, 0);
	assert_nothing_left();
}

/* ---- physical addresses ---- */

static void pages_in_a_row_are_mapped_together(void **state)
{
	(void)state;
	assert_int_equal(create_physical(frame_contiguous), 0);
	assert_int_equal(iommu->count, 2);
	assert_int_equal(iommu->mappings[0].iova, (uint64_t)FAKE_FIRST_FRAME * PAGE);
	assert_int_equal(iommu->mappings[0].length, READABLE * PAGE);
	assert_int_equal(iommu->mappings[1].length, WRITABLE * PAGE);
	assert_reachable();
	assert_int_equal(fake_pagemap.looks, 2);
	assert_ptr_equal(fake_pagemap.start, arena.memory.base);
	assert_int_equal(fake_pagemap.page_size, PAGE);
	assert_int_equal(fake_pagemap.count, PAGES);
}

static void scattered_pages_are_mapped_one_by_one_where_they_are(void **state)
{
	(void)state;
	assert_int_equal(create_physical(frame_scattered), 0);
	assert_int_equal(iommu->count, PAGES);
	for (unsigned int i = 0; i < PAGES; i++) {
		const struct stub_mapping *m = &iommu->mappings[i];

		assert_int_equal(m->length, PAGE);
		assert_ptr_equal(m->vaddr, arena.memory.base + i * PAGE);
		assert_int_equal(m->iova, frame_scattered(i, 0) * PAGE);
		assert_int_equal(m->access, i < READABLE ? READS : BOTH);
	}
	assert_reachable();
	vfs_arena_destroy(&arena);
	assert_nothing_left();
}

/* Five pages are a run of three and one of two; the next page goes on with it in its own zone. */
static void runs_end_with_their_zone(void **state)
{
	static const unsigned int lengths[] = {3, 2, 1, 3, 3, 3, 2};

	(void)state;
	assert_int_equal(create_physical(frame_in_threes), 0);
	assert_int_equal(iommu->count, ARRAY_SIZE(lengths));
	for (unsigned int i = 0; i < ARRAY_SIZE(lengths); i++)
		assert_int_equal(iommu->mappings[i].length, lengths[i] * PAGE);
	assert_reachable();
}

/* Runs of any length, where they were the time before at each second look. */
static uint64_t frame_by_chance(size_t page, unsigned int look)
{
	static uint64_t frames[PAGES];

	if (look % 2 && page == 0)
		frames[0] = FAKE_FIRST_FRAME;
	else if (look % 2)
		frames[page] = frames[page - 1] + (rand() % 3 ? 1 : 2);
	return frames[page];
}

static void every_byte_is_mapped_once_however_pages_lie(void **state)
{
	(void)state;
	srand(1);
	for (unsigned int i = 0; i < 200; i++) {
		assert_int_equal(create_physical(frame_by_chance), 0);
		assert_reachable();
		vfs_arena_destroy(&arena);
		assert_nothing_left();
	}
}

/* ---- pages that move when they are pinned ---- */

#define STILL_AFTER 3u

/* Other places at each of the first looks. */
static uint64_t frame_moving(size_t page, unsigned int look)
{
	return frame_scattered(page, look) + (look < STILL_AFTER ? look * 0x400000 : 0);
}

static uint64_t frame_restless(size_t page, unsigned int look)
{
	return frame_scattered(page, look) + look * 0x400000;
}

/* Only one page, the last one, changes its place. */
static uint64_t frame_of_a_latecomer(size_t page, unsigned int look)
{
	return frame_scattered(page, look) + (page == PAGES - 1 && look > 1 ? 0x400000 : 0);
}

static void pages_that_moved_are_mapped_again_where_they_are(void **state)
{
	(void)state;
	assert_int_equal(create_physical(frame_moving), 0);
	assert_int_equal(fake_pagemap.looks, STILL_AFTER + 1);
	assert_int_equal(iommu->num_maps, STILL_AFTER * PAGES);
	assert_int_equal(iommu->count, PAGES);
	for (unsigned int i = 0; i < PAGES; i++)
		assert_int_equal(iommu->mappings[i].iova, frame_moving(i, STILL_AFTER) * PAGE);
	assert_reachable();
}

static void one_page_that_moved_is_noticed(void **state)
{
	(void)state;
	assert_int_equal(create_physical(frame_of_a_latecomer), 0);
	assert_int_equal(fake_pagemap.looks, 3);
	assert_int_equal(
		iommu->mappings[PAGES - 1].iova, frame_of_a_latecomer(PAGES - 1, 2) * PAGE);
	assert_reachable();
}

static void pages_that_never_rest_are_given_up(void **state)
{
	(void)state;
	assert_int_equal(create_physical(frame_restless), -EIO);
	assert_error_says("do not keep their place");
	assert_true(fake_pagemap.looks < 20);
	assert_nothing_left();
}

static void a_look_that_fails_leaves_nothing(void **state)
{
	(void)state;
	for (unsigned int look = 1; look <= 3; look++) {
		fake_pagemap.looks = 0;
		fake_pagemap.fail_look = look;
		assert_int_equal(create_physical(frame_moving), -EIO);
		assert_error_says("fake: pagemap");
		assert_int_equal(fake_pagemap.looks, look);
		assert_nothing_left();
	}
}

/* ---- limits ---- */

static void as_many_pieces_as_there_are_entries(void **state)
{
	(void)state;
	dma.transport.limits.max_entries = PAGES;
	assert_int_equal(create_physical(frame_scattered), 0);
	assert_reachable();
}

static void more_pieces_than_entries(void **state)
{
	(void)state;
	dma.transport.limits.max_entries = PAGES - 1;
	assert_int_equal(create_physical(frame_scattered), -ENOMEM);
	assert_error_says("in more pieces than VFIO maps (16): use hugepages");
	assert_nothing_left();
}

static void each_page_has_to_be_inside_the_ranges(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < PAGES; i++) {
		uint64_t outside = frame_scattered(i, 0) * PAGE;

		dma.transport.limits.ranges[0] = (struct vfs_iova_range){0, outside - 1};
		dma.transport.limits.ranges[1] = (struct vfs_iova_range){
			outside + PAGE, (1ull << 48) - 1};
		dma.transport.limits.num_ranges = 2;
		assert_int_equal(create_physical(frame_scattered), -EPERM);
		assert_error_says("outside what its IOMMU can map");
		assert_nothing_left();
		/* Half a page inside is outside. */
		dma.transport.limits.ranges[1].start = outside + PAGE / 2;
		assert_int_equal(create_physical(frame_scattered), -EPERM);
		dma.transport.limits.ranges[1].start = outside;
		assert_int_equal(create_physical(frame_scattered), 0);
		vfs_arena_destroy(&arena);
	}
}

static void a_map_that_fails_half_way_leaves_nothing(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 2 * PAGES; i++) {
		iommu->num_maps = 0;
		iommu->fail_map = i;
		iommu->map_error = -EFAULT;
		fake_pagemap.looks = 0;
		/* The second half of these is the second time that the pages are mapped. */
		assert_int_equal(create_physical(frame_moving), -EFAULT);
		assert_error_says("stub: map");
		assert_nothing_left();
	}
}

/* ---- addresses ---- */

static void contiguous_is_as_far_as_physical_memory_goes_on(void **state)
{
	(void)state;
	assert_int_equal(create_physical(frame_in_threes), 0);
	for (size_t offset = 0; offset < arena.mapping.size; offset += 512) {
		size_t page = offset / PAGE;
		size_t end = min_size((page / 3 + 1) * 3 * PAGE, arena.mapping.size);
		size_t contiguous;
		uint64_t address = vfs_mapping_address(
			&arena.mapping, arena.memory.base + offset, &contiguous);

		assert_int_equal(address, frame_in_threes(page, 0) * PAGE + offset % PAGE);
		assert_int_equal(contiguous, end - offset);
	}
}

static void huge_pages_count_as_one_piece_each(void **state)
{
	size_t contiguous;

	(void)state;
	fake_memfd.huge = true;
	fake_pagemap.frame = frame_scattered;
	assert_int_equal(
		create_sized(VFS_ADDRESSING_PHYSICAL, PAGE, VFS_HUGE_PAGE_SIZE + 1, true), 0);
	assert_int_equal(fake_memfd.num_huge, 1);
	assert_int_equal(arena.mapping.size, 3 * VFS_HUGE_PAGE_SIZE);
	assert_int_equal(fake_pagemap.page_size, VFS_HUGE_PAGE_SIZE);
	assert_int_equal(fake_pagemap.count, 3);
	assert_int_equal(iommu->count, 3);
	assert_reachable();
	vfs_mapping_address(&arena.mapping, arena.memory.base + PAGE, &contiguous);
	assert_int_equal(contiguous, VFS_HUGE_PAGE_SIZE - PAGE);
}

static void without_huge_pages_they_are_refused(void **state)
{
	(void)state;
	assert_int_equal(create_sized(VFS_ADDRESSING_IOVA, PAGE, PAGE, true), -ENOMEM);
	assert_int_equal(fake_memfd.num_huge, 1);
	assert_int_equal(fake_memfd.num_small, 0);
	assert_nothing_left();
}

/* ---- the memory ---- */

/* 0: the child has no such memory. */
static int look_as_child(const void *memory)
{
	unsigned char resident;

	return mincore((void *)(uintptr_t)memory, PAGE, &resident) == -1 && errno == ENOMEM ? 0 : 1;
}

static void children_do_not_have_the_memory(void **state)
{
	int status = -1;
	pid_t child;

	(void)state;
	assert_int_equal(create(VFS_ADDRESSING_IOVA), 0);
	assert_int_equal(look_as_child(arena.memory.base), 1);
	child = fork();
	if (child == 0)
		_exit(look_as_child(arena.memory.base));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(fcntl(arena.memory.fd, F_GETFD) & FD_CLOEXEC);
}

static void nobody_can_shrink_the_memory(void **state)
{
	(void)state;
	assert_int_equal(create(VFS_ADDRESSING_IOVA), 0);
	assert_int_equal(ftruncate(arena.memory.fd, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(arena.memory.fd, 1 << 30), -1);
}

static void the_descriptor_is_closed_at_the_end(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(create(VFS_ADDRESSING_IOVA), 0);
	fd = arena.memory.fd;
	assert_true(fcntl(fd, F_GETFD) >= 0);
	vfs_arena_destroy(&arena);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	/* A second time does nothing. */
	vfs_arena_destroy(&arena);
	assert_int_equal(iommu->num_unmaps, 1);
}

/* ---- plans ---- */

static void assert_in_one_block(size_t offset, size_t size, size_t block)
{
	if (block != SIZE_MAX && size <= block)
		assert_int_equal(offset / block, (offset + size - 1) / block);
}

static void plan_random(size_t block)
{
	struct vfs_arena_plan plan = {.contiguous = block};
	size_t end[VFS_NUM_ZONES] = {0};

	for (unsigned int i = 0; i < 20000; i++) {
		enum vfs_arena_zone zone = rand() % 2 ? VFS_ZONE_READABLE : VFS_ZONE_WRITABLE;
		size_t size = 1 + (size_t)rand() % (rand() % 4 ? 600 : 10000);
		size_t alignment = (size_t)1 << rand() % 13;
		size_t offset = vfs_arena_plan_add(&plan, zone, size, alignment);

		assert_true(offset >= end[zone]);
		assert_int_equal(offset % alignment, 0);
		assert_in_one_block(offset, size, block);
		/* No more is left over than that costs. */
		assert_true(offset - end[zone] < alignment + min_size(size, block));
		end[zone] = offset + size;
		assert_int_equal(plan.used[zone], end[zone]);
	}
}

static void plans_keep_small_things_in_one_block(void **state)
{
	(void)state;
	srand(2);
	plan_random(PAGE);
	plan_random(VFS_HUGE_PAGE_SIZE);
	plan_random(SIZE_MAX);
}

static void what_fills_the_rest_of_a_block_stays_in_it(void **state)
{
	struct vfs_arena_plan plan = {.contiguous = PAGE};

	(void)state;
	assert_int_equal(vfs_arena_plan_add(&plan, VFS_ZONE_READABLE, 96, 16), 0);
	assert_int_equal(vfs_arena_plan_add(&plan, VFS_ZONE_READABLE, 4000, 16), 96);
	assert_int_equal(vfs_arena_plan_add(&plan, VFS_ZONE_READABLE, 4000, 16), 4096);
	assert_int_equal(vfs_arena_plan_add(&plan, VFS_ZONE_READABLE, 97, 16), 8192);
	assert_int_equal(vfs_arena_plan_add(&plan, VFS_ZONE_WRITABLE, 3, 1), 0);
	/* Larger than a block: nothing can be done. */
	assert_int_equal(vfs_arena_plan_add(&plan, VFS_ZONE_WRITABLE, 5000, 1), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(zones_are_mapped_once_each_with_the_access_they_need),
		TEST(two_arenas_have_addresses_of_their_own),
		TEST(an_empty_zone_is_not_mapped),
		TEST(a_failing_map_with_our_own_addresses_leaves_nothing),
		TEST(no_room_for_our_own_addresses),
		TEST(pages_in_a_row_are_mapped_together),
		TEST(scattered_pages_are_mapped_one_by_one_where_they_are),
		TEST(runs_end_with_their_zone),
		TEST(every_byte_is_mapped_once_however_pages_lie),
		TEST(pages_that_moved_are_mapped_again_where_they_are),
		TEST(one_page_that_moved_is_noticed),
		TEST(pages_that_never_rest_are_given_up),
		TEST(a_look_that_fails_leaves_nothing),
		TEST(as_many_pieces_as_there_are_entries),
		TEST(more_pieces_than_entries),
		TEST(each_page_has_to_be_inside_the_ranges),
		TEST(a_map_that_fails_half_way_leaves_nothing),
		TEST(contiguous_is_as_far_as_physical_memory_goes_on),
		TEST(huge_pages_count_as_one_piece_each),
		TEST(without_huge_pages_they_are_refused),
		TEST(children_do_not_have_the_memory),
		TEST(nobody_can_shrink_the_memory),
		TEST(the_descriptor_is_closed_at_the_end),
		cmocka_unit_test(plans_keep_small_things_in_one_block),
		cmocka_unit_test(what_fills_the_rest_of_a_block_stays_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
