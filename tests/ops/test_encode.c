/* SPDX-License-Identifier: MIT */
/* The message of each operation, byte by byte, and what is none. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "dma/said.h"
#include "ops/encoded.h"

#define OWNER  14u
#define OFFSET 0x100000001ull

static char bytes[64];
static struct iovec data = {bytes, sizeof(bytes)};

/* ---- each operation ---- */

struct form {
	const char *name;
	uint32_t opcode;
	uint64_t node;
	void (*build)(void);
	const void *args;
	size_t args_size;
	const char *names[2];
	bool data;
};

#define BUILD(name, ...)               \
	static void build_##name(void) \
	{                              \
		__VA_ARGS__;           \
	}

static const struct fuse_file_lock lock = {.start = 3, .end = 9, .type = F_WRLCK, .pid = 42};
static const struct fuse_removemapping_one ranges[] = {{4096, 8192}, {65536, 4096}};
static const struct fuse_setupmapping_in setup = {.fh = FH, .len = 4096, .moffset = 8192};
static const struct fuse_setattr_in change = {.valid = FATTR_MODE | FATTR_SIZE, .size = 5};
static struct iovec answer_room = {bytes, 24};

BUILD(lookup, vfs_op_lookup(&op, PARENT, "name"))
BUILD(dots, vfs_op_lookup(&op, NODE, ".."))
BUILD(getattr, vfs_op_getattr(&op, NODE))
BUILD(getattr_fh, vfs_op_getattr(&op, NODE); op.args.getattr.fh = FH;
	op.args.getattr.getattr_flags = FUSE_GETATTR_FH)
BUILD(setattr, vfs_op_setattr(&op, NODE, &change))
BUILD(statx, vfs_op_statx(&op, NODE, 1, 0xfff))
BUILD(readlink, vfs_op_readlink(&op, NODE, &data))
BUILD(symlink, vfs_op_symlink(&op, PARENT, "name", "to/where"))
BUILD(mknod, vfs_op_mknod(&op, PARENT, "name", S_IFCHR | 0666, 0x12345))
BUILD(mkdir, vfs_op_mkdir(&op, PARENT, "name", 0777))
BUILD(unlink, vfs_op_unlink(&op, PARENT, "name"))
BUILD(rmdir, vfs_op_rmdir(&op, PARENT, "name"))
BUILD(rename, vfs_op_rename(&op, PARENT, "name", NODE, "other", 0))
BUILD(rename2, vfs_op_rename(&op, PARENT, "name", NODE, "other", 2))
BUILD(link, vfs_op_link(&op, NODE, PARENT, "name"))
BUILD(open, vfs_op_open(&op, NODE, O_RDWR | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND))
BUILD(opendir, vfs_op_opendir(&op, NODE, O_RDONLY | O_DIRECTORY))
BUILD(create, vfs_op_create(&op, PARENT, "name", O_RDWR | O_CREAT | O_EXCL | O_NOCTTY, 0666))
BUILD(tmpfile, vfs_op_tmpfile(&op, PARENT, O_RDWR, 0666))
BUILD(read, vfs_op_read(&op, NODE, FH, OFFSET, &data, 1))
BUILD(write, vfs_op_write(&op, NODE, FH, OFFSET, &data, 1))
BUILD(statfs, vfs_op_statfs(&op, NODE))
BUILD(release, vfs_op_release(&op, NODE, FH, O_RDWR))
BUILD(releasedir, vfs_op_releasedir(&op, NODE, FH, O_RDONLY))
BUILD(fsync, vfs_op_fsync(&op, NODE, FH, true))
BUILD(fsyncdir, vfs_op_fsyncdir(&op, NODE, FH, false))
BUILD(flush, vfs_op_flush(&op, NODE, FH, OWNER))
BUILD(setxattr, vfs_op_setxattr(&op, NODE, "user.a/b", &data, 1))
BUILD(getxattr, vfs_op_getxattr(&op, NODE, "user.a", &data))
BUILD(xattr_size, vfs_op_getxattr(&op, NODE, "user.a", NULL))
BUILD(listxattr, vfs_op_listxattr(&op, NODE, &data))
BUILD(removexattr, vfs_op_removexattr(&op, NODE, "user.a"))
BUILD(readdir, vfs_op_readdir(&op, NODE, FH, OFFSET, &data))
BUILD(readdirplus, vfs_op_readdirplus(&op, NODE, FH, OFFSET, &data))
BUILD(getlk, vfs_op_getlk(&op, NODE, FH, OWNER, &lock))
BUILD(setlk, vfs_op_setlk(&op, NODE, FH, OWNER, &lock, false))
BUILD(setlkw, vfs_op_setlk(&op, NODE, FH, OWNER, &lock, true))
BUILD(access, vfs_op_access(&op, NODE, 6))
BUILD(bmap, vfs_op_bmap(&op, NODE, 7, 512))
BUILD(ioctl, vfs_op_ioctl(&op, NODE, FH, 0x1234, 99, &data, &answer_room))
BUILD(poll, vfs_op_poll(&op, NODE, FH, 77, 5, true))
BUILD(fallocate, vfs_op_fallocate(&op, NODE, FH, 1, OFFSET, 10))
BUILD(lseek, vfs_op_lseek(&op, NODE, FH, OFFSET, SEEK_HOLE))
BUILD(copy, vfs_op_copy_file_range(&op, NODE, FH, OFFSET, PARENT, OWNER, 2, 3, 0))
BUILD(setupmapping, vfs_op_setupmapping(&op, NODE, &setup))
BUILD(removemapping, vfs_op_removemapping(&op, NODE, ranges, 2))
BUILD(syncfs, vfs_op_syncfs(&op, NODE))
BUILD(notify_reply, vfs_op_notify_reply(&op, NODE, 8, OFFSET, &data, 1))

