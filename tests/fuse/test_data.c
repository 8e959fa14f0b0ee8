/* SPDX-License-Identifier: MIT */
/* Data in memory of the application: registered, not registered, and both. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <vfs/memory.h>

#include "core/core.h"
#include "dma/said.h"
#include "fuse/fixture.h"

#define PAGE	 4096u
#define PAGES	 16u
#define READ_IN	 (sizeof(struct fuse_in_header) + sizeof(struct fuse_read_in))
#define READABLE VFS_DMA_DEVICE_READS

static uint8_t *memory;
static struct vfs_mem *mem;
static uint8_t other[PAGES * PAGE]; /* never registered */

static int begin(void **state)
{
	mem = NULL;
	memset(other, 0, sizeof(other));
	set_up(state);
	d.unmaps_while_running = true;
	return 0;
}

#define DATA_TEST(name) cmocka_unit_test_setup_teardown(name, begin, tear_down)

static void get_memory(void)
{
	void *addr;

	if (vfs_mem_alloc(session, (size_t)PAGES * PAGE, &addr, &mem) < 0)
		fail_msg("%s", vfs_last_error());
	memory = addr;
}

static void fill(uint8_t *bytes, size_t length, size_t from)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = pattern_byte(from + i);
}

static void check_filled(const uint8_t *bytes, size_t length, size_t from)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != pattern_byte(from + i))
			fail_msg("byte %zu is wrong", from + i);
}

static size_t sum(const struct iovec *iov, unsigned int count)
{
	size_t bytes = 0;

	for (unsigned int i = 0; i < count; i++)
		bytes += iov[i].iov_len;
	return bytes;
}

static struct vfs_request *new_write(const struct iovec *iov, unsigned int count)
{
	struct fuse_write_in in = {.size = (uint32_t)sum(iov, count)};
	struct vfs_request *request = message_raw(queue, FUSE_WRITE, &in, sizeof(in));

	assert_int_equal(vfs_request_set_data(request, iov, count), 0);
	return request;
}

static struct vfs_request *new_read(uint32_t size, const struct iovec *iov, unsigned int count)
{
	struct fuse_read_in in = {.size = size};
	struct vfs_request *request = message_raw(queue, FUSE_READ, &in, sizeof(in));

	assert_int_equal(vfs_request_set_data(request, iov, count), 0);
	return request;
}

static void send_it(struct vfs_request *request, size_t length)
{
	if (vfs_request_prepare(request, length) < 0)
		fail_msg("%s", vfs_last_error());
	submit(request);
	take(&taken);
}

/* Where the device finds a segment. */
static const uint8_t *at(unsigned int segment)
{
	return stub_iommu_reach(&d.iommu, taken.chain.segments[segment].addr,
		taken.chain.segments[segment].len, READABLE);
}

static void finish_write(struct vfs_request *request, size_t size)
{
	struct fuse_write_out out = {.size = (uint32_t)size};
	struct iovec reply[2];

	assert_int_equal(taken.length, VFS_REQUEST_HEAD + size);
	check_filled(taken.bytes + VFS_REQUEST_HEAD, size, 0);
	fuse_device_answer(&d, &taken, 0, &out, sizeof(out));
	assert_ptr_equal(reap_one(queue), request);
	assert_int_equal(vfs_request_error(request), 0);
	assert_int_equal(vfs_request_reply(request, reply), 2);
	vfs_request_put(request);
}

static void finish_read(struct vfs_request *request, size_t got)
{
	uint8_t *bytes = malloc(got + 1);
	struct iovec reply[2];

	fill(bytes, got, 0);
	fuse_device_answer(&d, &taken, 0, bytes, got);
	free(bytes);
	assert_ptr_equal(reap_one(queue), request);
	assert_int_equal(vfs_request_error(request), 0);
	assert_int_equal(vfs_request_reply(request, reply), 1);
	assert_int_equal(((struct fuse_out_header *)reply[0].iov_base)->len,
		sizeof(struct fuse_out_header) + got);
	vfs_request_put(request);
}

