/* SPDX-License-Identifier: MIT */
/* What a connection offers, requires and gets. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <vfs/fuse.h>

#include "dma/said.h"
#include "fuse/fixture.h"

static struct fuse_init_in asked;
static struct fuse_init_out server;
static struct vfs_fuse *fuse;

static void serve(struct fuse_device *device, const struct taken *message)
{
	if (message->header.opcode != FUSE_INIT) {
		fuse_device_serve(device, message);
		return;
	}
	memcpy(&asked, message->bytes + sizeof(struct fuse_in_header), sizeof(asked));
	fuse_device_answer(device, message, 0, &server, sizeof(server));
}

static uint64_t offered(void)
{
	return asked.flags | (uint64_t)asked.flags2 << 32;
}

/* To a server that has these features. */
static int connect_to(uint64_t has, const struct vfs_fuse_options *options)
{
	server = fuse_device_init_out;
	server.flags = (uint32_t)has;
	server.flags2 = (uint32_t)(has >> 32);
	d.serve = serve;
	assert_int_equal(fuse_device_start(&d, NULL, &session), 0);
	return vfs_fuse_connect(session, options, &fuse);
}

static int end(void **state)
{
	vfs_fuse_disconnect(fuse);
	fuse = NULL;
	return tear_down(state);
}

static void duties_of_a_client_are_not_taken_on_unasked(void **state)
{
	static const uint64_t never[] = {FUSE_WRITEBACK_CACHE, FUSE_POSIX_ACL, FUSE_SUBMOUNTS,
		FUSE_PASSTHROUGH, FUSE_ALLOW_IDMAP, FUSE_OVER_IO_URING, FUSE_HAS_INODE_DAX,
		FUSE_HANDLE_KILLPRIV, FUSE_HAS_RESEND, FUSE_SPLICE_READ};

	(void)state;
	assert_int_equal(connect_to(UINT64_MAX, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		assert_int_equal(offered() & never[i], 0);
	assert_int_equal(asked.minor, 45);
	assert_true(offered() & FUSE_DONT_MASK);
	assert_true(offered() & FUSE_SECURITY_CTX);
}

static void more_is_offered_and_less_as_the_options_say(void **state)
{
	struct vfs_fuse_options options = {
		.allow = FUSE_WRITEBACK_CACHE,
		.require = FUSE_POSIX_ACL,
		.forbid = FUSE_DONT_MASK | FUSE_SECURITY_CTX,
		.max_readahead = 12345,
	};

	(void)state;
	assert_int_equal(connect_to(UINT64_MAX, &options), 0);
	assert_true(offered() & FUSE_WRITEBACK_CACHE);
	assert_true(offered() & FUSE_POSIX_ACL);
	assert_false(offered() & FUSE_DONT_MASK);
	assert_false(offered() & FUSE_SECURITY_CTX);
	assert_int_equal(asked.max_readahead, 12345);
}

static void without_init_ext_there_is_no_upper_half(void **state)
{
	struct vfs_fuse_options options = {.forbid = FUSE_INIT_EXT};

	(void)state;
	assert_int_equal(connect_to(UINT64_MAX, &options), 0);
	assert_false(offered() & FUSE_INIT_EXT);
	assert_int_equal(asked.flags2, 0);
}

static void what_is_required_has_to_be_there(void **state)
{
	struct vfs_fuse_options options = {
		.require = FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS | FUSE_SECURITY_CTX};

	(void)state;
	assert_int_equal(connect_to(FUSE_POSIX_LOCKS, &options), -EOPNOTSUPP);
	assert_error_says("flock_locks, security_ctx");
	assert_null(fuse);
}

static void what_is_required_is_not_forbidden(void **state)
{
	struct vfs_fuse_options options = {.require = FUSE_POSIX_LOCKS, .forbid = FUSE_POSIX_LOCKS};

	(void)state;
	assert_int_equal(connect_to(UINT64_MAX, &options), -EINVAL);
	assert_error_says("posix_locks");
	assert_int_equal(asked.major, 0);
}

static void what_was_negotiated_is_told(void **state)
{
	uint64_t has = FUSE_INIT_EXT | FUSE_POSIX_LOCKS | FUSE_WRITEBACK_CACHE | FUSE_SECURITY_CTX;
	struct vfs_session_info info;

	(void)state;
	assert_int_equal(connect_to(has, NULL), 0);
	vfs_session_info(session, &info);
	assert_int_equal(info.wanted, offered());
	assert_int_equal(info.offered, has);
	assert_int_equal(info.agreed, has & ~(uint64_t)FUSE_WRITEBACK_CACHE);
	assert_int_equal(info.minor, 38);
	assert_int_equal(info.init.max_background, 12);
	assert_int_equal(info.num_queues, 1);
	assert_int_equal(info.max_payload, vfs_session_max_payload(session));
	assert_int_equal(info.virtio, vfs_session_features(session));
}

static void before_that_there_are_no_features(void **state)
{
	struct vfs_session_info info;

	(void)state;
	d.serve = fuse_device_serve;
	assert_int_equal(fuse_device_start(&d, NULL, &session), 0);
	vfs_session_info(session, &info);
	assert_int_equal(info.wanted | info.offered | info.agreed, 0);
	assert_int_equal(info.num_queues, 1);
}

static void there_is_one_connection(void **state)
{
	struct vfs_fuse *other = NULL;

	(void)state;
	assert_int_equal(connect_to(0, NULL), 0);
	assert_int_equal(vfs_fuse_connect(session, NULL, &other), -EINVAL);
	assert_null(other);
}

static int forget_what_was_asked(void **state)
{
	memset(&asked, 0, sizeof(asked));
	return set_up(state);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, forget_what_was_asked, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(duties_of_a_client_are_not_taken_on_unasked),
		TEST(more_is_offered_and_less_as_the_options_say),
		TEST(without_init_ext_there_is_no_upper_half),
		TEST(what_is_required_has_to_be_there),
		TEST(what_is_required_is_not_forbidden),
		TEST(what_was_negotiated_is_told),
		TEST(before_that_there_are_no_features),
		TEST(there_is_one_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
