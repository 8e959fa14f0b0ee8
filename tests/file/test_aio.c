/* SPDX-License-Identifier: MIT */
/* Reads and writes that nobody waits for complete once, with what became of them. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "file/stub_fuse.h"

#define DEPTH 4u
#define SIZE  (2u << 20) /* of more requests than can be in the background for all */

static struct vfs_fs *fs;
static struct vfs_file *file;
static struct vfs_aio *aio;
static unsigned char buffer[DEPTH][SIZE];
static struct vfs_aio_result results[DEPTH];

static int set_up(void **state)
{
	const struct vfs_mount_options options = {.cache = VFS_CACHE_AUTO, .writeback = true};

	(void)state;
	fs = stub_mount(&options);
	fs->max_read = fs->max_write = 32 << 10;
	file = stub_open(fs, O_RDWR);
	assert_int_equal(vfs_aio_create(fs, DEPTH, &aio), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	vfs_aio_destroy(aio);
	assert_int_equal(stub_close(file), 0);
	stub_umount(fs);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static int submit(bool write, unsigned int which, size_t size)
{
	const struct iovec iov[] = {{.iov_base = buffer[which], .iov_len = size / 3},
		{.iov_base = buffer[which] + size / 3, .iov_len = size - size / 3}};
	off_t offset = (off_t)which * SIZE;

	return write ? vfs_aio_pwritev(aio, file, iov, 2, offset, buffer[which])
		     : vfs_aio_preadv(aio, file, iov, 2, offset, buffer[which]);
}

static void reap_all(unsigned int count, ssize_t result)
{
	assert_int_equal(vfs_aio_reap(aio, results, count, DEPTH, -1), count);
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(results[i].result, result);
}

static void large_ones_complete_once(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < DEPTH; i++) {
		memset(buffer[i], (int)i + 1, SIZE);
		assert_int_equal(submit(true, i, SIZE), 0);
	}
	assert_int_equal(submit(true, 0, 1), -EAGAIN);
	assert_int_equal(vfs_aio_fsync(aio, file, false, NULL), -EAGAIN);
	reap_all(DEPTH, SIZE);
	assert_int_equal(vfs_aio_reap(aio, results, 1, DEPTH, -1), 0);
	memset(buffer, 0, sizeof(buffer));
	for (unsigned int i = 0; i < DEPTH; i++)
		assert_int_equal(submit(false, i, SIZE), 0);
	reap_all(DEPTH, SIZE);
	for (unsigned int i = 0; i < DEPTH; i++) {
		assert_int_equal(buffer[i][0], i + 1);
		assert_memory_equal(buffer[i], stub.bytes + (size_t)i * SIZE, SIZE);
	}
}

static void other_functions_see_what_was_written(void **state)
{
	char byte;

	(void)state;
	/* Into what is kept; it must not be written back later. */
	assert_int_equal(vfs_pwrite(file, "old", 3, 0), 3);
	memcpy(buffer[0], "new", 3);
	assert_int_equal(submit(true, 0, 3), 0);
	reap_all(1, 3);
	assert_int_equal(vfs_pread(file, &byte, 1, 0), 1);
	assert_int_equal(byte, 'n');
	assert_int_equal(vfs_lseek(file, 0, SEEK_END), 3);
	/* And the other way round. */
	assert_int_equal(vfs_pwrite(file, "x", 1, 1), 1);
	assert_int_equal(submit(false, 0, 100), 0);
	reap_all(1, 3);
	assert_memory_equal(buffer[0], "nxw", 3);
	assert_int_equal(vfs_fsync(file), 0);
	assert_memory_equal(stub.bytes, "nxw", 3);
}

static void the_end_of_a_file_ends_a_read(void **state)
{
	(void)state;
	stub.size = 100000;
	assert_int_equal(submit(false, 0, SIZE), 0);
	reap_all(1, 100000);
	assert_int_equal(submit(false, 1, SIZE), 0);
	reap_all(1, 0);
	assert_int_equal(submit(false, 0, 0), 0);
	reap_all(1, 0);
}

static void errors_are_results(void **state)
{
	(void)state;
	stub.write_error = -ENOSPC;
	stub.read_error = -EIO;
	assert_int_equal(submit(true, 0, SIZE), 0);
	reap_all(1, -ENOSPC);
	assert_int_equal(submit(false, 0, 10), 0);
	reap_all(1, -EIO);
	stub.write_error = 0;
	stub.no_writes = true;
	assert_int_equal(submit(true, 0, 10), 0);
	reap_all(1, -EIO);
	/* The attributes are not of a file that is being changed for ever. */
	assert_int_equal(file->node->changing, 0);
}

static void what_cannot_be_is_refused(void **state)
{
	const struct iovec iov[VFS_REQUEST_DATA_MAX + 1] = {{0}};
	struct vfs_aio *none = NULL;
	struct vfs_file *reader = stub_open(fs, O_RDONLY);

	(void)state;
	assert_int_equal(vfs_aio_pwritev(aio, reader, iov, 1, 0, NULL), -EBADF);
	assert_int_equal(vfs_aio_preadv(aio, file, iov, 1, -1, NULL), -EINVAL);
	assert_int_equal(
		vfs_aio_preadv(aio, file, iov, VFS_REQUEST_DATA_MAX + 1, 0, NULL), -EINVAL);
	assert_int_equal(vfs_aio_reap(aio, results, 1, DEPTH, -1), 0);
	assert_int_equal(vfs_aio_create(fs, 0, &none), -EINVAL);
	stub.alloc_fails = 1;
	assert_int_equal(vfs_aio_create(fs, 1, &none), -ENOMEM);
	stub.alloc_fails = 0;
	assert_null(none);
	stub_close(reader);
}

static void a_descriptor_says_that_there_is_something(void **state)
{
	struct pollfd p = {.fd = vfs_aio_fd(aio), .events = POLLIN};

	(void)state;
	assert_int_equal(vfs_aio_fd(aio), p.fd);
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(submit(true, 0, 1), 0);
	assert_int_equal(submit(true, 1, 1), 0);
	assert_int_equal(vfs_aio_fsync(aio, file, true, &p), 0);
	/* All but one are taken. */
	assert_int_equal(vfs_aio_reap(aio, results, 2, 2, -1), 2);
	assert_int_equal(vfs_aio_reap(aio, results, 1, 1, -1), 1);
	assert_int_equal(results[0].result, results[0].user_data == &p ? 0 : 1);
	assert_int_equal(poll(&p, 1, 0), 0);
	/* Left for the end. */
	assert_int_equal(submit(true, 0, SIZE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(large_ones_complete_once),
		TEST(other_functions_see_what_was_written),
		TEST(the_end_of_a_file_ends_a_read),
		TEST(errors_are_results),
		TEST(what_cannot_be_is_refused),
		TEST(a_descriptor_says_that_there_is_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
