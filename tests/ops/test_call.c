/* SPDX-License-Identifier: MIT */
/* Operations that are called and submitted, and what is remembered of them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <vfs/fuse.h>

#include "dma/said.h"
#include "fuse/fixture.h"

#define NODE 11u
#define FH   13u

static struct vfs_fuse *fuse;
static struct vfs_op op;
static uint32_t minor; /* of the server */
static bool mute;      /* it does not answer */
static size_t missing; /* so many bytes of its answer */

static void serve(struct fuse_device *device, const struct taken *message)
{
	struct fuse_init_out init = fuse_device_init_out;
	struct fuse_attr_out attr = {.attr = {.mode = S_IFREG}};
	struct fuse_write_out copied = {.size = 3};

	switch (message->header.opcode) {
	case FUSE_INIT:
		init.minor = minor;
		fuse_device_answer(device, message, 0, &init, sizeof(init));
		break;
	case FUSE_GETATTR:
		if (!mute)
			fuse_device_answer(device, message, 0, &attr, sizeof(attr) - missing);
		break;
	case FUSE_COPY_FILE_RANGE:
		fuse_device_answer(device, message, 0, &copied, sizeof(copied));
		break;
	default:
		fuse_device_serve(device, message);
	}
}

static void connect_to(uint32_t its_minor, unsigned int depth, unsigned int timeout_ms)
{
	struct vfs_session_options options = {
		.depth = depth, .max_payload = PAYLOAD, .timeout_ms = TIMEOUT_MS};
	struct vfs_fuse_options connection = {.timeout_ms = timeout_ms};

	minor = its_minor;
	mute = false;
	missing = 0;
	d.serve = serve;
	assert_int_equal(fuse_device_start(&d, &options, &session), 0);
	assert_int_equal(vfs_fuse_connect(session, &connection, &fuse), 0);
}

static int end(void **state)
{
	vfs_fuse_disconnect(fuse);
	fuse = NULL;
	return tear_down(state);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, end)

/* How often the server was asked, once this has been called twice. */
static unsigned int asked_twice(void)
{
	unsigned int before = d.served[op.opcode];

	assert_int_equal(vfs_fuse_call(fuse, &op), -ENOSYS);
	assert_int_equal(vfs_fuse_call(fuse, &op), -ENOSYS);
	assert_int_equal(op.result, -ENOSYS);
	return d.served[op.opcode] - before;
}

static void a_call_has_its_answer(void **state)
{
	(void)state;
	connect_to(38, 4, 0);
	vfs_op_getattr(&op, NODE);
	assert_int_equal(vfs_fuse_call(fuse, &op), 0);
	assert_int_equal(op.answer.attr.attr.mode, S_IFREG);
	assert_true(op.answered);
}

static void what_the_server_lacks_is_asked_once(void **state)
{
	static const uint32_t opcodes[] = {FUSE_OPEN, FUSE_OPENDIR, FUSE_FLUSH, FUSE_FSYNC,
		FUSE_FSYNCDIR, FUSE_ACCESS, FUSE_BMAP, FUSE_POLL, FUSE_FALLOCATE, FUSE_LSEEK,
		FUSE_SYNCFS, VFS_FUSE_STATX, FUSE_LISTXATTR};

	(void)state;
	connect_to(38, 4, 0);
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		op = (struct vfs_op){.opcode = opcodes[i], .node = NODE};
		assert_int_equal(asked_twice(), 1);
		assert_error_says("has not got opcode");
	}
	vfs_op_create(&op, NODE, "name", O_RDWR, 0644);
	assert_int_equal(asked_twice(), 1);
	vfs_op_rename(&op, NODE, "a", NODE, "b", 2);
	assert_int_equal(asked_twice(), 1);
	vfs_op_getxattr(&op, NODE, "user.a", NULL);
	assert_int_equal(asked_twice(), 1);
}

static void what_depends_on_the_arguments_is_asked_again(void **state)
{
	static const struct fuse_file_lock lock;

	(void)state;
	connect_to(38, 4, 0);
	vfs_op_ioctl(&op, NODE, FH, 1, 2, NULL, NULL);
	assert_int_equal(asked_twice(), 2);
	vfs_op_lookup(&op, NODE, "name");
	assert_int_equal(asked_twice(), 2);
	vfs_op_setlk(&op, NODE, FH, 1, &lock, false);
	assert_int_equal(asked_twice(), 2);
	vfs_op_mkdir(&op, NODE, "name", 0755);
	assert_int_equal(asked_twice(), 2);
}

static void another_connection_remembers_nothing(void **state)
{
	(void)state;
	connect_to(38, 4, 0);
	vfs_op_syncfs(&op, NODE);
	assert_int_equal(asked_twice(), 1);
	end(state);
	set_up(state);
	connect_to(38, 4, 0);
	assert_int_equal(asked_twice(), 1);
}

static void a_server_without_the_newer_copy_is_asked_for_the_older(void **state)
{
	(void)state;
	connect_to(45, 4, 0);
	vfs_op_copy_file_range(&op, NODE, FH, 0, NODE, FH, 0, 5, 0);
	assert_int_equal(vfs_fuse_call(fuse, &op), 3);
	assert_int_equal(vfs_fuse_call(fuse, &op), 3);
	assert_int_equal(d.served[VFS_FUSE_COPY_FILE_RANGE_64], 1);
	assert_int_equal(d.served[FUSE_COPY_FILE_RANGE], 2);
}

