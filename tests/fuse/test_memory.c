/* SPDX-License-Identifier: MIT */
/* How many descriptors requests need, against how many the plan says they may. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "dma/fake_pagemap.h"
#include "fuse/fuse.h"

#define PAGE	     VFS_PAGE_SIZE
#define MEMORY	     (10u << 20)
#define SEGMENTS_MAX 4096

/* Just what a request needs to know of its session. */
static struct {
	struct vfs_session session;
	struct vfs_queue queue;
	struct vfs_request request;
	struct vring_desc table[SEGMENTS_MAX];
	void *memory;
} fixture;

static int set_up(void **state)
{
	(void)state;
	memset(&fixture, 0, sizeof(fixture));
	if (posix_memalign(&fixture.memory, PAGE, MEMORY))
		return -1;
	memset(fixture.memory, 0, MEMORY);
	fixture.queue.session = &fixture.session;
	fixture.request.queue = &fixture.queue;
	vfs_chain_set_table(&fixture.request.chain, fixture.table, SEGMENTS_MAX);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(fixture.session.arena.mapping.pages);
	free(fixture.session.arena.mapping.runs);
	free(fixture.memory);
	return 0;
}

/* No two blocks beside each other; SIZE_MAX: addresses of our own. */
static void scatter(size_t block)
{
	struct vfs_mapping *mapping = &fixture.session.arena.mapping;
	size_t count = block == SIZE_MAX ? 0 : MEMORY / block;

	free(mapping->pages);
	free(mapping->runs);
	*mapping = (struct vfs_mapping){.base = fixture.memory, .size = MEMORY, .page_size = block};
	if (block == SIZE_MAX)
		return;
	mapping->pages = calloc(count, sizeof(*mapping->pages));
	mapping->runs = calloc(count, sizeof(*mapping->runs));
	for (size_t i = 0; i < count; i++)
		mapping->pages[i] = frame_scattered(i, 0) * block;
	vfs_mapping_find_runs(mapping);
}

/* Descriptors of an IOCTL, for which any length of message and answer goes; 0: does not fit. */
static unsigned int segments_of(size_t length, uint32_t reply)
{
	struct vfs_request *request = &fixture.request;
	uint8_t *message = vfs_request_message(request);
	struct fuse_in_header header = {.opcode = FUSE_IOCTL};
	struct fuse_ioctl_in in = {.out_size = reply - (uint32_t)sizeof(struct fuse_ioctl_out)};

	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), &in, sizeof(in));
	request->state = VFS_REQUEST_TAKEN;
	if (vfs_request_prepare(request, length) < 0)
		return 0;
	assert_int_equal(request->chain.readable, length);
	assert_int_equal(request->chain.writable, sizeof(struct fuse_out_header) + reply);
	return (unsigned int)request->chain.count;
}

static void place(size_t offset, size_t payload_size)
{
	size_t contiguous;

	assert_true(offset + VFS_SLOT_HEADER_SIZE + payload_size <= MEMORY);
	fixture.request.page = (uint8_t *)fixture.memory + offset;
	fixture.request.page_addr = vfs_mapping_address(
		&fixture.session.arena.mapping, fixture.request.page, &contiguous);
	fixture.request.payload_size = payload_size;
}

/* The most that any division of a slot between message and answer needs. */
static unsigned int worst_of_slot(size_t payload_size)
{
	size_t step = payload_size > 64 * PAGE ? 37 * PAGE : PAGE;
	unsigned int worst = 0;

	for (size_t data = 0; data <= payload_size; data += step) {
		uint32_t rest = (uint32_t)(payload_size - data);
		uint32_t replies[] = {16, 1024, rest < 2048 ? 16 : rest - 1, rest < 16 ? 16 : rest};

		for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
			unsigned int count = segments_of(VFS_REQUEST_HEAD + data, replies[i]);

			assert_int_not_equal(count, 0);
			worst = count > worst ? count : worst;
		}
	}
	return worst;
}