#define ARGS(type, ...) &(const struct type){__VA_ARGS__}, sizeof(struct type)
#define NO_ARGS		NULL, 0

static const struct {
	struct fuse_removemapping_in in;
	struct fuse_removemapping_one ranges[2];
} __attribute__((packed)) unmapped = {{2}, {{4096, 8192}, {65536, 4096}}};

static const struct form forms[] = {
	{"lookup", FUSE_LOOKUP, PARENT, build_lookup, NO_ARGS, {"name"}, false},
	{"lookup ..", FUSE_LOOKUP, NODE, build_dots, NO_ARGS, {".."}, false},
	{"getattr", FUSE_GETATTR, NODE, build_getattr, ARGS(fuse_getattr_in, 0), {0}, false},
	{"getattr fh", FUSE_GETATTR, NODE, build_getattr_fh,
		ARGS(fuse_getattr_in, .getattr_flags = FUSE_GETATTR_FH, .fh = FH), {0}, false},
	{"setattr", FUSE_SETATTR, NODE, build_setattr,
		ARGS(fuse_setattr_in, .valid = FATTR_MODE | FATTR_SIZE, .size = 5), {0}, false},
	{"statx", VFS_FUSE_STATX, NODE, build_statx,
		ARGS(vfs_fuse_statx_in, .sx_flags = 1, .sx_mask = 0xfff), {0}, false},
	{"readlink", FUSE_READLINK, NODE, build_readlink, NO_ARGS, {0}, false},
	{"symlink", FUSE_SYMLINK, PARENT, build_symlink, NO_ARGS, {"name", "to/where"}, false},
	/* minor 0x345, major 0x12, as the kernel packs them in 32 bits */
	{"mknod", FUSE_MKNOD, PARENT, build_mknod,
		ARGS(fuse_mknod_in, .mode = S_IFCHR | 0640, .rdev = 0x12345, .umask = 027),
		{"name"}, false},
	{"mkdir", FUSE_MKDIR, PARENT, build_mkdir, ARGS(fuse_mkdir_in, .mode = 0750, .umask = 027),
		{"name"}, false},
	{"unlink", FUSE_UNLINK, PARENT, build_unlink, NO_ARGS, {"name"}, false},
	{"rmdir", FUSE_RMDIR, PARENT, build_rmdir, NO_ARGS, {"name"}, false},
	{"rename", FUSE_RENAME, PARENT, build_rename, ARGS(fuse_rename_in, .newdir = NODE),
		{"name", "other"}, false},
	{"rename2", FUSE_RENAME2, PARENT, build_rename2,
		ARGS(fuse_rename2_in, .newdir = NODE, .flags = 2), {"name", "other"}, false},
	{"link", FUSE_LINK, PARENT, build_link, ARGS(fuse_link_in, .oldnodeid = NODE), {"name"},
		false},
	{"open", FUSE_OPEN, NODE, build_open, ARGS(fuse_open_in, .flags = O_RDWR | O_APPEND), {0},
		false},
	{"opendir", FUSE_OPENDIR, NODE, build_opendir,
		ARGS(fuse_open_in, .flags = O_RDONLY | O_DIRECTORY), {0}, false},
	{"create", FUSE_CREATE, PARENT, build_create,
		ARGS(fuse_create_in, .flags = O_RDWR | O_CREAT | O_EXCL, .mode = S_IFREG | 0640,
			.umask = 027),
		{"name"}, false},
	{"tmpfile", FUSE_TMPFILE, PARENT, build_tmpfile,
		ARGS(fuse_create_in, .flags = O_RDWR, .mode = S_IFREG | 0640, .umask = 027), {"/"},
		false},
	{"read", FUSE_READ, NODE, build_read,
		ARGS(fuse_read_in, .fh = FH, .offset = OFFSET, .size = sizeof(bytes)), {0}, false},
	{"write", FUSE_WRITE, NODE, build_write,
		ARGS(fuse_write_in, .fh = FH, .offset = OFFSET, .size = sizeof(bytes)), {0}, true},
	{"statfs", FUSE_STATFS, NODE, build_statfs, NO_ARGS, {0}, false},
	{"release", FUSE_RELEASE, NODE, build_release,
		ARGS(fuse_release_in, .fh = FH, .flags = O_RDWR), {0}, false},
	{"releasedir", FUSE_RELEASEDIR, NODE, build_releasedir, ARGS(fuse_release_in, .fh = FH),
		{0}, false},
	{"fsync", FUSE_FSYNC, NODE, build_fsync,
		ARGS(fuse_fsync_in, .fh = FH, .fsync_flags = FUSE_FSYNC_FDATASYNC), {0}, false},
	{"fsyncdir", FUSE_FSYNCDIR, NODE, build_fsyncdir, ARGS(fuse_fsync_in, .fh = FH), {0},
		false},
	{"flush", FUSE_FLUSH, NODE, build_flush, ARGS(fuse_flush_in, .fh = FH, .lock_owner = OWNER),
		{0}, false},
	{"setxattr", FUSE_SETXATTR, NODE, build_setxattr, &(const uint32_t[]){sizeof(bytes), 1}, 8,
		{"user.a/b"}, true},
	{"getxattr", FUSE_GETXATTR, NODE, build_getxattr,
		ARGS(fuse_getxattr_in, .size = sizeof(bytes)), {"user.a"}, false},
	{"getxattr size", FUSE_GETXATTR, NODE, build_xattr_size, ARGS(fuse_getxattr_in, 0),
		{"user.a"}, false},
	{"listxattr", FUSE_LISTXATTR, NODE, build_listxattr,
		ARGS(fuse_getxattr_in, .size = sizeof(bytes)), {0}, false},
	{"removexattr", FUSE_REMOVEXATTR, NODE, build_removexattr, NO_ARGS, {"user.a"}, false},
	{"readdir", FUSE_READDIR, NODE, build_readdir,
		ARGS(fuse_read_in, .fh = FH, .offset = OFFSET, .size = sizeof(bytes)), {0}, false},
	{"readdirplus", FUSE_READDIRPLUS, NODE, build_readdirplus,
		ARGS(fuse_read_in, .fh = FH, .offset = OFFSET, .size = sizeof(bytes)), {0}, false},
	{"getlk", FUSE_GETLK, NODE, build_getlk,
		ARGS(fuse_lk_in, .fh = FH, .owner = OWNER, .lk = {3, 9, F_WRLCK, 0}), {0}, false},
	{"setlk", FUSE_SETLK, NODE, build_setlk,
		ARGS(fuse_lk_in, .fh = FH, .owner = OWNER, .lk = {3, 9, F_WRLCK, 42}), {0}, false},
	{"setlkw", FUSE_SETLKW, NODE, build_setlkw,
		ARGS(fuse_lk_in, .fh = FH, .owner = OWNER, .lk = {3, 9, F_WRLCK, 42}), {0}, false},
	{"access", FUSE_ACCESS, NODE, build_access, ARGS(fuse_access_in, .mask = 6), {0}, false},
	{"bmap", FUSE_BMAP, NODE, build_bmap, ARGS(fuse_bmap_in, .block = 7, .blocksize = 512), {0},
		false},
	{"ioctl", FUSE_IOCTL, NODE, build_ioctl,
		ARGS(fuse_ioctl_in, .fh = FH, .cmd = 0x1234, .arg = 99, .in_size = sizeof(bytes),
			.out_size = 24),
		{0}, true},
	{"poll", FUSE_POLL, NODE, build_poll,
		ARGS(fuse_poll_in, .fh = FH, .kh = 77, .flags = FUSE_POLL_SCHEDULE_NOTIFY,
			.events = 5),
		{0}, false},
	{"fallocate", FUSE_FALLOCATE, NODE, build_fallocate,
		ARGS(fuse_fallocate_in, .fh = FH, .offset = OFFSET, .length = 10, .mode = 1), {0},
		false},
	{"lseek", FUSE_LSEEK, NODE, build_lseek,
		ARGS(fuse_lseek_in, .fh = FH, .offset = OFFSET, .whence = SEEK_HOLE), {0}, false},
	{"copy_file_range", FUSE_COPY_FILE_RANGE, NODE, build_copy,
		ARGS(fuse_copy_file_range_in, .fh_in = FH, .off_in = OFFSET, .nodeid_out = PARENT,
			.fh_out = OWNER, .off_out = 2, .len = 3),
		{0}, false},
	{"setupmapping", FUSE_SETUPMAPPING, NODE, build_setupmapping,
		ARGS(fuse_setupmapping_in, .fh = FH, .len = 4096, .moffset = 8192), {0}, false},
	{"removemapping", FUSE_REMOVEMAPPING, NODE, build_removemapping, &unmapped,
		sizeof(unmapped), {0}, false},
	{"syncfs", FUSE_SYNCFS, NODE, build_syncfs, ARGS(fuse_syncfs_in, 0), {0}, false},
	{"notify_reply", FUSE_NOTIFY_REPLY, NODE, build_notify_reply,
		ARGS(fuse_notify_retrieve_in, .offset = OFFSET, .size = sizeof(bytes)), {0}, true},
};

