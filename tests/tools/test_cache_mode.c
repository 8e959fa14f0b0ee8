/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <vfs/fuse_abi.h>

#include "cache_mode.h"

#define ENTRY_SIZE sizeof(struct fuse_entry_out)
#define OPEN_SIZE  sizeof(struct fuse_open_out)

static _Alignas(8) char body[1024];

static const uint32_t entry_opcodes[] = {
	FUSE_LOOKUP, FUSE_MKNOD, FUSE_MKDIR, FUSE_SYMLINK, FUSE_LINK};

static struct fuse_entry_out *some_entry(void *place)
{
	struct fuse_entry_out *entry = place;

	memset(entry, 0x55, sizeof(*entry));
	entry->entry_valid = 1;
	entry->entry_valid_nsec = 2;
	entry->attr_valid = 3;
	entry->attr_valid_nsec = 4;
	return entry;
}

static void is_valid_for(const struct fuse_entry_out *entry, uint64_t seconds)
{
	assert_int_equal(entry->entry_valid, seconds);
	assert_int_equal(entry->attr_valid, seconds);
	assert_int_equal(entry->entry_valid_nsec, 0);
	assert_int_equal(entry->attr_valid_nsec, 0);
	assert_int_equal(entry->nodeid, 0x5555555555555555);
	assert_int_equal(entry->attr.ino, 0x5555555555555555);
}

static void is_untouched(const struct fuse_entry_out *entry)
{
	assert_int_equal(entry->entry_valid, 1);
	assert_int_equal(entry->entry_valid_nsec, 2);
	assert_int_equal(entry->attr_valid, 3);
	assert_int_equal(entry->attr_valid_nsec, 4);
}

static void test_entries(void **state)
{
	struct fuse_entry_out *entry;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(entry_opcodes) / sizeof(entry_opcodes[0]); i++) {
		entry = some_entry(body);
		cache_mode_apply(CACHE_AUTO, entry_opcodes[i], body, ENTRY_SIZE);
		is_untouched(entry);
		cache_mode_apply(CACHE_NONE, entry_opcodes[i], body, ENTRY_SIZE);
		is_valid_for(entry, 0);
		entry = some_entry(body);
		cache_mode_apply(CACHE_ALWAYS, entry_opcodes[i], body, ENTRY_SIZE);
		is_valid_for(entry, 86400);
		entry = some_entry(body);
		cache_mode_apply(CACHE_NONE, entry_opcodes[i], body, ENTRY_SIZE - 1);
		is_untouched(entry);
	}
}

static void expect_attributes(uint32_t opcode, size_t size)
{
	/* All answers with attributes alone begin like this. */
	struct fuse_attr_out *attr = (struct fuse_attr_out *)body;

	*attr = (struct fuse_attr_out){.attr_valid = 1, .attr_valid_nsec = 2};
	cache_mode_apply(CACHE_AUTO, opcode, body, size);
	cache_mode_apply(CACHE_NONE, opcode, body, size - 1);
	assert_int_equal(attr->attr_valid, 1);
	assert_int_equal(attr->attr_valid_nsec, 2);
	cache_mode_apply(CACHE_NONE, opcode, body, size);
	assert_int_equal(attr->attr_valid, 0);
	assert_int_equal(attr->attr_valid_nsec, 0);
	attr->attr_valid_nsec = 2;
	cache_mode_apply(CACHE_ALWAYS, opcode, body, size);
	assert_int_equal(attr->attr_valid, 86400);
	assert_int_equal(attr->attr_valid_nsec, 0);
}

static void test_attributes(void **state)
{
	(void)state;
	expect_attributes(FUSE_GETATTR, sizeof(struct fuse_attr_out));
	expect_attributes(FUSE_SETATTR, sizeof(struct fuse_attr_out));
	expect_attributes(VFS_FUSE_STATX, sizeof(struct vfs_fuse_statx_out));
}

static uint32_t opened_with(
	enum cache_mode mode, uint32_t opcode, size_t offset, size_t size, uint32_t flags)
{
	struct fuse_open_out *opened = (struct fuse_open_out *)(body + offset);

	*opened = (struct fuse_open_out){.fh = 7, .open_flags = flags};
	cache_mode_apply(mode, opcode, body, size);
	assert_int_equal(opened->fh, 7);
	return opened->open_flags;
}