static void what_is_no_message_is_not_sent(void **state)
{
	(void)state;
	connect_to(38, 1, 0);
	vfs_op_lookup(&op, NODE, "a/b");
	assert_int_equal(vfs_fuse_call(fuse, &op), -EINVAL);
	assert_int_equal(op.result, -EINVAL);
	assert_int_equal(d.served[FUSE_LOOKUP], 0);
	/* Its request was given back. */
	vfs_op_getattr(&op, NODE);
	assert_int_equal(vfs_fuse_call(fuse, &op), 0);
}

static void an_operation_ends_in_time(void **state)
{
	(void)state;
	connect_to(38, 4, 20);
	mute = true;
	vfs_op_getattr(&op, NODE);
	assert_int_equal(vfs_fuse_call(fuse, &op), -ETIMEDOUT);
	assert_error_says("within 20 ms");
	assert_false(op.answered);
	op.timeout_ms = 5;
	assert_int_equal(vfs_fuse_call(fuse, &op), -ETIMEDOUT);
	assert_error_says("within 5 ms");
}

/* ---- with a callback ---- */

static unsigned int done;

static void on_done(struct vfs_op *of, void *ctx)
{
	assert_ptr_equal(ctx, &done);
	assert_ptr_equal(of, &op);
	done++;
}

static int drain_submitted(void)
{
	done = 0;
	assert_int_equal(vfs_fuse_submit(fuse, &op, on_done, &done), 0);
	return vfs_sync_drain(vfs_fuse_sync(fuse), 10000);
}

static void one_that_was_submitted_is_told_once(void **state)
{
	(void)state;
	connect_to(38, 1, 0);
	vfs_op_getattr(&op, NODE);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(drain_submitted(), 0);
		assert_int_equal(done, 1);
		assert_int_equal(op.result, 0);
		assert_int_equal(op.answer.attr.attr.mode, S_IFREG);
	}
}

static void what_cannot_be_submitted_is_not_told(void **state)
{
	(void)state;
	connect_to(38, 4, 0);
	done = 0;
	vfs_op_lookup(&op, NODE, "");
	assert_int_equal(vfs_fuse_submit(fuse, &op, on_done, &done), -EINVAL);
	vfs_op_access(&op, NODE, 4);
	assert_int_equal(drain_submitted(), 0);
	assert_int_equal(done, 1);
	assert_int_equal(op.result, -ENOSYS);
	assert_int_equal(vfs_fuse_submit(fuse, &op, on_done, &done), -ENOSYS);
	assert_int_equal(done, 1);
}

static void the_older_copy_is_told_once_too(void **state)
{
	(void)state;
	connect_to(45, 1, 0);
	vfs_op_copy_file_range(&op, NODE, FH, 0, NODE, FH, 0, 5, 0);
	assert_int_equal(drain_submitted(), 0);
	assert_int_equal(done, 1);
	assert_int_equal(op.result, 3);
}

static void count_done(struct vfs_op *of, void *ctx)
{
	(void)of;
	(*(unsigned int *)ctx)++;
}

/* Whoever waits for it has it next, and a callback cannot wait for another one. */
static void the_older_copy_needs_no_other_request(void **state)
{
	struct vfs_op next;

	(void)state;
	connect_to(45, 1, 0);
	done = 0;
	vfs_op_copy_file_range(&op, NODE, FH, 0, NODE, FH, 0, 5, 0);
	assert_int_equal(vfs_fuse_submit(fuse, &op, count_done, &done), 0);
	vfs_op_getattr(&next, NODE);
	assert_int_equal(vfs_fuse_submit(fuse, &next, count_done, &done), 0);
	assert_int_equal(vfs_sync_drain(vfs_fuse_sync(fuse), 10000), 0);
	assert_int_equal(done, 2);
	assert_int_equal(op.result, 3);
	assert_int_equal(next.result, 0);
	assert_int_equal(d.served[VFS_FUSE_COPY_FILE_RANGE_64], 1);
	assert_int_equal(d.served[FUSE_COPY_FILE_RANGE], 1);
}

static void a_submission_ends_in_time(void **state)
{
	(void)state;
	connect_to(38, 4, 20);
	mute = true;
	vfs_op_getattr(&op, NODE);
	assert_int_equal(drain_submitted(), 0);
	assert_int_equal(done, 1);
	assert_int_equal(op.result, -ETIMEDOUT);
	assert_false(op.answered);
}

/* Nobody knows what has become of it. */
static void what_cannot_be_believed_is_no_answer(void **state)
{
	(void)state;
	connect_to(38, 4, 0);
	missing = 8;
	vfs_op_getattr(&op, NODE);
	assert_int_equal(vfs_fuse_call(fuse, &op), -EIO);
	assert_false(op.answered);
	assert_int_equal(drain_submitted(), 0);
	assert_int_equal(op.result, -EIO);
	assert_false(op.answered);
}

static void an_error_is_an_answer(void **state)
{
	(void)state;
	connect_to(38, 4, 0);
	vfs_op_access(&op, NODE, 4);
	assert_int_equal(drain_submitted(), 0);
	assert_int_equal(op.result, -ENOSYS);
	assert_true(op.answered);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_call_has_its_answer),
		TEST(what_the_server_lacks_is_asked_once),
		TEST(what_depends_on_the_arguments_is_asked_again),
		TEST(another_connection_remembers_nothing),
		TEST(a_server_without_the_newer_copy_is_asked_for_the_older),
		TEST(what_is_no_message_is_not_sent),
		TEST(an_operation_ends_in_time),
		TEST(one_that_was_submitted_is_told_once),
		TEST(what_cannot_be_submitted_is_not_told),
		TEST(the_older_copy_is_told_once_too),
		TEST(the_older_copy_needs_no_other_request),
		TEST(a_submission_ends_in_time),
		TEST(what_cannot_be_believed_is_no_answer),
		TEST(an_error_is_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