static void what_is_registered_is_sent_from_where_it_is(void **state)
{
	struct iovec iov = {.iov_len = 3 * PAGE + 5};
	struct vfs_request *request;

	(void)state;
	connect_with(4, 0);
	get_memory();
	iov.iov_base = memory + 100;
	fill(memory + 100, iov.iov_len, 0);
	request = new_write(&iov, 1);
	send_it(request, VFS_REQUEST_HEAD);
	assert_int_equal(taken.chain.num_readable, 2);
	assert_ptr_equal(at(1), memory + 100);
	finish_write(request, iov.iov_len);
	assert_int_equal(vfs_mem_unregister(mem), 0);
}

static void what_is_registered_is_received_where_it_is(void **state)
{
	struct iovec iov = {.iov_len = 4 * PAGE};
	struct vfs_request *request;

	(void)state;
	connect_with(4, 0);
	get_memory();
	iov.iov_base = memory + PAGE;
	request = new_read(3 * PAGE, &iov, 1);
	send_it(request, READ_IN);
	assert_int_equal(taken.chain.count, 3);
	assert_ptr_equal(at(2), memory + PAGE);
	/* No more than was asked for can be written, whatever room there is. */
	assert_int_equal(taken.chain.segments[2].len, 3 * PAGE);
	finish_read(request, 2 * PAGE + 1);
	check_filled(memory + PAGE, 2 * PAGE + 1, 0);
	assert_int_equal(memory[3 * PAGE + 1], 0);
}

static void what_is_not_registered_is_copied(void **state)
{
	struct iovec iov = {.iov_base = other + 3, .iov_len = 2 * PAGE};
	struct vfs_request *request;

	(void)state;
	connect_with(4, 0);
	fill(other + 3, 2 * PAGE, 0);
	request = new_write(&iov, 1);
	send_it(request, VFS_REQUEST_HEAD);
	finish_write(request, 2 * PAGE);
	memset(other, 0, sizeof(other));
	request = new_read(2 * PAGE, &iov, 1);
	send_it(request, READ_IN);
	finish_read(request, PAGE + 9);
	check_filled(other + 3, PAGE + 9, 0);
	assert_int_equal(other[3 + PAGE + 9], 0);
	assert_int_equal(other[2], 0);
}

/* Pieces of any length, some registered and some not, sent and received in order. */
static void mixed(unsigned int seed)
{
	struct iovec iov[VFS_REQUEST_DATA_MAX];
	struct vfs_request *request;
	unsigned int count = 1 + seed % 9;
	size_t from = 0;

	for (unsigned int i = 0; i < count; i++) {
		uint8_t *base = (seed + i) % 3 ? memory : other;

		iov[i] = (struct iovec){.iov_base = base + i * PAGE + seed % 700,
			.iov_len = (seed * 37 + i * 911) % (PAGE - 700)};
		fill(iov[i].iov_base, iov[i].iov_len, from);
		from += iov[i].iov_len;
	}
	request = new_write(iov, count);
	send_it(request, VFS_REQUEST_HEAD);
	finish_write(request, from);
	for (unsigned int i = 0; i < count; i++)
		memset(iov[i].iov_base, 0, iov[i].iov_len);
	request = new_read((uint32_t)from, iov, count);
	send_it(request, READ_IN);
	finish_read(request, from);
	from = 0;
	for (unsigned int i = 0; i < count; i++) {
		check_filled(iov[i].iov_base, iov[i].iov_len, from);
		from += iov[i].iov_len;
	}
}

static void both_kinds_are_mixed(void **state)
{
	(void)state;
	connect_with(4, 0);
	get_memory();
	for (unsigned int seed = 0; seed < 200; seed++)
		mixed(seed);
	assert_int_equal(vfs_mem_unregister(mem), 0);
}

static void pages_that_are_scattered_are_found_one_by_one(void **state)
{
	struct vfs_mem_description description = {.length = (size_t)PAGES * PAGE, .fd = -1};
	struct iovec iov = {.iov_len = 3 * PAGE};
	struct vfs_request *request;

	(void)state;
	without_platform();
	connect_with(4, 0);
	/* Places of its own, as those of the session's memory are taken. */
	fake_pagemap.frame = frame_in_threes;
	memory = mmap(NULL, description.length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);
	description.addr = memory;
	d.stub.transport.limits.max_entries = 65535;
	if (vfs_mem_register(session, &description, &mem) < 0)
		fail_msg("%s", vfs_last_error());
	for (unsigned int seed = 0; seed < 50; seed++)
		mixed(seed);
	iov.iov_base = memory + PAGE / 2;
	fill(iov.iov_base, iov.iov_len, 0);
	request = new_write(&iov, 1);
	send_it(request, VFS_REQUEST_HEAD);
	/* The first three pages are in a row, the fourth is not. */
	assert_int_equal(taken.chain.num_readable, 3);
	finish_write(request, iov.iov_len);
	assert_int_equal(vfs_mem_unregister(mem), 0);
	assert_int_equal(munmap(memory, description.length), 0);
}

