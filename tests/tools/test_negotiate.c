/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "negotiate.h"

static const struct negotiate_limits roomy = {
	.max_payload = 1 << 20,
	.max_write = 1 << 20,
	.page_size = 4096,
	.depth = 32,
	.default_permissions = true,
	.posix_acl = true,
	.writeback = true,
};

/* A kernel that offers everything. */
static const struct fuse_init_in eager = {
	.major = 7,
	.minor = 45,
	.max_readahead = 128 << 10,
	.flags = UINT32_MAX,
	.flags2 = UINT32_MAX,
};

/* A server that agrees to everything. */
static const struct vfs_init generous = {
	.major = 7,
	.minor = 45,
	.flags = UINT64_MAX,
	.max_readahead = 1 << 30,
	.max_write = 1 << 20,
	.max_pages = 256,
	.time_gran = 1,
};

static uint64_t offered(const struct fuse_init_in *in, const struct negotiate_limits *limits)
{
	struct vfs_init want;

	negotiate_offer(in, limits, &want);
	return want.flags;
}

static uint64_t answered(const struct negotiate_limits *limits, const struct vfs_init *got)
{
	struct fuse_init_out out;

	negotiate_answer(&eager, limits, got, &out);
	return (uint64_t)out.flags2 << 32 | out.flags;
}

static void test_unknown_and_own_flags_pass_neither_way(void **state)
{
	const uint64_t ours = FUSE_OVER_IO_URING | FUSE_REQUEST_TIMEOUT | FUSE_HAS_RESEND |
			      FUSE_SPLICE_READ | FUSE_SPLICE_WRITE | FUSE_SPLICE_MOVE;
	const uint64_t never = FUSE_MAP_ALIGNMENT | FUSE_HAS_INODE_DAX | FUSE_SUBMOUNTS |
			       FUSE_PASSTHROUGH | 1ULL << 31 | 1ULL << 60;

	(void)state;
	assert_int_equal(offered(&eager, &roomy) & (ours | never | FUSE_ABORT_ERROR), 0);
	assert_int_equal(answered(&roomy, &generous) & (ours | never), 0);
}

static void test_what_the_window_needs_is_offered_to_the_server_alone(void **state)
{
	struct negotiate_limits limits = roomy;
	struct fuse_init_in old = eager;

	(void)state;
	limits.dax = true;
	assert_true(offered(&eager, &limits) & FUSE_MAP_ALIGNMENT);
	assert_false(offered(&eager, &limits) & FUSE_HAS_INODE_DAX);
	limits.inode_dax = true;
	/* The kernel need not know of it. */
	old.flags = FUSE_ASYNC_READ;
	old.flags2 = 0;
	assert_true(offered(&old, &limits) & FUSE_HAS_INODE_DAX);
	assert_true(offered(&old, &limits) & FUSE_INIT_EXT);
	assert_false(answered(&limits, &generous) & (FUSE_MAP_ALIGNMENT | FUSE_HAS_INODE_DAX));
}

static void test_flags_pass_that_both_sides_want(void **state)
{
	const uint64_t both = FUSE_ASYNC_READ | FUSE_DO_READDIRPLUS | FUSE_PARALLEL_DIROPS |
			      FUSE_SECURITY_CTX | FUSE_WRITEBACK_CACHE | FUSE_POSIX_ACL;
	struct vfs_init got = generous;
	struct fuse_init_in in = eager;

	(void)state;
	assert_int_equal(offered(&eager, &roomy) & both, both);
	assert_int_equal(answered(&roomy, &generous) & both, both);
	got.flags = ~(uint64_t)FUSE_ASYNC_READ;
	assert_int_equal(answered(&roomy, &got) & both, both & ~(uint64_t)FUSE_ASYNC_READ);
	in.flags = ~(uint32_t)FUSE_ASYNC_READ;
	assert_int_equal(offered(&in, &roomy) & FUSE_ASYNC_READ, 0);
}