static void no_request_needs_more_segments_than_its_slot_may(void **state)
{
	static const size_t payloads[] = {PAGE, 2 * PAGE, 3 * PAGE, 17 * PAGE, 64 * PAGE};

	(void)state;
	scatter(PAGE);
	for (size_t i = 0; i < ARRAY_SIZE(payloads); i++) {
		place(PAGE, payloads[i]);
		/* Pages leave no choice of where they begin, so the limit is reached. */
		assert_int_equal(
			worst_of_slot(payloads[i]), vfs_slot_segments_max(payloads[i], PAGE));
	}
	scatter(SIZE_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(payloads); i++) {
		place(PAGE, payloads[i]);
		assert_int_equal(
			worst_of_slot(payloads[i]), vfs_slot_segments_max(payloads[i], SIZE_MAX));
	}
}

/* Blocks larger than a page, at every place where a slot can begin in one. */
static void slots_begin_anywhere_in_a_large_block(void **state)
{
	static const size_t blocks[] = {8 * PAGE, VFS_HUGE_PAGE_SIZE};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		size_t block = blocks[i];
		size_t payloads[] = {PAGE, 7 * PAGE, block, block + PAGE, 2 * block + 2 * PAGE};

		scatter(block);
		for (size_t j = 0; j < ARRAY_SIZE(payloads); j++) {
			unsigned int limit = vfs_slot_segments_max(payloads[j], block);
			size_t step = block > 8 * PAGE ? 51 * PAGE : PAGE;

			for (size_t start = 0; start < block; start += step) {
				place(start, payloads[j]);
				assert_true(worst_of_slot(payloads[j]) <= limit);
			}
			/* Around the end of a block, where pieces are divided. */
			for (size_t back = PAGE; back <= 2 * PAGE; back += PAGE) {
				place(block - back, payloads[j]);
				assert_true(worst_of_slot(payloads[j]) <= limit);
			}
		}
	}
}

static void the_largest_payload_fits_and_one_page_more_would_not(void **state)
{
	static const size_t blocks[] = {PAGE, VFS_HUGE_PAGE_SIZE, SIZE_MAX};
	static const size_t wanted[] = {1, PAGE, PAGE + 1, 1u << 20, 16u << 20};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(blocks) * ARRAY_SIZE(wanted); i++) {
		size_t block = blocks[i % ARRAY_SIZE(blocks)];
		size_t want = wanted[i / ARRAY_SIZE(blocks)];

		for (unsigned int descs = 4; descs <= 1024; descs++) {
			size_t limit = vfs_payload_limit(want, descs, block);
			size_t slot = vfs_slot_payload_size(limit);
			size_t more = vfs_slot_payload_size(limit + PAGE);

			assert_true(limit >= PAGE);
			assert_int_equal(limit % PAGE, 0);
			assert_true(limit < want + PAGE);
			/* A page is the least, whether it fits or not. */
			if (limit > PAGE)
				assert_true(vfs_slot_segments_max(slot, block) <= descs);
			if (limit < want)
				assert_true(vfs_slot_segments_max(more, block) > descs);
		}
	}
}

/* What a session offers as its largest payload can be written and read. */
static void the_largest_payload_can_be_sent_and_received(void **state)
{
	static const unsigned int descs[] = {8, 64, 128, 256};

	(void)state;
	scatter(PAGE);
	for (size_t i = 0; i < ARRAY_SIZE(descs); i++) {
		size_t limit = vfs_payload_limit(16u << 20, descs[i], PAGE);
		unsigned int count;

		place(0, vfs_slot_payload_size(limit));
		count = segments_of(VFS_REQUEST_HEAD + limit, 16);
		assert_in_range(count, 1, descs[i]);
		count = segments_of(VFS_REQUEST_HEAD, (uint32_t)limit);
		assert_in_range(count, 1, descs[i]);
		/* Also after a message that has some bytes on the payload's first page. */
		count = segments_of(VFS_REQUEST_HEAD + 256, (uint32_t)limit);
		assert_in_range(count, 1, descs[i]);
		assert_int_equal(segments_of(VFS_REQUEST_HEAD + PAGE + 1, (uint32_t)limit), 0);
		assert_int_equal(segments_of(VFS_REQUEST_HEAD + 256, (uint32_t)limit + 1), 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_request_needs_more_segments_than_its_slot_may),
		TEST(slots_begin_anywhere_in_a_large_block),
		cmocka_unit_test(the_largest_payload_fits_and_one_page_more_would_not),
		TEST(the_largest_payload_can_be_sent_and_received),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