static void test_files(void **state)
{
	const uint32_t keep = FOPEN_KEEP_CACHE | FOPEN_NONSEEKABLE;

	(void)state;
	assert_int_equal(opened_with(CACHE_AUTO, FUSE_OPEN, 0, OPEN_SIZE, keep), keep);
	assert_int_equal(opened_with(CACHE_NONE, FUSE_OPEN, 0, OPEN_SIZE, keep),
		FOPEN_DIRECT_IO | FOPEN_NONSEEKABLE);
	assert_int_equal(opened_with(CACHE_NONE, FUSE_OPEN, 0, OPEN_SIZE - 1, keep), keep);
	assert_int_equal(
		opened_with(CACHE_ALWAYS, FUSE_OPEN, 0, OPEN_SIZE, FOPEN_NONSEEKABLE), keep);
	/* What the server wants to see it sees. */
	assert_int_equal(opened_with(CACHE_ALWAYS, FUSE_OPEN, 0, OPEN_SIZE, FOPEN_DIRECT_IO),
		FOPEN_DIRECT_IO | FOPEN_KEEP_CACHE);
}

static void test_directories(void **state)
{
	const uint32_t keep = FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR;

	(void)state;
	assert_int_equal(opened_with(CACHE_AUTO, FUSE_OPENDIR, 0, OPEN_SIZE, keep), keep);
	assert_int_equal(opened_with(CACHE_NONE, FUSE_OPENDIR, 0, OPEN_SIZE, keep), 0);
	assert_int_equal(opened_with(CACHE_ALWAYS, FUSE_OPENDIR, 0, OPEN_SIZE, 0), keep);
}

static void expect_created(uint32_t opcode)
{
	struct fuse_entry_out *entry = some_entry(body);
	const size_t size = ENTRY_SIZE + OPEN_SIZE;

	assert_int_equal(opened_with(CACHE_NONE, opcode, ENTRY_SIZE, size - 1, 0), 0);
	is_untouched(entry);
	assert_int_equal(opened_with(CACHE_NONE, opcode, ENTRY_SIZE, size, FOPEN_KEEP_CACHE),
		FOPEN_DIRECT_IO);
	is_valid_for(entry, 0);
	assert_int_equal(opened_with(CACHE_ALWAYS, opcode, ENTRY_SIZE, size, 0), FOPEN_KEEP_CACHE);
	is_valid_for(entry, 86400);
}

static void test_files_that_are_created(void **state)
{
	(void)state;
	expect_created(FUSE_CREATE);
	expect_created(FUSE_TMPFILE);
}

/* Returns where it ends. */
static size_t put_entry(size_t offset, uint32_t namelen)
{
	struct fuse_direntplus *entry = (struct fuse_direntplus *)(body + offset);

	some_entry(&entry->entry_out);
	entry->dirent = (struct fuse_dirent){.namelen = namelen};
	return offset + FUSE_DIRENT_ALIGN(sizeof(*entry) + namelen);
}

static void test_entries_of_a_directory(void **state)
{
	size_t second = put_entry(0, 3);
	size_t third = put_entry(second, 8);
	size_t end = put_entry(third, 1);

	(void)state;
	cache_mode_apply(CACHE_AUTO, FUSE_READDIRPLUS, body, end);
	cache_mode_apply(CACHE_NONE, FUSE_READDIR, body, end);
	is_untouched((void *)body);
	/* One that is cut off is not looked at. */
	cache_mode_apply(CACHE_NONE, FUSE_READDIRPLUS, body, end - 1);
	is_valid_for((void *)body, 0);
	is_valid_for((void *)(body + second), 0);
	is_untouched((void *)(body + third));
	cache_mode_apply(CACHE_ALWAYS, FUSE_READDIRPLUS, body, end);
	is_valid_for((void *)body, 86400);
	is_valid_for((void *)(body + second), 86400);
	is_valid_for((void *)(body + third), 86400);
}

static void test_names_as_long_as_can_be_said(void **state)
{
	size_t second = put_entry(0, UINT32_MAX);

	(void)state;
	assert_true(second > sizeof(body));
	cache_mode_apply(CACHE_NONE, FUSE_READDIRPLUS, body, sizeof(body));
	is_untouched((void *)body);
}

static void test_other_answers(void **state)
{
	static const uint32_t opcodes[] = {FUSE_READ, FUSE_WRITE, FUSE_READLINK, FUSE_GETXATTR,
		FUSE_STATFS, FUSE_READDIR, FUSE_IOCTL, FUSE_RELEASE};
	char before[sizeof(body)];
	size_t i;

	(void)state;
	memset(body, 0xff, sizeof(body));
	memcpy(before, body, sizeof(body));
	for (i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++)
		cache_mode_apply(CACHE_NONE, opcodes[i], body, sizeof(body));
	assert_memory_equal(body, before, sizeof(body));
	cache_mode_apply(CACHE_NONE, FUSE_LOOKUP, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_directories),
		cmocka_unit_test(test_files_that_are_created),
		cmocka_unit_test(test_entries_of_a_directory),
		cmocka_unit_test(test_names_as_long_as_can_be_said),
		cmocka_unit_test(test_other_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
