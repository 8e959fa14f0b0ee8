/* SPDX-License-Identifier: MIT */
/* What the server is owed is given back later, if there is no memory for that now. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/session.h>

#include "served.h"

#define BOUND_S 20
#define FILES	200

static bool no_memory;

int __real_vfs_forget(
	struct vfs_session *session, const struct fuse_forget_one *forgets, size_t count);
int __wrap_vfs_forget(
	struct vfs_session *session, const struct fuse_forget_one *forgets, size_t count);

int __wrap_vfs_forget(
	struct vfs_session *session, const struct fuse_forget_one *forgets, size_t count)
{
	return no_memory ? -ENOMEM : __real_vfs_forget(session, forgets, count);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
	return no_memory ? NULL : __real_calloc(count, size);
}

static struct vfs_fs *fs;

static int begin(void **state)
{
	(void)state;
	no_memory = false;
	return served_mount(&(struct vfs_mount_options){.cache = VFS_CACHE_NONE}, BOUND_S, &fs);
}

static int end(void **state)
{
	(void)state;
	return served_umount(&fs);
}

static int stat_of(const char *name)
{
	struct stat attr;

	return vfs_stat(fs, name, &attr);
}

static void see_many(void)
{
	char name[16];

	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "%d", i);
		served_write(name, "", 0);
		assert_int_equal(stat_of(name), 0);
	}
}

static void test_nodes_are_given_back_later(void **state)
{
	(void)state;
	see_many();
	no_memory = true;
	assert_int_equal(vfs_drop_caches(fs), 0);
	no_memory = false;
	/* They are known no more, so these are owed beside. */
	see_many();
	assert_int_equal(vfs_drop_caches(fs), 0);
	assert_nothing_held(fs);
}

static void test_nodes_are_gone_with_the_mount(void **state)
{
	(void)state;
	see_many();
	no_memory = true;
	assert_int_equal(vfs_umount(fs), 0);
	no_memory = false;
	assert_int_equal(vfs_mount(served.name, NULL, &fs), 0);
	assert_nothing_held(fs);
}

static void test_a_node_that_is_known_needs_no_memory(void **state)
{
	(void)state;
	served_write("file", "", 0);
	assert_int_equal(stat_of("file"), 0);
	no_memory = true;
	assert_int_equal(stat_of("file"), 0);
	no_memory = false;
	assert_int_equal(vfs_drop_caches(fs), 0);
	assert_nothing_held(fs);
}

#define OWED_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OWED_TEST(test_nodes_are_given_back_later),
		OWED_TEST(test_nodes_are_gone_with_the_mount),
		OWED_TEST(test_a_node_that_is_known_needs_no_memory),
	};

	return cmocka_run_group_tests(tests, served_start, served_stop);
}
