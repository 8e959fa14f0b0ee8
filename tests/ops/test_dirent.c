/* SPDX-License-Identifier: MIT */
/* Entries of a directory, one by one. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <vfs/fuse.h>

#include "dma/said.h"

static uint8_t packed[4096];
static size_t length;
static struct vfs_dirent dirent;

static void append(const void *bytes, size_t size)
{
	memcpy(packed + length, bytes, size);
	length += size;
}

static void add_named(const char *name, size_t namelen, unsigned int type)
{
	struct fuse_dirent head = {
		.ino = 100 + length, .off = 7, .namelen = (uint32_t)namelen, .type = type};

	append(&head, FUSE_NAME_OFFSET);
	append(name, namelen);
	while (length % 8)
		packed[length++] = 0;
}

static void add(const char *name)
{
	add_named(name, strlen(name), DT_REG);
}

static void add_plus(const char *name, uint64_t node, uint32_t mode)
{
	struct fuse_entry_out entry = {.nodeid = node, .attr = {.mode = mode}};

	append(&entry, sizeof(entry));
	add(name);
}

/* A copy of exactly these bytes, so that a sanitizer sees what is read beyond. */
static struct iovec begin(size_t size)
{
	struct iovec entries = {malloc(size ? size : 1), size};

	assert_non_null(entries.iov_base);
	memcpy(entries.iov_base, packed, size);
	return entries;
}

static int clear(void **state)
{
	(void)state;
	length = 0;
	return 0;
}

static void each_entry_comes_once(void **state)
{
	struct iovec entries;
	void *start;

	(void)state;
	add("a");
	add_named("dir", 3, DT_DIR);
	add_named("odd", 3, 99);
	entries = begin(length);
	start = entries.iov_base;
	assert_int_equal(vfs_dirent_next(&entries, false, &dirent), 1);
	assert_string_equal(dirent.name, "a");
	assert_int_equal(dirent.ino, 100);
	assert_int_equal(dirent.offset, 7);
	assert_int_equal(dirent.type, DT_REG);
	assert_int_equal(dirent.entry.nodeid, 0);
	assert_int_equal(vfs_dirent_next(&entries, false, &dirent), 1);
	assert_string_equal(dirent.name, "dir");
	assert_int_equal(dirent.type, DT_DIR);
	assert_int_equal(vfs_dirent_next(&entries, false, &dirent), 1);
	assert_int_equal(dirent.type, DT_UNKNOWN);
	assert_int_equal(vfs_dirent_next(&entries, false, &dirent), 0);
	free(start);
}

static void with_attributes_it_has_a_node(void **state)
{
	struct iovec entries;
	void *start;

	(void)state;
	add_plus("file", 77, S_IFREG | 0644);
	add_plus("unknown", 0, 0);
	entries = begin(length);
	start = entries.iov_base;
	assert_int_equal(vfs_dirent_next(&entries, true, &dirent), 1);
	assert_string_equal(dirent.name, "file");
	assert_int_equal(dirent.entry.nodeid, 77);
	assert_int_equal(dirent.entry.attr.mode, S_IFREG | 0644);
	assert_int_equal(vfs_dirent_next(&entries, true, &dirent), 1);
	assert_string_equal(dirent.name, "unknown");
	assert_int_equal(dirent.entry.nodeid, 0);
	assert_int_equal(vfs_dirent_next(&entries, true, &dirent), 0);
	free(start);
}

/* Nobody has to give them back. */
static void dots_are_no_lookups(void **state)
{
	struct iovec entries;
	void *start;

	(void)state;
	add_plus(".", 77, 0);
	add_plus("..", FUSE_ROOT_ID, S_IFDIR);
	entries = begin(length);
	start = entries.iov_base;
	assert_int_equal(vfs_dirent_next(&entries, true, &dirent), 1);
	assert_int_equal(dirent.entry.nodeid, 0);
	assert_int_equal(vfs_dirent_next(&entries, true, &dirent), 1);
	assert_int_equal(dirent.entry.nodeid, 0);
	free(start);
}

static void assert_bad(size_t size, bool plus, const char *words)
{
	struct iovec entries = begin(size);
	void *start = entries.iov_base;

	assert_int_equal(vfs_dirent_next(&entries, plus, &dirent), -EIO);
	assert_error_says(words);
	free(start);
}

static void names_are_names(void **state)
{
	static char long_name[300];

	memset(long_name, 'x', sizeof(long_name));
	add_named("", 0, DT_REG);
	assert_bad(length, false, "has 0 bytes");
	clear(state);
	add_named(long_name, 256, DT_REG);
	assert_bad(length, false, "has 256 bytes");
	clear(state);
	add("a/b");
	assert_bad(length, false, "a NUL or a slash");
	clear(state);
	add_named("a\0b", 3, DT_REG);
	assert_bad(length, false, "a NUL or a slash");
}

static void the_longest_name_is_one(void **state)
{
	static char name[256];
	struct iovec entries;
	void *start;

	(void)state;
	memset(name, 'x', 255);
	add(name);
	entries = begin(length);
	start = entries.iov_base;
	assert_int_equal(vfs_dirent_next(&entries, false, &dirent), 1);
	assert_string_equal(dirent.name, name);
	free(start);
}

static void what_ends_too_soon_is_no_entry(void **state)
{
	(void)state;
	add("name");
	for (size_t size = 1; size < length; size++)
		assert_bad(size, false, "");
	length = 0;
	add_plus("name", 77, S_IFREG);
	for (size_t size = 1; size < length; size++) {
		assert_bad(size, true, "");
		assert_int_equal(dirent.entry.nodeid, 0);
	}
}

/* The one who reads has to give it back, and can go on. */
static void a_bad_entry_shows_its_node(void **state)
{
	struct iovec entries;
	void *start;

	(void)state;
	add_plus("bad", 77, 0);
	add_plus("a/b", 78, S_IFREG);
	add_plus("root", FUSE_ROOT_ID, S_IFDIR);
	add_plus("good", 79, S_IFREG);
	entries = begin(length);
	start = entries.iov_base;
	assert_int_equal(vfs_dirent_next(&entries, true, &dirent), -EIO);
	assert_error_says("has no type of file");
	assert_int_equal(dirent.entry.nodeid, 77);
	assert_int_equal(vfs_dirent_next(&entries, true, &dirent), -EIO);
	assert_int_equal(dirent.entry.nodeid, 78);
	assert_int_equal(vfs_dirent_next(&entries, true, &dirent), -EIO);
	assert_error_says("is the root");
	assert_int_equal(dirent.entry.nodeid, 0);
	assert_int_equal(vfs_dirent_next(&entries, true, &dirent), 1);
	assert_int_equal(dirent.entry.nodeid, 79);
	free(start);
}

#define TEST(name) cmocka_unit_test_setup(name, clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_entry_comes_once),
		TEST(with_attributes_it_has_a_node),
		TEST(dots_are_no_lookups),
		TEST(names_are_names),
		TEST(the_longest_name_is_one),
		TEST(what_ends_too_soon_is_no_entry),
		TEST(a_bad_entry_shows_its_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
