/* SPDX-License-Identifier: MIT */
/* Good answers are handed out; each thing that can be wrong in one is found. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <vfs/fuse.h>

#include "dma/said.h"
#include "fuse/fixture.h"

#define HIPRIO 0
#define NODE   11u
#define NEW    77u
#define FH     13u

static struct vfs_op op;
static char memory[8192];
static struct iovec room = {memory, sizeof(memory)};

/* What the operation is when this has come back for it. */
static int64_t answered(int error, const void *body, size_t length)
{
	struct vfs_request *request = vfs_request_get(queue);
	int64_t r;

	assert_int_equal(vfs_op_encode(&op, request), 0);
	submit(request);
	take(&taken);
	fuse_device_answer(&d, &taken, error, body, length);
	r = vfs_op_finish(&op, reap_one(queue));
	assert_int_equal(op.result, r);
	vfs_request_put(request);
	return r;
}

static int64_t good(const void *body, size_t length)
{
	int64_t r = answered(0, body, length);

	if (r < 0)
		fail_msg("%s", vfs_last_error());
	return r;
}

static void assert_bad(const void *body, size_t length, const char *words)
{
	static const union vfs_op_answer nothing;

	said_start();
	assert_int_equal(answered(0, body, length), -EIO);
	assert_error_says(words);
	assert_said(VFS_LOG_ERROR, words);
	/* Nobody can use it by mistake. */
	assert_memory_equal(&op.answer, &nothing, sizeof(nothing));
}

/* ---- entries ---- */

static struct fuse_entry_out entry_of(uint32_t mode)
{
	return (struct fuse_entry_out){
		.nodeid = NEW,
		.entry_valid = UINT64_MAX,
		.attr = {.ino = 5, .size = 123, .mode = mode},
	};
}

/* The next FORGET; 0: there is none. */
static uint64_t forgotten(void)
{
	struct taken message;

	if (!fuse_device_take(&d, HIPRIO, &message))
		return 0;
	fuse_device_write(&d, &message, NULL, 0, 0);
	assert_int_equal(message.header.opcode, FUSE_FORGET);
	return message.header.nodeid;
}

static void a_good_entry_is_the_callers(void **state)
{
	struct fuse_entry_out entry = entry_of(S_IFREG | 0644);

	(void)state;
	connect_with(4, 0);
	vfs_op_lookup(&op, NODE, "name");
	assert_int_equal(good(&entry, sizeof(entry)), 0);
	assert_memory_equal(&op.answer.entry, &entry, sizeof(entry));
	assert_int_equal(forgotten(), 0);
}

static void no_node_says_that_there_is_no_such_name(void **state)
{
	struct fuse_entry_out entry = {.entry_valid = 1};

	(void)state;
	connect_with(4, 0);
	vfs_op_lookup(&op, NODE, "name");
	assert_int_equal(good(&entry, sizeof(entry)), 0);
	assert_int_equal(op.answer.entry.nodeid, 0);
	assert_int_equal(op.answer.entry.entry_valid, 1);
	entry.entry_valid_nsec = 1000000000;
	assert_bad(&entry, sizeof(entry), "nanoseconds");
}

struct bad_entry {
	const char *words;
	void (*spoil)(struct fuse_entry_out *entry);
};

#define SPOIL(name, statement)                         \
	static void name(struct fuse_entry_out *entry) \
	{                                              \
		statement;                             \
	}

SPOIL(no_type, entry->attr.mode = 0644)
SPOIL(odd_type, entry->attr.mode = 0150644)
SPOIL(huge, entry->attr.size = 1ull << 63)
SPOIL(valid_nsec, entry->entry_valid_nsec = 1000000000)
SPOIL(attr_nsec, entry->attr_valid_nsec = UINT32_MAX)
SPOIL(bad_atime, entry->attr.atimensec = 1000000000)
SPOIL(bad_mtime, entry->attr.mtimensec = 1000000000)
SPOIL(bad_ctime, entry->attr.ctimensec = 1000000000)