static void memory_that_the_device_only_reads_is_not_written_by_it(void **state)
{
	struct vfs_mem_description description = {
		.length = PAGE, .fd = -1, .access = VFS_MEM_READ_ONLY};
	struct iovec iov = {.iov_len = PAGE};
	struct vfs_request *request;

	(void)state;
	connect_with(4, 0);
	memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	iov.iov_base = description.addr = memory;
	assert_int_equal(vfs_mem_register(session, &description, &mem), 0);
	fill(memory, PAGE, 0);
	request = new_write(&iov, 1);
	send_it(request, VFS_REQUEST_HEAD);
	assert_ptr_equal(at(1), memory);
	finish_write(request, PAGE);
	memset(memory, 0, PAGE);
	request = new_read(PAGE, &iov, 1);
	send_it(request, READ_IN);
	assert_ptr_not_equal(at(2), memory);
	finish_read(request, PAGE);
	check_filled(memory, PAGE, 0);
	assert_int_equal(vfs_mem_unregister(mem), 0);
	assert_int_equal(munmap(memory, PAGE), 0);
}

/* ---- limits ---- */

static void data_has_limits(void **state)
{
	struct iovec iov[VFS_REQUEST_DATA_MAX + 1];
	struct vfs_request *request;

	(void)state;
	fuse_device_set_queues(&d, 1, 16);
	connect_with(4, 0);
	get_memory();
	for (unsigned int i = 0; i < ARRAY_SIZE(iov); i++)
		iov[i] = (struct iovec){.iov_base = memory + 2 * i, .iov_len = 1};
	request = new_read(8, iov, 7);
	assert_int_equal(vfs_request_prepare(request, READ_IN), -EINVAL);
	assert_error_says("room for 7 bytes, and the answer may have 8");
	assert_int_equal(vfs_request_set_data(request, iov, ARRAY_SIZE(iov)), -E2BIG);
	assert_error_says("no more than 64");
	/* Message and header take two descriptors of the sixteen. */
	assert_int_equal(vfs_request_set_data(request, iov, 15), 0);
	((struct fuse_read_in *)((struct fuse_in_header *)vfs_request_message(request) + 1))->size =
		15;
	assert_int_equal(vfs_request_prepare(request, READ_IN), -E2BIG);
	assert_error_says("more pieces than the 16");
	assert_int_equal(vfs_mem_unregister(mem), 0);
	get_memory();
	vfs_request_put(request);

	iov[0] = (struct iovec){.iov_base = other, .iov_len = sizeof(other)};
	iov[1] = (struct iovec){.iov_base = other, .iov_len = sizeof(other)};
	request = new_write(iov, 2);
	assert_int_equal(vfs_request_prepare(request, VFS_REQUEST_HEAD), -E2BIG);
	assert_error_says("does not fit into a request");
	vfs_request_put(request);
	request = message_raw(queue, FUSE_STATFS, NULL, 0);
	assert_int_equal(vfs_request_set_data(request, iov, 1), 0);
	assert_int_equal(vfs_request_prepare(request, sizeof(struct fuse_in_header)), -EINVAL);
	assert_error_says("has no data");
	/* Without data it is a request like any other. */
	assert_int_equal(vfs_request_set_data(request, NULL, 0), 0);
	assert_int_equal(vfs_request_prepare(request, sizeof(struct fuse_in_header)), 0);
	vfs_request_put(request);
}