static size_t put(uint8_t *to, size_t at, const void *from, size_t size)
{
	if (size)
		memcpy(to + at, from, size);
	return at + size;
}

/* What follows the header. */
static size_t expected_body(const struct form *form, uint8_t *to)
{
	size_t at = put(to, 0, form->args, form->args_size);

	for (unsigned int i = 0; i < 2; i++)
		if (form->names[i])
			at = put(to, at, form->names[i], strlen(form->names[i]) + 1);
	return form->data ? put(to, at, bytes, sizeof(bytes)) : at;
}

static void each_operation_is_its_message(void **state)
{
	static uint8_t body[4096];

	(void)state;
	connect_with(4, 0);
	session->init.minor = 38;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const struct form *form = &forms[i];
		size_t size = expected_body(form, body);

		form->build();
		if (encode(0) < 0)
			fail_msg("%s: %s", form->name, vfs_last_error());
		assert_header(form->opcode, form->node, &caller);
		assert_int_equal(extensions(), 0);
		if (length != sizeof(struct fuse_in_header) + size ||
			memcmp(arguments(), body, size) != 0)
			fail_msg("%s: another message of %zu bytes", form->name, length);
	}
}

static void an_answer_to_a_notification_has_its_number(void **state)
{
	(void)state;
	connect_with(4, 0);
	build_notify_reply();
	assert_int_equal(encode(0), 0);
	assert_int_equal(taken.header.unique, 8);
}

