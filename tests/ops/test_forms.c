/* SPDX-License-Identifier: MIT */
/* Messages in the forms that can be agreed on, and their extensions. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "ops/encoded.h"

static const struct vfs_caller root = {.umask = 022};
static const struct fuse_setattr_in change = {.valid = FATTR_MODE | FATTR_SIZE, .size = 5};

static char bytes[64];
static struct iovec data = {bytes, sizeof(bytes)};

static void setxattr_has_its_longer_form_if_that_was_agreed(void **state)
{
	struct fuse_setxattr_in in;

	(void)state;
	connect_with(4, 0);
	vfs_op_setxattr(&op, NODE, "user.a/b", &data, 1);
	op.args.setxattr.setxattr_flags = FUSE_SETXATTR_ACL_KILL_SGID;
	assert_int_equal(encode(FUSE_SETXATTR_EXT), 0);
	memcpy(&in, arguments(), sizeof(in));
	assert_int_equal(in.size, sizeof(bytes));
	assert_int_equal(in.setxattr_flags, FUSE_SETXATTR_ACL_KILL_SGID);
	assert_string_equal((const char *)arguments() + sizeof(in), "user.a/b");
}

static void the_server_masks_the_mode_if_that_was_agreed(void **state)
{
	struct fuse_mkdir_in in;

	(void)state;
	connect_with(4, 0);
	vfs_op_mkdir(&op, PARENT, "name", 0777);
	assert_int_equal(encode(FUSE_DONT_MASK), 0);
	memcpy(&in, arguments(), sizeof(in));
	assert_int_equal(in.mode, 0777);
	assert_int_equal(in.umask, 027);
}

static uint32_t flags_of_open(uint64_t agreed, uint32_t *open_flags)
{
	struct fuse_open_in in;

	vfs_op_open(&op, NODE, O_RDWR | O_TRUNC | O_APPEND);
	assert_int_equal(encode(agreed), 0);
	memcpy(&in, arguments(), sizeof(in));
	*open_flags = in.open_flags;
	return in.flags;
}

static void open_truncates_if_that_was_agreed(void **state)
{
	uint32_t kills;

	(void)state;
	connect_with(4, 0);
	assert_int_equal(flags_of_open(FUSE_ATOMIC_O_TRUNC, &kills), O_RDWR | O_APPEND | O_TRUNC);
	assert_int_equal(kills, 0);
	assert_int_equal(flags_of_open(FUSE_ATOMIC_O_TRUNC | FUSE_HANDLE_KILLPRIV_V2, &kills),
		O_RDWR | O_APPEND | O_TRUNC);
	assert_int_equal(kills, FUSE_OPEN_KILL_SUIDGID);
	/* What is not truncated keeps its bits. */
	assert_int_equal(flags_of_open(FUSE_HANDLE_KILLPRIV_V2, &kills), O_RDWR | O_APPEND);
	assert_int_equal(kills, 0);
}

static void bits_that_give_rights_end_but_for_root(void **state)
{
	struct fuse_write_in write;
	struct fuse_setattr_in attr;

	(void)state;
	connect_with(4, 0);
	vfs_op_write(&op, NODE, FH, 0, &data, 1);
	assert_int_equal(encode(FUSE_HANDLE_KILLPRIV_V2), 0);
	memcpy(&write, arguments(), sizeof(write));
	assert_int_equal(write.write_flags, FUSE_WRITE_KILL_SUIDGID);
	/* Nor if somebody sends what somebody else has written. */
	vfs_op_write(&op, NODE, FH, 0, &data, 1);
	op.args.write.write_flags = FUSE_WRITE_CACHE;
	assert_int_equal(encode(FUSE_HANDLE_KILLPRIV_V2), 0);
	memcpy(&write, arguments(), sizeof(write));
	assert_int_equal(write.write_flags, FUSE_WRITE_CACHE);
	vfs_op_write(&op, NODE, FH, 0, &data, 1);
	op.caller = &root;
	assert_int_equal(encode(FUSE_HANDLE_KILLPRIV_V2), 0);
	assert_header(FUSE_WRITE, NODE, &root);
	memcpy(&write, arguments(), sizeof(write));
	assert_int_equal(write.write_flags, 0);
	vfs_op_setattr(&op, NODE, &change);
	assert_int_equal(encode(FUSE_HANDLE_KILLPRIV_V2), 0);
	memcpy(&attr, arguments(), sizeof(attr));
	assert_int_equal(attr.valid, FATTR_MODE | FATTR_SIZE | FATTR_KILL_SUIDGID);
}