static void data_of_one_request_has_less_than_2_gib(void **state)
{
	struct iovec iov[2];
	struct vfs_request *request;

	(void)state;
	connect_with(4, 0);
	get_memory();
	iov[0] = (struct iovec){.iov_base = memory, .iov_len = 1u << 31};
	request = new_read(1u << 31, iov, 1);
	assert_int_equal(vfs_request_prepare(request, READ_IN), -E2BIG);
	assert_error_says("more than 2147483647 bytes of data");
	vfs_request_put(request);
	/* Also in pieces; what is held for the first is let go. */
	iov[0].iov_len = PAGE;
	iov[1] = (struct iovec){.iov_base = other, .iov_len = (1u << 31) - PAGE};
	request = new_write(iov, 2);
	assert_int_equal(vfs_request_prepare(request, VFS_REQUEST_HEAD), -E2BIG);
	assert_error_says("more than 2147483647 bytes of data");
	iov[1].iov_len = SIZE_MAX;
	assert_int_equal(vfs_request_set_data(request, iov, 2), 0);
	assert_int_equal(vfs_request_prepare(request, VFS_REQUEST_HEAD), -E2BIG);
	assert_int_equal(vfs_mem_unregister(mem), 0);
	vfs_request_put(request);
}

static void registering_is_refused_with_a_reason(void **state)
{
	struct vfs_mem_description description = {.addr = other, .length = PAGE, .fd = -1};
	struct vfs_mem *second = NULL;

	(void)state;
	connect_with(4, 0);
	get_memory();
	description.addr = memory + PAGE;
	assert_int_equal(vfs_mem_register(session, &description, &second), -EEXIST);
	description.length = PAGE + 1;
	assert_int_equal(vfs_mem_register(session, &description, &second), -EINVAL);
	assert_error_says("whole pages");
	description.length = PAGE;
	description.fd = d.event_fd;
	assert_int_equal(vfs_mem_register(session, &description, &second), -EINVAL);
	assert_error_says("shorter than");
	d.stub.transport.limits.translation = VFS_MEMORY_TABLE;
	description.fd = -1;
	assert_int_equal(vfs_mem_register(session, &description, &second), -ENOTSUP);
	assert_error_says("memfd_create");
	d.stub.transport.limits.translation = VFS_UNTRANSLATED;
	assert_int_equal(vfs_mem_register(session, &description, &second), -ENOTSUP);
	assert_error_says("huge pages, or locked");
	assert_null(second);
}

static void a_failing_map_leaves_nothing(void **state)
{
	struct vfs_mem *second = NULL;
	void *addr;

	(void)state;
	connect_with(4, 0);
	d.iommu.num_maps = 0;
	d.iommu.fail_map = 1;
	d.iommu.map_error = -EIO;
	assert_int_equal(vfs_mem_alloc(session, PAGE, &addr, &second), -EIO);
	assert_null(second);
	get_memory();
}

/* ---- taking it back ---- */

static void memory_in_use_is_not_taken_back(void **state)
{
	struct iovec iov = {.iov_len = PAGE};
	struct vfs_request *request;

	(void)state;
	connect_with(4, 0);
	get_memory();
	iov.iov_base = memory;
	request = new_read(PAGE, &iov, 1);
	assert_int_equal(vfs_request_prepare(request, READ_IN), 0);
	assert_int_equal(vfs_mem_unregister(mem), -EBUSY);
	/* Prepared once more it is not counted twice. */
	assert_int_equal(vfs_request_prepare(request, READ_IN), 0);
	submit(request);
	assert_int_equal(vfs_mem_unregister(mem), -EBUSY);
	take(&taken);
	finish_read(request, PAGE);
	request = new_read(PAGE, &iov, 1);
	assert_int_equal(vfs_request_prepare(request, READ_IN), 0);
	vfs_request_put(request);
	assert_int_equal(vfs_mem_unregister(mem), 0);
}

static void after_its_deadline_memory_is_the_devices_until_it_returns_it(void **state)
{
	struct iovec iov = {.iov_len = PAGE};
	struct vfs_request *request;
	uint8_t bytes[PAGE] = {0};

	(void)state;
	connect_with(4, 0);
	get_memory();
	iov.iov_base = memory;
	request = new_read(PAGE, &iov, 1);
	vfs_request_set_timeout(request, 1);
	send_it(request, READ_IN);
	poll(NULL, 0, 3);
	assert_ptr_equal(reap_one(queue), request);
	assert_int_equal(vfs_request_error(request), -ETIMEDOUT);
	assert_int_equal(vfs_mem_unregister(mem), -EBUSY);
	vfs_request_put(request);
	assert_int_equal(vfs_mem_unregister(mem), -EBUSY);
	fuse_device_answer(&d, &taken, 0, bytes, sizeof(bytes));
	reap_none(queue);
	assert_int_equal(vfs_mem_unregister(mem), 0);
}