static const struct bad_entry bad_entries[] = {
	{"has no type of file", no_type},
	{"has no type of file", odd_type},
	{"a file of 9223372036854775808 bytes", huge},
	{"the validity of an entry has 1000000000", valid_nsec},
	{"the validity of attributes", attr_nsec},
	{"the time of access", bad_atime},
	{"the time of modification", bad_mtime},
	{"the time of change", bad_ctime},
};

static void a_bad_entry_is_refused_and_given_back(void **state)
{
	(void)state;
	connect_with(4, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad_entries); i++) {
		struct fuse_entry_out entry = entry_of(S_IFREG);

		bad_entries[i].spoil(&entry);
		vfs_op_lookup(&op, NODE, "name");
		assert_bad(&entry, sizeof(entry), bad_entries[i].words);
		assert_int_equal(forgotten(), NEW);
	}
}

static void the_root_is_an_entry_of_nothing_but_what_is_below(void **state)
{
	struct fuse_entry_out entry = entry_of(S_IFDIR);

	(void)state;
	connect_with(4, 0);
	entry.nodeid = FUSE_ROOT_ID;
	vfs_op_lookup(&op, NODE, "name");
	assert_bad(&entry, sizeof(entry), "an entry is the root");
	vfs_op_mkdir(&op, NODE, "name", 0);
	assert_bad(&entry, sizeof(entry), "an entry is the root");
	/* It is not counted. */
	assert_int_equal(forgotten(), 0);
	vfs_op_lookup(&op, NODE, "..");
	assert_int_equal(good(&entry, sizeof(entry)), 0);
}

static void what_was_made_has_a_node(void **state)
{
	struct fuse_entry_out entry = entry_of(S_IFDIR);

	(void)state;
	connect_with(4, 0);
	entry.nodeid = 0;
	vfs_op_mkdir(&op, NODE, "name", 0);
	assert_bad(&entry, sizeof(entry), "has no node");
}

static void build_of_type(uint32_t type)
{
	switch (type) {
	case S_IFDIR:
		vfs_op_mkdir(&op, NODE, "name", 0755);
		break;
	case S_IFLNK:
		vfs_op_symlink(&op, NODE, "name", "target");
		break;
	case 0:
		vfs_op_mknod(&op, NODE, "name", 0644, 0);
		break;
	default:
		vfs_op_mknod(&op, NODE, "name", type | 0644, 0);
	}
}

static void what_was_made_is_what_was_asked_for(void **state)
{
	static const uint32_t types[] = {
		S_IFDIR, S_IFLNK, S_IFIFO, S_IFREG, 0, S_IFSOCK, S_IFCHR, S_IFBLK};

	(void)state;
	connect_with(4, 0);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct fuse_entry_out entry = entry_of(types[i] ? types[i] : S_IFREG);

		build_of_type(types[i]);
		assert_int_equal(good(&entry, sizeof(entry)), 0);
		entry.attr.mode = types[i] == S_IFDIR ? S_IFREG : S_IFDIR;
		build_of_type(types[i]);
		assert_bad(&entry, sizeof(entry), "and is to be");
		assert_int_equal(forgotten(), NEW);
	}
}

static void a_link_may_be_to_anything(void **state)
{
	struct fuse_entry_out entry = entry_of(S_IFCHR);

	(void)state;
	connect_with(4, 0);
	vfs_op_link(&op, NEW, NODE, "name");
	assert_int_equal(good(&entry, sizeof(entry)), 0);
}