static void test_options_mask_writeback_and_acl(void **state)
{
	struct negotiate_limits limits = roomy;
	const uint64_t masked = FUSE_WRITEBACK_CACHE | FUSE_POSIX_ACL;

	(void)state;
	limits.writeback = false;
	limits.posix_acl = false;
	assert_int_equal(offered(&eager, &limits) & masked, 0);
	assert_int_equal(answered(&limits, &generous) & masked, 0);
}

static void test_without_a_cache_nothing_is_kept(void **state)
{
	const uint64_t masked = FUSE_WRITEBACK_CACHE | FUSE_CACHE_SYMLINKS | FUSE_NO_OPEN_SUPPORT |
				FUSE_NO_OPENDIR_SUPPORT;
	struct negotiate_limits limits = roomy;
	struct vfs_init got = generous;

	(void)state;
	limits.no_cache = true;
	assert_int_equal(offered(&eager, &limits) & masked, 0);
	assert_int_equal(answered(&limits, &generous) & masked, 0);
	/* Files can be mapped whether the server knows of that or not. */
	got.flags &= ~FUSE_DIRECT_IO_ALLOW_MMAP;
	assert_true(answered(&limits, &got) & FUSE_DIRECT_IO_ALLOW_MMAP);
	assert_false(answered(&roomy, &got) & FUSE_DIRECT_IO_ALLOW_MMAP);
}

static void test_features_that_are_off(void **state)
{
	struct negotiate_limits limits = roomy;

	(void)state;
	limits.dax = true;
	limits.off = FUSE_ASYNC_READ | FUSE_MAP_ALIGNMENT | FUSE_ABORT_ERROR | FUSE_SECURITY_CTX;
	assert_int_equal(offered(&eager, &limits) & limits.off, 0);
	assert_int_equal(answered(&limits, &generous) & limits.off, 0);
	assert_true(offered(&eager, &limits) & FUSE_DO_READDIRPLUS);
	assert_true(answered(&limits, &generous) & FUSE_CREATE_SUPP_GROUP);
	limits.off = FUSE_INIT_EXT;
	assert_int_equal(offered(&eager, &limits) >> 30, 0);
	assert_int_equal(answered(&limits, &generous) >> 30, 0);
}

static void test_without_max_pages_none_are_said(void **state)
{
	struct negotiate_limits limits = roomy;
	struct fuse_init_out out;

	(void)state;
	limits.off = FUSE_MAX_PAGES;
	negotiate_answer(&eager, &limits, &generous, &out);
	assert_int_equal(out.max_pages, 0);
}

static void test_idmap_needs_the_kernel_to_check_permissions_and_uids(void **state)
{
	struct negotiate_limits limits = roomy;

	(void)state;
	assert_true(answered(&limits, &generous) & FUSE_ALLOW_IDMAP);
	limits.allow_root = true;
	assert_false(offered(&eager, &limits) & FUSE_ALLOW_IDMAP);
	assert_false(answered(&limits, &generous) & FUSE_ALLOW_IDMAP);
	limits.allow_root = false;
	limits.default_permissions = false;
	assert_false(offered(&eager, &limits) & FUSE_ALLOW_IDMAP);
	assert_false(answered(&limits, &generous) & FUSE_ALLOW_IDMAP);
}

static void test_init_ext_goes_with_upper_flags(void **state)
{
	struct vfs_init got = generous;
	struct fuse_init_in in = eager;

	(void)state;
	assert_true(offered(&eager, &roomy) & FUSE_INIT_EXT);
	assert_true(answered(&roomy, &generous) & FUSE_INIT_EXT);
	got.flags = FUSE_ASYNC_READ;
	assert_int_equal(answered(&roomy, &got) & FUSE_INIT_EXT, 0);
	/* Without INIT_EXT the upper half is not there, whatever the memory holds. */
	in.flags &= ~(uint32_t)FUSE_INIT_EXT;
	assert_int_equal(offered(&in, &roomy) >> 32, 0);
	assert_int_equal(offered(&in, &roomy) & FUSE_INIT_EXT, 0);
}