/* ---- what is no message ---- */

static void assert_refused(int error, const char *words)
{
	op.caller = NULL;
	assert_int_equal(encode(0), error);
	assert_error_says(words);
	take_none();
}

static void names_have_bytes_and_no_slash(void **state)
{
	(void)state;
	connect_with(4, 0);
	vfs_op_lookup(&op, PARENT, "");
	assert_refused(-EINVAL, "is empty");
	vfs_op_lookup(&op, PARENT, NULL);
	assert_refused(-EINVAL, "is empty");
	vfs_op_unlink(&op, PARENT, "a/b");
	assert_refused(-EINVAL, "has a slash");
	vfs_op_mkdir(&op, PARENT, "..", 0);
	assert_refused(-EINVAL, "no name of an entry");
	vfs_op_rename(&op, PARENT, "a", PARENT, ".", 0);
	assert_refused(-EINVAL, "no name of an entry");
	vfs_op_symlink(&op, PARENT, "a", "");
	assert_refused(-EINVAL, "is empty");
	vfs_op_getxattr(&op, NODE, "", NULL);
	assert_refused(-EINVAL, "is empty");
}

static void names_have_an_end(void **state)
{
	static char name[PATH_MAX + 1];

	(void)state;
	connect_with(4, 0);
	memset(name, 'x', PATH_MAX);
	vfs_op_symlink(&op, PARENT, "a", name);
	assert_refused(-ENAMETOOLONG, "longer than 4095");
	name[PATH_MAX - 1] = '\0';
	assert_int_equal(encode(0), 0);
	vfs_op_lookup(&op, PARENT, name);
	assert_refused(-ENAMETOOLONG, "longer than 1024");
	name[256] = '\0';
	vfs_op_removexattr(&op, NODE, name);
	assert_refused(-ENAMETOOLONG, "longer than 255");
}