static void a_newer_server_is_asked_for_the_newer_copy(void **state)
{
	(void)state;
	connect_with(4, 0);
	session->init.minor = 45;
	vfs_op_copy_file_range(&op, NODE, FH, 0, NODE, FH, 0, 3, 0);
	assert_int_equal(encode(0), 0);
	assert_header(VFS_FUSE_COPY_FILE_RANGE_64, NODE, &caller);
	/* What the operation is has not changed. */
	assert_int_equal(op.opcode, FUSE_COPY_FILE_RANGE);
}

/* ---- extensions ---- */

static const struct vfs_security_context label = {"security.x", "abcde", 5};

/* A header, one label, its name with a NUL, its value, and up to the next 8 bytes. */
static const struct {
	struct fuse_secctx_header header;
	struct fuse_secctx label;
	char rest[16];
} labelled = {{32, 1}, {5, 0}, "security.x\0abcde"};

static const struct {
	struct fuse_ext_header header;
	uint32_t count;
	uint32_t group;
} grouped = {{16, 32}, 1, 555};

static void assert_extensions(
	const char *names, size_t names_size, size_t args_size, const void *expected, size_t size)
{
	const uint8_t *at = (const uint8_t *)arguments() + args_size;

	assert_memory_equal(at, names, names_size);
	assert_memory_equal(at + names_size, expected, size);
	assert_int_equal(length, sizeof(struct fuse_in_header) + args_size + names_size + size);
	assert_int_equal(extensions(), size / 8);
}

static void a_label_follows_the_names(void **state)
{
	(void)state;
	connect_with(4, 0);
	vfs_op_symlink(&op, PARENT, "name", "to/where");
	op.context = &label;
	assert_int_equal(encode(FUSE_SECURITY_CTX), 0);
	assert_extensions("name\0to/where", 14, 0, &labelled, sizeof(labelled));
}

static void that_there_is_no_label_is_said(void **state)
{
	static const struct fuse_secctx_header none = {8, 0};

	(void)state;
	connect_with(4, 0);
	vfs_op_mkdir(&op, PARENT, "name", 0777);
	assert_int_equal(encode(FUSE_SECURITY_CTX), 0);
	assert_extensions("name", 5, sizeof(struct fuse_mkdir_in), &none, sizeof(none));
	/* Of what makes nothing it is not said. */
	vfs_op_lookup(&op, PARENT, "name");
	assert_int_equal(encode(FUSE_SECURITY_CTX), 0);
	assert_int_equal(extensions(), 0);
}

static void a_group_follows_the_label(void **state)
{
	uint8_t both[sizeof(labelled) + sizeof(grouped)];

	(void)state;
	memcpy(both, &labelled, sizeof(labelled));
	memcpy(both + sizeof(labelled), &grouped, sizeof(grouped));
	connect_with(4, 0);
	vfs_op_create(&op, PARENT, "name", O_RDWR, 0666);
	op.context = &label;
	op.has_group = true;
	op.group = 555;
	assert_int_equal(encode(FUSE_SECURITY_CTX | FUSE_CREATE_SUPP_GROUP), 0);
	assert_extensions("name", 5, sizeof(struct fuse_create_in), both, sizeof(both));
	assert_int_equal(encode(FUSE_CREATE_SUPP_GROUP), 0);
	assert_extensions("name", 5, sizeof(struct fuse_create_in), &grouped, sizeof(grouped));
}

static void what_was_not_agreed_is_left_out(void **state)
{
	(void)state;
	connect_with(4, 0);
	vfs_op_create(&op, PARENT, "name", O_RDWR, 0666);
	op.context = &label;
	op.has_group = true;
	assert_int_equal(encode(0), 0);
	assert_extensions("name", 5, sizeof(struct fuse_create_in), NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(setxattr_has_its_longer_form_if_that_was_agreed),
		TEST(the_server_masks_the_mode_if_that_was_agreed),
		TEST(open_truncates_if_that_was_agreed),
		TEST(bits_that_give_rights_end_but_for_root),
		TEST(a_newer_server_is_asked_for_the_newer_copy),
		TEST(a_label_follows_the_names),
		TEST(that_there_is_no_label_is_said),
		TEST(a_group_follows_the_label),
		TEST(what_was_not_agreed_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