static void a_file_that_is_made_is_open(void **state)
{
	struct vfs_created created = {.entry = entry_of(S_IFREG | 0600), .open = {.fh = FH}};

	(void)state;
	connect_with(4, 0);
	vfs_op_create(&op, NODE, "name", O_RDWR, 0600);
	assert_int_equal(good(&created, sizeof(created)), 0);
	assert_int_equal(op.answer.created.open.fh, FH);
	assert_int_equal(op.answer.created.entry.nodeid, NEW);
	created.entry.attr.mode = S_IFDIR;
	assert_bad(&created, sizeof(created), "and is to be");
	assert_int_equal(forgotten(), NEW);
	vfs_op_tmpfile(&op, NODE, O_RDWR, 0600);
	assert_bad(&created, sizeof(created), "and is to be");
	assert_int_equal(forgotten(), NEW);
}

/* ---- attributes ---- */

static void attributes_are_checked(void **state)
{
	struct fuse_attr_out out = {.attr_valid = 1, .attr = {.mode = S_IFREG, .size = 5}};

	(void)state;
	connect_with(4, 0);
	vfs_op_getattr(&op, NODE);
	assert_int_equal(good(&out, sizeof(out)), 0);
	assert_int_equal(op.answer.attr.attr.size, 5);
	out.attr_valid_nsec = 1000000000;
	assert_bad(&out, sizeof(out), "the validity of attributes");
	out.attr_valid_nsec = 999999999;
	out.attr.mode = 0;
	vfs_op_setattr(&op, NODE, &(struct fuse_setattr_in){0});
	assert_bad(&out, sizeof(out), "no type of file");
}

static void of_statx_only_what_is_there_is_checked(void **state)
{
	struct vfs_fuse_statx_out out = {.stat = {.size = UINT64_MAX}};

	(void)state;
	out.stat.atime.tv_nsec = out.stat.btime.tv_nsec = UINT32_MAX;
	connect_with(4, 0);
	vfs_op_statx(&op, NODE, 0, STATX_BASIC_STATS | STATX_BTIME);
	assert_int_equal(good(&out, sizeof(out)), 0);
	out.stat.mask = STATX_TYPE;
	assert_bad(&out, sizeof(out), "no type of file");
	out.stat.mask = STATX_SIZE;
	assert_bad(&out, sizeof(out), "a file of");
	out.stat.mask = STATX_ATIME;
	assert_bad(&out, sizeof(out), "the time of access");
	out.stat.mask = STATX_BTIME;
	assert_bad(&out, sizeof(out), "the time of birth");
	out.stat.mask = 0;
	out.attr_valid_nsec = 1000000000;
	assert_bad(&out, sizeof(out), "the validity");
}

/* ---- counts ---- */

static void no_more_is_written_than_there_was(void **state)
{
	struct fuse_write_out out = {.size = 100};
	struct iovec data = {memory, 100};

	(void)state;
	connect_with(4, 0);
	vfs_op_write(&op, NODE, FH, 0, &data, 1);
	assert_int_equal(good(&out, sizeof(out)), 100);
	out.size = 101;
	assert_bad(&out, sizeof(out), "101 bytes were taken of 100");
}

static void no_more_is_copied_than_was_asked(void **state)
{
	struct vfs_fuse_copy_file_range_out large = {.bytes_copied = 6ull << 30};
	struct fuse_write_out out = {.size = 5, .padding = 1};

	(void)state;
	connect_with(4, 0);
	vfs_op_copy_file_range(&op, NODE, FH, 0, NODE, FH, 0, 5, 0);
	assert_int_equal(good(&out, sizeof(out)), 5);
	out.size = 6;
	assert_bad(&out, sizeof(out), "6 bytes were taken of 5");
	session->init.minor = 45;
	assert_bad(&large, sizeof(large), "6442450944 bytes were taken of 5");
	vfs_op_copy_file_range(&op, NODE, FH, 0, NODE, FH, 0, UINT64_MAX, 0);
	assert_int_equal(good(&large, sizeof(large)), 6ll << 30);
	large.bytes_copied = 1ull << 63;
	assert_bad(&large, sizeof(large), "were taken");
}