static void data_is_no_larger_than_a_request(void **state)
{
	struct iovec large = {calloc(1, 1 << 20), 1 << 20};

	(void)state;
	connect_with(4, 0);
	vfs_op_write(&op, NODE, FH, 0, &large, 1);
	assert_refused(-E2BIG, "the server takes");
	vfs_op_read(&op, NODE, FH, 0, &large, 1);
	assert_refused(-E2BIG, "does not fit");
	vfs_op_ioctl(&op, NODE, FH, 1, 1, &large, NULL);
	assert_refused(-E2BIG, "larger than a request");
	large.iov_len = (size_t)UINT32_MAX + 1;
	vfs_op_read(&op, NODE, FH, 0, &large, 1);
	assert_refused(-E2BIG, "more data");
	free(large.iov_base);
}

static void what_belongs_to_the_session_is_no_operation(void **state)
{
	static const uint32_t opcodes[] = {
		0, 7, FUSE_INIT, FUSE_DESTROY, FUSE_FORGET, FUSE_BATCH_FORGET, FUSE_INTERRUPT, 99};

	(void)state;
	connect_with(4, 0);
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		op = (struct vfs_op){.opcode = opcodes[i]};
		assert_refused(-EINVAL, "is no operation");
	}
}

static void without_a_caller_it_is_the_threads(void **state)
{
	struct vfs_request *request;

	(void)state;
	connect_with(4, 0);
	vfs_caller_set(&caller);
	build_lookup();
	request = vfs_request_get(queue);
	assert_int_equal(vfs_op_encode(&op, request), 0);
	message = vfs_request_message(request);
	length = sizeof(struct fuse_in_header) + 5;
	assert_header(FUSE_LOOKUP, PARENT, &caller);
	vfs_request_put(request);
	vfs_caller_set(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_operation_is_its_message),
		TEST(an_answer_to_a_notification_has_its_number),
		TEST(names_have_bytes_and_no_slash),
		TEST(names_have_an_end),
		TEST(data_is_no_larger_than_a_request),
		TEST(what_belongs_to_the_session_is_no_operation),
		TEST(without_a_caller_it_is_the_threads),
	};

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
