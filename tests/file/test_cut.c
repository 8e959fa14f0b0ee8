/* SPDX-License-Identifier: MIT */
/* A file is cut while this client writes to it without waiting: it has the size that it was given.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "served.h"

#define BOUND_S 20
#define SIZE	100000

static struct vfs_fs *fs;
static struct vfs_file *file;
static struct vfs_aio *aio;
static char content[SIZE];

/* The first bytes are written, and nobody has taken the completion yet. */
static void begin_with(enum vfs_cache cache)
{
	const struct vfs_mount_options options = {.cache = cache};
	const struct iovec iov = {.iov_base = content, .iov_len = 100};

	alarm(BOUND_S);
	served_write("file", content, SIZE);
	assert_int_equal(vfs_mount(served.name, &options, &fs), 0);
	assert_int_equal(vfs_open(fs, "file", O_RDWR, 0, &file), 0);
	assert_int_equal(vfs_aio_create(fs, 1, &aio), 0);
	assert_int_equal(vfs_aio_pwritev(aio, file, &iov, 1, 0, NULL), 0);
}

static void end_with(off_t size)
{
	struct vfs_aio_result result;

	assert_int_equal(vfs_aio_reap(aio, &result, 1, 1, -1), 1);
	assert_int_equal(result.result, 100);
	vfs_aio_destroy(aio);
	assert_int_equal(vfs_lseek(file, 0, SEEK_END), size);
	assert_int_equal(vfs_close(file), 0);
	assert_int_equal(vfs_umount(fs), 0);
	served_empty();
	alarm(0);
}

static off_t size_of(struct vfs_file *opened)
{
	struct stat attr;

	assert_int_equal(vfs_fstat(opened, &attr), 0);
	return attr.st_size;
}

static void test_truncate(void **state)
{
	(void)state;
	for (int cache = VFS_CACHE_NONE; cache <= VFS_CACHE_ALWAYS; cache++) {
		begin_with((enum vfs_cache)cache);
		assert_int_equal(vfs_ftruncate(file, 5000), 0);
		assert_int_equal(size_of(file), 5000);
		assert_int_equal(vfs_lseek(file, 0, SEEK_END), 5000);
		end_with(5000);
	}
}

static void test_open(void **state)
{
	struct vfs_file *other;

	(void)state;
	for (int cache = VFS_CACHE_NONE; cache <= VFS_CACHE_ALWAYS; cache++) {
		begin_with((enum vfs_cache)cache);
		assert_int_equal(vfs_open(fs, "file", O_RDWR | O_TRUNC, 0, &other), 0);
		assert_int_equal(vfs_pwrite(other, "ab", 2, 100), 2);
		assert_int_equal(size_of(other), 102);
		assert_int_equal(vfs_close(other), 0);
		end_with(102);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truncate),
		cmocka_unit_test(test_open),
	};

	return cmocka_run_group_tests(tests, served_start, served_stop);
}