static void test_sizes_are_clamped_to_the_slot(void **state)
{
	struct negotiate_limits limits = roomy;
	struct fuse_init_out out;

	(void)state;
	limits.max_payload = 64 << 10;
	negotiate_answer(&eager, &limits, &generous, &out);
	assert_int_equal(out.max_write, 64 << 10);
	assert_int_equal(out.max_pages, 16);
	limits.max_write = 4096;
	negotiate_answer(&eager, &limits, &generous, &out);
	assert_int_equal(out.max_write, 4096);
	limits.page_size = 65536;
	negotiate_answer(&eager, &limits, &generous, &out);
	assert_int_equal(out.max_pages, 1);
	limits.max_payload = 32 << 10;
	negotiate_answer(&eager, &limits, &generous, &out);
	assert_int_equal(out.max_pages, 1);
}

static void test_sizes_of_the_server_are_kept_when_smaller(void **state)
{
	struct vfs_init got = generous;
	struct fuse_init_out out;

	(void)state;
	got.max_write = 128 << 10;
	got.max_pages = 32;
	got.max_readahead = 64 << 10;
	/* The kernel is told of the 32 pages although the server knows no MAX_PAGES. */
	got.flags &= ~(uint64_t)FUSE_MAX_PAGES;
	negotiate_answer(&eager, &roomy, &got, &out);
	assert_int_equal(out.max_write, 128 << 10);
	assert_int_equal(out.max_pages, 32);
	assert_true(out.flags & FUSE_MAX_PAGES);
	assert_int_equal(out.max_readahead, 64 << 10);
}

static void test_readahead_does_not_exceed_kernel_or_slots(void **state)
{
	struct negotiate_limits limits = roomy;
	struct fuse_init_out out;

	(void)state;
	negotiate_answer(&eager, &limits, &generous, &out);
	assert_int_equal(out.max_readahead, eager.max_readahead);
	limits.max_payload = 8192;
	limits.depth = 2;
	negotiate_answer(&eager, &limits, &generous, &out);
	assert_int_equal(out.max_readahead, 16384);
}

static uint32_t readahead(const struct negotiate_limits *limits, const struct vfs_init *got)
{
	return negotiate_readahead(&eager, limits, got);
}

static void test_readahead_is_one_request_unless_told(void **state)
{
	struct negotiate_limits limits = roomy;
	struct vfs_init got = generous;
	struct fuse_init_out out;
	struct vfs_init want;

	(void)state;
	negotiate_offer(&eager, &limits, &want);
	assert_int_equal(want.max_readahead, limits.max_payload);
	assert_int_equal(readahead(&limits, &got), limits.max_payload);
	got.max_pages = 64;
	assert_int_equal(readahead(&limits, &got), 256 << 10);
	/* As much as the kernel has by itself it can keep. */
	got.max_pages = 1;
	assert_int_equal(readahead(&limits, &got), eager.max_readahead);
	limits.readahead = 16384;
	negotiate_offer(&eager, &limits, &want);
	assert_int_equal(want.max_readahead, 16384);
	negotiate_answer(&eager, &limits, &got, &out);
	assert_int_equal(out.max_readahead, 16384);
	limits.readahead = 1 << 29;
	assert_int_equal(readahead(&limits, &got), limits.max_payload * limits.depth);
	got.max_readahead = 512 << 10;
	assert_int_equal(readahead(&limits, &got), 512 << 10);
}