static void data_is_what_came(void **state)
{
	(void)state;
	connect_with(4, 0);
	vfs_op_read(&op, NODE, FH, 0, &room, 1);
	assert_int_equal(good("abc", 3), 3);
	assert_memory_equal(memory, "abc", 3);
	vfs_op_readdir(&op, NODE, FH, 0, &room);
	assert_int_equal(good(NULL, 0), 0);
}

/* ---- strings ---- */

static void the_target_of_a_link_is_a_string(void **state)
{
	static char longest[PATH_MAX];

	(void)state;
	connect_with(4, 0);
	memset(longest, 'x', sizeof(longest));
	vfs_op_readlink(&op, NODE, &room);
	assert_int_equal(good("to/where", 8), 8);
	assert_memory_equal(memory, "to/where", 8);
	assert_int_equal(good(longest, PATH_MAX - 1), PATH_MAX - 1);
	assert_bad(longest, PATH_MAX, "has 4096 bytes");
	assert_bad(NULL, 0, "has 0 bytes");
	assert_bad("a\0b", 3, "has a NUL");
}

static void a_target_that_does_not_fit_is_refused(void **state)
{
	struct iovec small = {memory, 4};

	(void)state;
	connect_with(4, 0);
	memset(memory, 'm', 8);
	vfs_op_readlink(&op, NODE, &small);
	assert_int_equal(answered(0, "12345", 5), -ENAMETOOLONG);
	assert_memory_equal(memory, "mmmmm", 5);
	assert_int_equal(good("1234", 4), 4);
}

static void an_attributes_value_or_its_size(void **state)
{
	struct fuse_getxattr_out out = {.size = 123456};

	(void)state;
	connect_with(4, 0);
	vfs_op_getxattr(&op, NODE, "user.a", NULL);
	assert_int_equal(good(&out, sizeof(out)), 123456);
	vfs_op_getxattr(&op, NODE, "user.a", &room);
	assert_int_equal(good("value", 5), 5);
	assert_memory_equal(memory, "value", 5);
	assert_int_equal(answered(-ERANGE, NULL, 0), -ERANGE);
}

static void names_of_attributes_end(void **state)
{
	struct fuse_getxattr_out out = {.size = 12};

	(void)state;
	connect_with(4, 0);
	vfs_op_listxattr(&op, NODE, NULL);
	assert_int_equal(good(&out, sizeof(out)), 12);
	vfs_op_listxattr(&op, NODE, &room);
	assert_int_equal(good("user.a\0user.b", 14), 14);
	assert_int_equal(good(NULL, 0), 0);
	assert_bad("user.a\0user.b", 13, "has no NUL");
	assert_bad("\0user.b", 8, "is empty");
}

/* ---- the others ---- */

static void a_lock_is_one(void **state)
{
	static const struct fuse_file_lock asked = {.end = INT64_MAX, .type = F_WRLCK};
	struct fuse_lk_out out = {.lk = {.start = 5, .end = 9, .type = F_RDLCK, .pid = 4}};

	(void)state;
	connect_with(4, 0);
	vfs_op_getlk(&op, NODE, FH, 1, &asked);
	assert_int_equal(good(&out, sizeof(out)), 0);
	assert_memory_equal(&op.answer.lock, &out.lk, sizeof(out.lk));
	out.lk.end = 4;
	assert_bad(&out, sizeof(out), "from byte 5 to byte 4");
	out.lk.end = 1ull << 63;
	assert_bad(&out, sizeof(out), "a lock from byte");
	out.lk.type = 3;
	assert_bad(&out, sizeof(out), "a lock of type 3");
	/* Where there is none nothing else counts. */
	out.lk.type = F_UNLCK;
	assert_int_equal(good(&out, sizeof(out)), 0);
}

static void what_is_found_is_not_before_what_was_asked(void **state)
{
	struct fuse_lseek_out out = {.offset = 100};

	(void)state;
	connect_with(4, 0);
	vfs_op_lseek(&op, NODE, FH, 100, SEEK_DATA);
	assert_int_equal(good(&out, sizeof(out)), 0);
	assert_int_equal(op.answer.offset, 100);
	out.offset = 99;
	assert_bad(&out, sizeof(out), "offset 99");
	out.offset = 1ull << 63;
	assert_bad(&out, sizeof(out), "offset 9223372036854775808");
}

