/* SPDX-License-Identifier: MIT */
/* Directories that somebody else moves: what is known of the ways up is not what is there. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "between.h"
#include "served.h"

#define BOUND_S 20

static struct vfs_fs *fs;

static int begin(void **state)
{
	(void)state;
	return served_mount(&(struct vfs_mount_options){.cache = VFS_CACHE_ALWAYS}, BOUND_S, &fs);
}

static int end(void **state)
{
	(void)state;
	return served_umount(&fs);
}

/* The library has seen b/a, and then a/b by a directory that it has open. */
static struct vfs_file *see_each_in_the_other(void)
{
	struct vfs_file *a;
	struct stat attr;

	assert_int_equal(mkdir(served_path("b"), 0755), 0);
	assert_int_equal(mkdir(served_path("b/a"), 0755), 0);
	assert_int_equal(vfs_open(fs, "b/a", O_RDONLY | O_DIRECTORY, 0, &a), 0);
	served_rename("b/a", "a");
	served_rename("b", "a/b");
	assert_int_equal(vfs_fstatat(fs, a, "b", &attr, 0), 0);
	return a;
}

static void test_who_is_in_whom_is_found_out(void **state)
{
	struct vfs_file *a = see_each_in_the_other();
	struct stat attr;

	(void)state;
	assert_int_equal(vfs_mkdirat(fs, a, "b/c", 0755), 0);
	assert_int_equal(vfs_renameat2(fs, a, "b/c", a, "c", 0), 0);
	assert_int_equal(stat(served_path("a/c"), &attr), 0);
	assert_int_equal(vfs_close(a), 0);
}

/* What leads to itself would never be unused. */
static void test_they_are_given_back(void **state)
{
	struct vfs_file *a = see_each_in_the_other();

	(void)state;
	assert_int_equal(vfs_close(a), 0);
	assert_int_equal(vfs_drop_caches(fs), 0);
	assert_nothing_held(fs);
}

/* ---- by this client, without memory ---- */

static bool no_memory;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
	return no_memory ? NULL : __real_malloc(size);
}

static void lose_memory(void)
{
	no_memory = true;
}

static ino_t inode_of(struct vfs_file *dir, const char *path)
{
	struct stat attr;

	assert_int_equal(vfs_fstatat(fs, dir, path, &attr, 0), 0);
	return attr.st_ino;
}

static void test_who_is_moved_without_memory_goes_up(void **state)
{
	struct vfs_file *a;
	ino_t parent;

	(void)state;
	assert_int_equal(mkdir(served_path("a"), 0755), 0);
	assert_int_equal(mkdir(served_path("b"), 0755), 0);
	assert_int_equal(vfs_open(fs, "a", O_RDONLY | O_DIRECTORY, 0, &a), 0);
	parent = inode_of(NULL, "b");
	between(FUSE_RENAME, lose_memory);
	assert_int_equal(vfs_rename(fs, "a", "b/a"), 0);
	no_memory = false;
	assert_int_equal(inode_of(a, ".."), parent);
	/* Nobody is moved into what he is in. */
	assert_int_equal(vfs_renameat2(fs, NULL, "b", a, "b", 0), -EINVAL);
	assert_int_equal(vfs_close(a), 0);
	assert_int_equal(vfs_drop_caches(fs), 0);
	assert_nothing_held(fs);
}

/* Where it is in then is below it. */
static void test_what_was_kept_without_memory_is_no_circle(void **state)
{
	struct vfs_file *a;
	struct stat attr;

	(void)state;
	assert_int_equal(mkdir(served_path("a"), 0755), 0);
	assert_int_equal(mkdir(served_path("b"), 0755), 0);
	assert_int_equal(vfs_open(fs, "a", O_RDONLY | O_DIRECTORY, 0, &a), 0);
	between(FUSE_RENAME, lose_memory);
	assert_int_equal(vfs_rename(fs, "a", "b/a"), 0);
	no_memory = false;
	served_rename("b/a", "a");
	served_rename("b", "a/b");
	assert_int_equal(vfs_fstatat(fs, a, "b", &attr, 0), 0);
	assert_int_equal(vfs_mkdirat(fs, a, "b/c", 0755), 0);
	assert_int_equal(vfs_renameat2(fs, a, "b/c", a, "c", 0), 0);
	assert_int_equal(vfs_close(a), 0);
	assert_int_equal(vfs_drop_caches(fs), 0);
	assert_nothing_held(fs);
}

#define MOVED_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOVED_TEST(test_who_is_in_whom_is_found_out),
		MOVED_TEST(test_they_are_given_back),
		MOVED_TEST(test_who_is_moved_without_memory_goes_up),
		MOVED_TEST(test_what_was_kept_without_memory_is_no_circle),
	};

	return cmocka_run_group_tests(tests, served_start, served_stop);
}