static void test_background_requests_fit_into_the_slots(void **state)
{
	struct negotiate_limits limits = roomy;
	struct vfs_init got = generous;
	struct fuse_init_out out;

	(void)state;
	negotiate_answer(&eager, &limits, &got, &out);
	assert_int_equal(out.max_background, 12);
	assert_int_equal(out.congestion_threshold, 9);
	got.max_background = 64;
	got.congestion_threshold = 48;
	negotiate_answer(&eager, &limits, &got, &out);
	assert_int_equal(out.max_background, 32);
	assert_int_equal(out.congestion_threshold, 24);
	got.congestion_threshold = 20;
	negotiate_answer(&eager, &limits, &got, &out);
	assert_int_equal(out.congestion_threshold, 20);
	limits.depth = 1;
	negotiate_answer(&eager, &limits, &got, &out);
	assert_int_equal(out.max_background, 1);
	assert_int_equal(out.congestion_threshold, 1);
}

static void test_minor_is_the_oldest_of_the_three(void **state)
{
	struct fuse_init_in in = eager;
	struct vfs_init got = generous;
	struct vfs_init want;
	struct fuse_init_out out;

	(void)state;
	in.minor = 99;
	negotiate_offer(&in, &roomy, &want);
	assert_int_equal(want.major, 7);
	assert_int_equal(want.minor, VFS_FUSE_MINOR);
	in.minor = 38;
	negotiate_offer(&in, &roomy, &want);
	assert_int_equal(want.minor, 38);
	got.minor = 36;
	negotiate_answer(&in, &roomy, &got, &out);
	assert_int_equal(out.minor, 36);
}

static void test_abort_error_is_between_kernel_and_bridge(void **state)
{
	struct fuse_init_in in = eager;
	struct vfs_init got = generous;
	struct fuse_init_out out;

	(void)state;
	got.flags = 0;
	negotiate_answer(&in, &roomy, &got, &out);
	assert_true(out.flags & FUSE_ABORT_ERROR);
	in.flags &= ~(uint32_t)FUSE_ABORT_ERROR;
	negotiate_answer(&in, &roomy, &got, &out);
	assert_false(out.flags & FUSE_ABORT_ERROR);
}

static void test_versions_of_the_kernel(void **state)
{
	struct fuse_init_in in = {.major = 8, .minor = 0};

	(void)state;
	assert_int_equal(negotiate_version(&in), NEGOTIATE_ASK_AGAIN);
	in = (struct fuse_init_in){.major = 6, .minor = 99};
	assert_int_equal(negotiate_version(&in), NEGOTIATE_REFUSE);
	in = (struct fuse_init_in){.major = 7, .minor = VFS_FUSE_MINOR_MIN - 1};
	assert_int_equal(negotiate_version(&in), NEGOTIATE_REFUSE);
	in = (struct fuse_init_in){.major = 7, .minor = VFS_FUSE_MINOR_MIN};
	assert_int_equal(negotiate_version(&in), NEGOTIATE_GO_ON);
	in = (struct fuse_init_in){.major = 7, .minor = 99};
	assert_int_equal(negotiate_version(&in), NEGOTIATE_GO_ON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_and_own_flags_pass_neither_way),
		cmocka_unit_test(test_what_the_window_needs_is_offered_to_the_server_alone),
		cmocka_unit_test(test_flags_pass_that_both_sides_want),
		cmocka_unit_test(test_options_mask_writeback_and_acl),
		cmocka_unit_test(test_without_a_cache_nothing_is_kept),
		cmocka_unit_test(test_features_that_are_off),
		cmocka_unit_test(test_without_max_pages_none_are_said),
		cmocka_unit_test(test_idmap_needs_the_kernel_to_check_permissions_and_uids),
		cmocka_unit_test(test_init_ext_goes_with_upper_flags),
		cmocka_unit_test(test_sizes_are_clamped_to_the_slot),
		cmocka_unit_test(test_sizes_of_the_server_are_kept_when_smaller),
		cmocka_unit_test(test_readahead_does_not_exceed_kernel_or_slots),
		cmocka_unit_test(test_readahead_is_one_request_unless_told),
		cmocka_unit_test(test_background_requests_fit_into_the_slots),
		cmocka_unit_test(test_minor_is_the_oldest_of_the_three),
		cmocka_unit_test(test_abort_error_is_between_kernel_and_bridge),
		cmocka_unit_test(test_versions_of_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