static void after_a_failure_it_is_taken_back_when_all_is_reaped(void **state)
{
	struct iovec iov = {.iov_len = PAGE};
	struct vfs_request *request;
	struct vfs_mem *second = NULL;
	void *addr;

	(void)state;
	connect_with(4, 0);
	get_memory();
	iov.iov_base = memory;
	request = new_read(PAGE, &iov, 1);
	send_it(request, READ_IN);
	vfs_session_abort(session);
	assert_int_equal(vfs_mem_unregister(mem), -EBUSY);
	assert_ptr_equal(reap_one(queue), request);
	assert_int_equal(vfs_request_error(request), -EIO);
	assert_int_equal(vfs_mem_unregister(mem), 0);
	assert_int_equal(vfs_mem_alloc(session, PAGE, &addr, &second), -EIO);
}

static void parked_requests_keep_their_data(void **state)
{
	struct iovec iov[8];
	struct vfs_request *requests[8];

	(void)state;
	fuse_device_set_queues(&d, 1, 8);
	d.stub.offered &= ~FEATURE_INDIRECT;
	connect_with(8, 0);
	get_memory();
	for (unsigned int i = 0; i < 8; i++) {
		iov[i] = (struct iovec){.iov_base = memory + (size_t)i * PAGE, .iov_len = PAGE};
		requests[i] = new_read(PAGE, &iov[i], 1);
		assert_int_equal(vfs_request_prepare(requests[i], READ_IN), 0);
	}
	assert_int_equal(vfs_queue_submit(queue, requests, 8), 0);
	for (unsigned int i = 0; i < 8; i++) {
		take(&taken);
		assert_ptr_equal(at(2), memory + (size_t)i * PAGE);
		finish_read(requests[i], PAGE);
		check_filled(memory + (size_t)i * PAGE, PAGE, 0);
	}
	assert_int_equal(vfs_mem_unregister(mem), 0);
}

/* The fixture sees that nothing is mapped in the end, nor was unmapped before the reset. */
static void the_end_of_a_session_takes_all_back(void **state)
{
	(void)state;
	d.unmaps_while_running = false;
	connect_with(4, 0);
	for (unsigned int i = 0; i < 5; i++)
		get_memory();
}

static void the_right_memory_is_found_among_many(void **state)
{
	struct vfs_mem *mems[12];
	uint8_t *at_addr[12];
	struct iovec iov = {.iov_len = PAGE};
	void *addr;

	(void)state;
	connect_with(4, 0);
	for (unsigned int i = 0; i < 12; i++) {
		assert_int_equal(vfs_mem_alloc(session, PAGE, &addr, &mems[i]), 0);
		at_addr[i] = addr;
	}
	for (unsigned int i = 0; i < 12; i += 2)
		assert_int_equal(vfs_mem_unregister(mems[i]), 0);
	for (unsigned int round = 0; round < 100; round++) {
		unsigned int i = round * 7 % 12 | 1u;
		struct vfs_request *request;

		iov.iov_base = at_addr[i];
		request = new_read(PAGE, &iov, 1);
		send_it(request, READ_IN);
		assert_ptr_equal(at(2), at_addr[i]);
		finish_read(request, PAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DATA_TEST(what_is_registered_is_sent_from_where_it_is),
		DATA_TEST(what_is_registered_is_received_where_it_is),
		DATA_TEST(what_is_not_registered_is_copied),
		DATA_TEST(both_kinds_are_mixed),
		DATA_TEST(pages_that_are_scattered_are_found_one_by_one),
		DATA_TEST(memory_that_the_device_only_reads_is_not_written_by_it),
		DATA_TEST(data_has_limits),
		DATA_TEST(data_of_one_request_has_less_than_2_gib),
		DATA_TEST(registering_is_refused_with_a_reason),
		DATA_TEST(a_failing_map_leaves_nothing),
		DATA_TEST(memory_in_use_is_not_taken_back),
		DATA_TEST(after_its_deadline_memory_is_the_devices_until_it_returns_it),
		DATA_TEST(after_a_failure_it_is_taken_back_when_all_is_reaped),
		DATA_TEST(parked_requests_keep_their_data),
		DATA_TEST(the_end_of_a_session_takes_all_back),
		DATA_TEST(the_right_memory_is_found_among_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
