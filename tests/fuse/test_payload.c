/* SPDX-License-Identifier: MIT */
/* Messages and answers that are larger than a page. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "fuse/fixture.h"

#define PAGE 4096u

static void check_pattern(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != pattern_byte(i))
			fail_msg("byte %zu is wrong", i);
}

/* A WRITE of so many bytes takes so many descriptors for its message and one for its answer. */
static void check_write(uint32_t size, unsigned int readable)
{
	static const struct fuse_write_out out = {.size = 1};
	struct vfs_request *request = message_write(queue, size);

	submit(request);
	take(&taken);
	assert_int_equal(taken.length, VFS_REQUEST_HEAD + size);
	assert_int_equal(taken.header.opcode, FUSE_WRITE);
	check_pattern(taken.bytes + VFS_REQUEST_HEAD, size);
	assert_int_equal(taken.chain.num_readable, readable);
	assert_int_equal(taken.chain.count, readable + 1);
	assert_int_equal(taken.chain.writable_bytes, sizeof(struct fuse_out_header) + sizeof(out));
	fuse_device_answer(&d, &taken, 0, &out, sizeof(out));
	assert_ptr_equal(reap_one(queue), request);
	assert_int_equal(vfs_request_error(request), 0);
	vfs_request_put(request);
}

/* A READ of so many bytes: its message in one piece, its answer in so many. */
static void check_read(uint32_t size, uint32_t got, unsigned int writable)
{
	static uint8_t data[PAYLOAD];
	struct vfs_request *request = message_read(queue, size);
	struct iovec iov[2];

	for (uint32_t i = 0; i < got; i++)
		data[i] = pattern_byte(i);
	submit(request);
	take(&taken);
	assert_int_equal(taken.length, sizeof(struct fuse_in_header) + sizeof(struct fuse_read_in));
	assert_int_equal(taken.chain.num_readable, 1);
	assert_int_equal(taken.chain.count, 1 + writable);
	assert_int_equal(taken.chain.writable_bytes, sizeof(struct fuse_out_header) + size);
	fuse_device_answer(&d, &taken, 0, data, got);
	assert_ptr_equal(reap_one(queue), request);
	assert_int_equal(vfs_request_error(request), 0);
	assert_int_equal(vfs_request_reply(request, iov), got ? 2 : 1);
	if (got) {
		assert_int_equal(iov[1].iov_len, got);
		check_pattern(iov[1].iov_base, got);
	}
	vfs_request_put(request);
}

static void reads_and_writes(unsigned int pieces_of_payload)
{
	bool whole = pieces_of_payload == 1;

	connect_with(4, 0);
	assert_int_equal(vfs_session_max_payload(session), PAYLOAD);
	check_write(0, 1);
	check_write(1, whole ? 1 : 2);
	check_write(PAGE, whole ? 1 : 2);
	check_write(PAGE + 1, whole ? 1 : 3);
	check_write(PAYLOAD, whole ? 1 : 1 + pieces_of_payload);
	/* A small body is in one piece with the answer's header. */
	check_read(0, 0, 1);
	check_read(1024, 1024, 1);
	check_read(1024, 7, 1);
	check_read(1025, 1025, 2);
	check_read(2 * PAGE, PAGE + 9, whole ? 2 : 3);
	check_read(PAYLOAD, PAYLOAD, 1 + pieces_of_payload);
	check_read(PAYLOAD, 0, 1 + pieces_of_payload);
}

static void payloads_with_addresses_of_our_own_are_in_one_piece(void **state)
{
	(void)state;
	reads_and_writes(1);
}

static void payloads_in_scattered_pages_are_in_as_many_pieces(void **state)
{
	(void)state;
	without_platform();
	reads_and_writes(PAYLOAD / PAGE);
	assert_true(taken.chain.indirect);
}

static void payloads_in_scattered_pages_go_without_indirect_tables_too(void **state)
{
	(void)state;
	without_platform();
	d.stub.offered &= ~FEATURE_INDIRECT;
	reads_and_writes(PAYLOAD / PAGE);
	assert_false(taken.chain.indirect);
}

static void direct_chains_with_addresses_of_our_own(void **state)
{
	(void)state;
	d.stub.offered &= ~(FEATURE_INDIRECT | FEATURE_EVENT_IDX);
	reads_and_writes(1);
	assert_false(taken.chain.indirect);
}

/* Message and answer both have bytes in the payload, on pages of their own. */
static void a_large_message_with_a_large_answer(void **state)
{
	static uint8_t args[sizeof(struct fuse_ioctl_in) + 6000];
	static uint8_t reply[sizeof(struct fuse_ioctl_out) + 9000];
	struct fuse_ioctl_in in = {.in_size = 6000, .out_size = 9000};
	struct vfs_request *request;
	struct iovec iov[2];

	(void)state;
	without_platform();
	connect_with(4, 0);
	memset(args, 'a', sizeof(args));
	memset(reply, 'r', sizeof(reply));
	memcpy(args, &in, sizeof(in));
	request = message_raw(queue, FUSE_IOCTL, args, sizeof(args));
	assert_int_equal(
		vfs_request_prepare(request, sizeof(struct fuse_in_header) + sizeof(args)), 0);
	submit(request);
	take(&taken);
	assert_memory_equal(taken.bytes + sizeof(struct fuse_in_header), args, sizeof(args));
	assert_int_equal(taken.chain.num_readable, 3);
	assert_int_equal(taken.chain.count, 3 + 1 + 3);
	fuse_device_answer(&d, &taken, 0, reply, sizeof(reply));
	reap_one(queue);
	assert_int_equal(vfs_request_reply(request, iov), 2);
	assert_memory_equal(iov[1].iov_base, reply, sizeof(reply));
	/* The message is still what it was: the answer did not go over it. */
	assert_memory_equal((uint8_t *)vfs_request_message(request) + sizeof(struct fuse_in_header),
		args, sizeof(args));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(payloads_with_addresses_of_our_own_are_in_one_piece),
		TEST(payloads_in_scattered_pages_are_in_as_many_pieces),
		TEST(payloads_in_scattered_pages_go_without_indirect_tables_too),
		TEST(direct_chains_with_addresses_of_our_own),
		TEST(a_large_message_with_a_large_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
