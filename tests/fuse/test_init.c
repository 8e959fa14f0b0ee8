/* SPDX-License-Identifier: MIT */
/* The message INIT and what comes back. How it travels is in test_session.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "dma/said.h"
#include "fuse/fuse.h"

#define MIB	(1u << 20)
#define PAYLOAD (256u << 10)
#define EXT	((uint32_t)FUSE_INIT_EXT)
#define LOW	((uint32_t)(FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_MAX_PAGES))
#define HIGH	FUSE_HAS_INODE_DAX

/* ---- the request ---- */

static void the_request_has_64_bytes_after_its_header(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct fuse_init_in), 64);
	assert_int_equal(VFS_INIT_MESSAGE_SIZE, 104);
}

static void flags_of_the_upper_half_bring_init_ext(void **state)
{
	static const struct {
		uint64_t want;
		uint32_t flags;
		uint32_t flags2;
	} cases[] = {
		{0, 0, 0},
		{LOW, LOW, 0},
		{LOW | EXT, LOW | EXT, 0},
		{LOW | HIGH, LOW | EXT, (uint32_t)(HIGH >> 32)},
		{1ull << 63, EXT, 1u << 31},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vfs_init want = {.flags = cases[i].want, .max_readahead = 12345};
		struct fuse_init_in in;

		memset(&in, 0xa5, sizeof(in));
		vfs_init_build(&want, &in);
		assert_int_equal(in.major, 7);
		assert_int_equal(in.max_readahead, 12345);
		assert_int_equal(in.flags, cases[i].flags);
		assert_int_equal(in.flags2, cases[i].flags2);
		for (size_t j = 0; j < ARRAY_SIZE(in.unused); j++)
			assert_int_equal(in.unused[j], 0);
	}
}

static void the_minor_is_the_callers_or_the_newest_known(void **state)
{
	struct fuse_init_in in;

	(void)state;
	vfs_init_build(&(struct vfs_init){.minor = 0}, &in);
	assert_int_equal(in.minor, VFS_FUSE_MINOR);
	vfs_init_build(&(struct vfs_init){.minor = 31}, &in);
	assert_int_equal(in.minor, 31);
}

/* ---- the answer ---- */

static const struct fuse_init_out good = {
	.major = 7,
	.minor = 38,
	.max_readahead = 65536,
	.flags = LOW,
	.max_background = 12,
	.congestion_threshold = 9,
	.max_write = 128 << 10,
	.time_gran = 100,
	.max_pages = 32,
};

static const struct vfs_init offer = {.flags = LOW | FUSE_MAP_ALIGNMENT};

static int parse(const struct fuse_init_out *out, const struct vfs_init *want, struct vfs_init *got)
{
	memset(got, 0xa5, sizeof(*got));
	return vfs_init_parse(out, sizeof(*out), want, PAYLOAD, 0, got);
}

static void an_answer_says_what_was_agreed(void **state)
{
	struct vfs_init got;

	(void)state;
	assert_int_equal(parse(&good, &offer, &got), 0);
	assert_int_equal(got.major, 7);
	assert_int_equal(got.minor, 38);
	assert_int_equal(got.flags, LOW);
	assert_int_equal(got.max_readahead, 65536);
	assert_int_equal(got.max_write, 128 << 10);
	assert_int_equal(got.max_pages, 32);
	assert_int_equal(got.max_background, 12);
	assert_int_equal(got.congestion_threshold, 9);
	assert_int_equal(got.time_gran, 100);
	assert_int_equal(got.map_alignment, 0);
}

static void answers_of_8_24_and_64_bytes_are_read(void **state)
{
	struct fuse_init_out out = good;
	struct vfs_init got;

	(void)state;
	out.flags |= FUSE_MAP_ALIGNMENT;
	out.map_alignment = 12;
	assert_int_equal(vfs_init_parse(&out, 8, &offer, PAYLOAD, 0, &got), 0);
	assert_int_equal(got.minor, 38);
	assert_int_equal(got.flags, 0);
	assert_int_equal(got.max_write, 4096);
	assert_int_equal(got.max_pages, 32);
	assert_int_equal(got.time_gran, 1);

	assert_int_equal(vfs_init_parse(&out, 24, &offer, PAYLOAD, 0, &got), 0);
	assert_int_equal(got.flags, LOW | FUSE_MAP_ALIGNMENT);
	assert_int_equal(got.max_write, 128 << 10);
	assert_int_equal(got.max_background, 12);
	/* These are beyond its end. */
	assert_int_equal(got.time_gran, 1);
	assert_int_equal(got.map_alignment, 0);

	assert_int_equal(vfs_init_parse(&out, 64, &offer, PAYLOAD, 0, &got), 0);
	assert_int_equal(got.time_gran, 100);
	assert_int_equal(got.map_alignment, 12);
}