static void an_ioctl_has_its_result_and_data(void **state)
{
	struct {
		struct fuse_ioctl_out out;
		char data[8];
	} body = {.out = {.result = -3}, .data = "1234567"};
	struct iovec out = {memory, 8};

	(void)state;
	connect_with(4, 0);
	vfs_op_ioctl(&op, NODE, FH, 1, 2, NULL, &out);
	assert_int_equal(good(&body, sizeof(body)), 8);
	assert_int_equal(op.answer.ioctl.result, -3);
	assert_string_equal(memory, "1234567");
	assert_int_equal(good(&body, sizeof(body) - 5), 3);
	assert_bad(&body, sizeof(body.out) - 1, "an ioctl has 15 bytes");
	body.out.flags = FUSE_IOCTL_RETRY;
	assert_bad(&body, sizeof(body), "done again");
}

static void other_answers_are_handed_out_as_they_are(void **state)
{
	struct fuse_open_out open = {.fh = FH, .open_flags = FOPEN_KEEP_CACHE};
	struct fuse_poll_out poll = {.revents = 5};
	struct fuse_bmap_out bmap = {.block = 1ull << 40};

	(void)state;
	connect_with(4, 0);
	vfs_op_open(&op, NODE, O_RDONLY);
	assert_int_equal(good(&open, sizeof(open)), 0);
	assert_memory_equal(&op.answer.open, &open, sizeof(open));
	vfs_op_statfs(&op, NODE);
	assert_int_equal(good(&statfs_out, sizeof(statfs_out)), 0);
	assert_memory_equal(&op.answer.statfs, &statfs_out, sizeof(statfs_out));
	vfs_op_poll(&op, NODE, FH, 1, 5, false);
	assert_int_equal(good(&poll, sizeof(poll)), 0);
	assert_int_equal(op.answer.events, 5);
	vfs_op_bmap(&op, NODE, 1, 512);
	assert_int_equal(good(&bmap, sizeof(bmap)), 0);
	assert_int_equal(op.answer.block, 1ull << 40);
	vfs_op_notify_reply(&op, NODE, 8, 0, NULL, 0);
	assert_int_equal(good(NULL, 0), 0);
}

static void an_error_is_the_result(void **state)
{
	(void)state;
	connect_with(4, 0);
	vfs_op_lookup(&op, NODE, "name");
	said_start();
	assert_int_equal(answered(-ENOENT, NULL, 0), -ENOENT);
	assert_error_says("opcode 1 ends with error 2");
	assert_int_equal(said_lines(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_entry_is_the_callers),
		TEST(no_node_says_that_there_is_no_such_name),
		TEST(a_bad_entry_is_refused_and_given_back),
		TEST(the_root_is_an_entry_of_nothing_but_what_is_below),
		TEST(what_was_made_has_a_node),
		TEST(what_was_made_is_what_was_asked_for),
		TEST(a_link_may_be_to_anything),
		TEST(a_file_that_is_made_is_open),
		TEST(attributes_are_checked),
		TEST(of_statx_only_what_is_there_is_checked),
		TEST(no_more_is_written_than_there_was),
		TEST(no_more_is_copied_than_was_asked),
		TEST(data_is_what_came),
		TEST(the_target_of_a_link_is_a_string),
		TEST(a_target_that_does_not_fit_is_refused),
		TEST(an_attributes_value_or_its_size),
		TEST(names_of_attributes_end),
		TEST(a_lock_is_one),
		TEST(what_is_found_is_not_before_what_was_asked),
		TEST(an_ioctl_has_its_result_and_data),
		TEST(other_answers_are_handed_out_as_they_are),
		TEST(an_error_is_the_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