static void answers_of_any_other_size_are_refused(void **state)
{
	uint8_t bytes[200] = {0};
	struct vfs_init got;

	(void)state;
	memcpy(bytes, &good, sizeof(good));
	for (size_t length = 0; length <= sizeof(bytes); length++) {
		if (length == 8 || length == 24 || length == 64)
			continue;
		assert_int_equal(vfs_init_parse(bytes, length, &offer, PAYLOAD, 0, &got), -EPROTO);
	}
	assert_error_says("answers INIT with 200 bytes");
}

static void versions_are_taken_from_7_27_on(void **state)
{
	static const struct {
		uint32_t major;
		uint32_t minor;
		uint32_t want;
		int result;
		uint32_t got;
		const char *says;
	} cases[] = {
		{7, 27, 0, 0, 27, NULL},
		{7, 36, 0, 0, 36, NULL},
		{7, 99, 0, 0, VFS_FUSE_MINOR, NULL},
		{7, 99, 31, 0, 31, NULL},
		{7, 30, 31, 0, 30, NULL},
		{7, UINT32_MAX, 0, 0, VFS_FUSE_MINOR, NULL},
		{7, 26, 0, -EPROTONOSUPPORT, 0, "speaks FUSE 7.26, this library 7.27"},
		{7, 0, 0, -EPROTONOSUPPORT, 0, "7.0"},
		{6, 36, 0, -EPROTONOSUPPORT, 0, "speaks FUSE 6.36"},
		{8, 0, 0, -EPROTONOSUPPORT, 0, "speaks FUSE 8.0"},
		{8, 36, 0, -EPROTONOSUPPORT, 0, "speaks FUSE 8.36"},
		{0, 0, 0, -EPROTONOSUPPORT, 0, "speaks FUSE 0.0"},
		{7u << 24, 36u << 24, 0, -EPROTO, 0, "other byte order"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vfs_init want = {.minor = cases[i].want};
		struct fuse_init_out out = good;
		struct vfs_init got;

		out.major = cases[i].major;
		out.minor = cases[i].minor;
		assert_int_equal(parse(&out, &want, &got), cases[i].result);
		if (cases[i].result == 0)
			assert_int_equal(got.minor, cases[i].got);
		else
			assert_error_says(cases[i].says);
	}
}

static void flags_that_were_not_offered_are_cleared(void **state)
{
	static const struct {
		uint64_t want;
		uint32_t flags;
		uint32_t flags2;
		uint64_t got;
	} cases[] = {
		{LOW, ~EXT, 0, LOW},
		{LOW, FUSE_ASYNC_READ | FUSE_POSIX_ACL, 0, FUSE_ASYNC_READ},
		{0, UINT32_MAX, UINT32_MAX, 0},
		{LOW, UINT32_MAX, UINT32_MAX, LOW},
		{LOW | HIGH, LOW | EXT, UINT32_MAX, LOW | EXT | HIGH},
		{LOW | HIGH, UINT32_MAX, 0, LOW | EXT},
		{LOW | EXT, LOW | EXT, UINT32_MAX, LOW | EXT},
		/* Without INIT_EXT what is in flags2 was never written. */
		{LOW | HIGH, LOW, UINT32_MAX, LOW},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vfs_init want = {.flags = cases[i].want};
		struct fuse_init_out out = good;
		struct vfs_init got;

		out.flags = cases[i].flags;
		out.flags2 = cases[i].flags2;
		assert_int_equal(parse(&out, &want, &got), 0);
		assert_int_equal(got.flags, cases[i].got);
	}
}

static void max_write_is_between_a_page_and_a_slot(void **state)
{
	static const struct {
		uint32_t said;
		uint32_t got;
	} cases[] = {
		{1, 4096},
		{4095, 4096},
		{4096, 4096},
		{4097, 4097},
		{PAYLOAD, PAYLOAD},
		{PAYLOAD + 1, PAYLOAD},
		{MIB, PAYLOAD},
		{UINT32_MAX, PAYLOAD},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fuse_init_out out = good;
		struct vfs_init got;

		out.max_write = cases[i].said;
		assert_int_equal(parse(&out, &offer, &got), 0);
		assert_int_equal(got.max_write, cases[i].got);
	}
}

static void a_max_write_of_0_takes_a_quirk(void **state)
{
	struct fuse_init_out out = good;
	struct vfs_init got;

	(void)state;
	out.max_write = 0;
	assert_int_equal(parse(&out, &offer, &got), -EPROTO);
	assert_error_says("a max_write of 0 (the quirk max-write-zero takes that)");
	assert_int_equal(
		vfs_init_parse(&out, sizeof(out), &offer, PAYLOAD, VFS_QUIRK_USED_LEN_ZERO, &got),
		-EPROTO);
	assert_int_equal(
		vfs_init_parse(&out, sizeof(out), &offer, PAYLOAD, VFS_QUIRK_MAX_WRITE_ZERO, &got),
		0);
	assert_int_equal(got.max_write, 4096);
	/* Before 7.5 there was none. */
	assert_int_equal(vfs_init_parse(&out, 8, &offer, PAYLOAD, 0, &got), 0);
	assert_int_equal(got.max_write, 4096);
}

static void max_pages_is_32_if_it_was_not_agreed_on(void **state)
{
	static const struct {
		uint64_t offered;
		uint32_t flags;
		uint16_t said;
		size_t payload;
		uint16_t got;
	} cases[] = {
		{LOW, LOW, 256, 4 * MIB, 256},
		{LOW, LOW, 256, PAYLOAD, PAYLOAD / 4096},
		{LOW, LOW, 1, PAYLOAD, 1},
		{LOW, LOW, 0, PAYLOAD, 32},
		{LOW, 0, 256, MIB, 32},
		{0, LOW, 256, MIB, 32},
		{LOW, 0, 256, 4096, 1},
		{LOW, LOW, UINT16_MAX, 16 * MIB, 4096},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vfs_init want = {.flags = cases[i].offered};
		struct fuse_init_out out = good;
		struct vfs_init got;

		out.flags = cases[i].flags;
		out.max_pages = cases[i].said;
		assert_int_equal(
			vfs_init_parse(&out, sizeof(out), &want, cases[i].payload, 0, &got), 0);
		assert_int_equal(got.max_pages, cases[i].got);
	}
}

static void map_alignment_counts_only_if_it_was_agreed_on(void **state)
{
	struct fuse_init_out out = good;
	struct vfs_init got;

	(void)state;
	out.map_alignment = 21;
	assert_int_equal(parse(&out, &offer, &got), 0);
	assert_int_equal(got.map_alignment, 0);
	out.flags |= FUSE_MAP_ALIGNMENT;
	assert_int_equal(parse(&out, &offer, &got), 0);
	assert_int_equal(got.map_alignment, 21);
	assert_int_equal(parse(&out, &(struct vfs_init){.flags = LOW}, &got), 0);
	assert_int_equal(got.map_alignment, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_request_has_64_bytes_after_its_header),
		cmocka_unit_test(flags_of_the_upper_half_bring_init_ext),
		cmocka_unit_test(the_minor_is_the_callers_or_the_newest_known),
		cmocka_unit_test(an_answer_says_what_was_agreed),
		cmocka_unit_test(answers_of_8_24_and_64_bytes_are_read),
		cmocka_unit_test(answers_of_any_other_size_are_refused),
		cmocka_unit_test(versions_are_taken_from_7_27_on),
		cmocka_unit_test(flags_that_were_not_offered_are_cleared),
		cmocka_unit_test(a_max_write_of_0_takes_a_quirk),
		cmocka_unit_test(max_write_is_between_a_page_and_a_slot),
		cmocka_unit_test(max_pages_is_32_if_it_was_not_agreed_on),
		cmocka_unit_test(map_alignment_counts_only_if_it_was_agreed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
