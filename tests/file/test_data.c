/* SPDX-License-Identifier: MIT */
/* What is asked of the server, and when, by those who read and write files. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "file/stub_fuse.h"

#define BLOCK 16384

static struct vfs_fs *fs;
static unsigned char buffer[1 << 20];

static void mount_with(enum vfs_cache cache, bool writeback)
{
	const struct vfs_mount_options options = {.cache = cache, .writeback = writeback};

	fs = stub_mount(&options);
}

static int tear_down(void **state)
{
	(void)state;
	stub_umount(fs);
	return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

static void server_has(size_t size)
{
	for (size_t i = 0; i < size; i++)
		stub.bytes[i] = (unsigned char)(i / 100);
	stub.size = size;
}

static void finds(struct vfs_file *file, size_t offset, size_t size)
{
	assert_int_equal(vfs_pread(file, buffer, size, (off_t)offset), size);
	assert_memory_equal(buffer, stub.bytes + offset, size);
}

static void writes(struct vfs_file *file, size_t offset, size_t size, int value)
{
	memset(buffer, value, size);
	assert_int_equal(vfs_pwrite(file, buffer, size, (off_t)offset), size);
}

/* ---- reading ---- */

static void what_was_read_is_not_asked_for_again(void **state)
{
	struct vfs_cache_stats stats = {0};
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_AUTO, false);
	fs->options.readahead = -1;
	server_has(100000);
	file = stub_open(fs, O_RDONLY);
	finds(file, 5000, 20000);
	assert_int_equal(stub.asked[FUSE_READ], 1);
	finds(file, 6000, 18000);
	assert_int_equal(stub.asked[FUSE_READ], 1);
	vfs_pool_stats(fs, &stats);
	assert_int_equal(stats.bytes, 2 * BLOCK);
	assert_int_equal(stats.data_misses, 2);
	assert_int_equal(stats.data_hits, 2);
	/* The end of the file is known too. */
	finds(file, 99000, 1000);
	assert_int_equal(vfs_pread(file, buffer, 5000, 99000), 1000);
	assert_int_equal(vfs_pread(file, buffer, 5000, 100000), 0);
	assert_int_equal(stub.asked[FUSE_READ], 2);
	stub_close(file);
}

static void who_reads_on_is_read_ahead_for(void **state)
{
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_AUTO, false);
	server_has(sizeof(buffer));
	file = stub_open(fs, O_RDONLY);
	for (size_t at = 0; at < sizeof(buffer); at += 4096)
		assert_int_equal(vfs_read(file, buffer + at, 4096), 4096);
	assert_memory_equal(buffer, stub.bytes, sizeof(buffer));
	assert_true(stub.asked[FUSE_READ] < 25);
	assert_int_equal(stub.bytes_read, sizeof(buffer));
	stub_close(file);
}

static void who_reads_here_and_there_is_not(void **state)
{
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_AUTO, false);
	server_has(sizeof(buffer));
	file = stub_open(fs, O_RDONLY);
	for (size_t i = 1; i < 20; i++)
		finds(file, (sizeof(buffer) / BLOCK - 3 * i) * BLOCK, 4096);
	assert_int_equal(stub.bytes_read, 19 * 4096);
	stub_close(file);
}

static void a_failed_read_is_an_error_and_forgotten(void **state)
{
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_AUTO, false);
	server_has(100000);
	file = stub_open(fs, O_RDONLY);
	stub.read_error = -EIO;
	assert_int_equal(vfs_pread(file, buffer, 1000, 0), -EIO);
	assert_int_equal(vfs_read(file, buffer, 1000), -EIO);
	assert_int_equal(vfs_lseek(file, 0, SEEK_CUR), 0);
	stub.read_error = 0;
	finds(file, 0, 1000);
	stub_close(file);
}

static void a_file_that_has_become_shorter_ends_there(void **state)
{
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_AUTO, false);
	server_has(50000);
	file = stub_open(fs, O_RDONLY);
	finds(file, 0, 100);
	stub.size = 40000;
	stub.mtime++;
	assert_int_equal(vfs_pread(file, buffer, 10000, 35000), 5000);
	assert_memory_equal(buffer, stub.bytes + 35000, 5000);
	stub_close(file);
}

/* ---- what others write ---- */

static void who_opens_a_file_sees_what_was_closed_before(void **state)
{
	struct vfs_file *first;
	struct vfs_file *second;

	(void)state;
	mount_with(VFS_CACHE_AUTO, false);
	server_has(50000);
	first = stub_open(fs, O_RDONLY);
	finds(first, 0, 50000);
	second = stub_open(fs, O_RDONLY);
	finds(second, 0, 50000);
	assert_int_equal(stub_close(second), 0);
	stub_change(1000, "new", 3);
	second = stub_open(fs, O_RDONLY);
	finds(second, 900, 200);
	stub_change(60000, "longer", 6);
	assert_int_equal(stub_close(first), 0);
	first = stub_open(fs, O_RDONLY);
	finds(first, 40000, 20006);
	stub_close(first);
	stub_close(second);
}

static void what_is_kept_always_is_kept(void **state)
{
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_ALWAYS, false);
	server_has(50000);
	file = stub_open(fs, O_RDONLY);
	finds(file, 0, 50000);
	stub_close(file);
	stub_change(0, "new", 3);
	file = stub_open(fs, O_RDONLY);
	assert_int_equal(vfs_pread(file, buffer, 3, 0), 3);
	assert_memory_not_equal(buffer, "new", 3);
	/* Until somebody says that it has changed. */
	vfs_data_drop(file->node, 0, UINT64_MAX);
	finds(file, 0, 3);
	stub_close(file);
}

/* ---- writing ---- */

static void what_is_written_is_sent_at_once_and_kept(void **state)
{
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_AUTO, false);
	file = stub_open(fs, O_RDWR);
	writes(file, 0, 40000, 'a');
	assert_int_equal(stub.size, 40000);
	assert_int_equal(stub.asked[FUSE_WRITE], 1);
	finds(file, 0, 40000);
	assert_int_equal(stub.asked[FUSE_READ], 0);
	stub_close(file);
}

static void what_the_server_takes_none_of_is_an_error(void **state)
{
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_AUTO, false);
	file = stub_open(fs, O_RDWR);
	stub.no_writes = true;
	assert_int_equal(vfs_pwrite(file, "abc", 3, 0), -EIO);
	stub.no_writes = false;
	stub.write_error = -ENOSPC;
	assert_int_equal(vfs_write(file, "abc", 3), -ENOSPC);
	assert_int_equal(vfs_lseek(file, 0, SEEK_CUR), 0);
	stub_close(file);
}

static void what_is_written_back_goes_together(void **state)
{
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_AUTO, true);
	file = stub_open(fs, O_RDWR);
	for (size_t i = 0; i < 20; i++)
		writes(file, i * 4096, 4096, (int)i);
	assert_int_equal(stub.asked[FUSE_WRITE], 0);
	assert_int_equal(vfs_lseek(file, 0, SEEK_END), 20 * 4096);
	assert_int_equal(vfs_fsync(file), 0);
	assert_int_equal(stub.asked[FUSE_WRITE], 1);
	assert_int_equal(stub.asked[FUSE_FSYNC], 1);
	assert_int_equal(stub.write_flags & FUSE_WRITE_CACHE, FUSE_WRITE_CACHE);
	assert_int_equal(stub.size, 20 * 4096);
	finds(file, 0, 20 * 4096);
	assert_int_equal(stub.asked[FUSE_READ], 0);
	stub_close(file);
}

static void two_writes_to_a_block_become_one(void **state)
{
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_AUTO, true);
	server_has(2 * BLOCK);
	file = stub_open(fs, O_RDWR);
	writes(file, 100, 10, 'a');
	writes(file, 1000, 10, 'b');
	assert_int_equal(stub.asked[FUSE_READ], 1);
	assert_int_equal(stub_close(file), 0);
	assert_int_equal(stub.asked[FUSE_WRITE], 1);
	assert_int_equal(stub.bytes[105], 'a');
	assert_int_equal(stub.bytes[1005], 'b');
	assert_int_equal(stub.bytes[500], 5);
}

static void who_may_not_read_writes_twice(void **state)
{
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_AUTO, true);
	server_has(2 * BLOCK);
	file = stub_open(fs, O_WRONLY);
	writes(file, 100, 10, 'a');
	writes(file, 1000, 10, 'b');
	assert_int_equal(stub_close(file), 0);
	assert_int_equal(stub.asked[FUSE_READ], 0);
	assert_int_equal(stub.asked[FUSE_WRITE], 2);
	assert_int_equal(stub.bytes[500], 5);
}

static void behind_the_end_there_are_zeros(void **state)
{
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_AUTO, true);
	file = stub_open(fs, O_RDWR);
	writes(file, 0, 10, 'a');
	writes(file, 5000, 10, 'b');
	writes(file, 5 * BLOCK, 10, 'c');
	memset(buffer, 1, sizeof(buffer));
	assert_int_equal(vfs_pread(file, buffer, sizeof(buffer), 0), 5 * BLOCK + 10);
	for (size_t i = 10; i < 5000; i++)
		assert_int_equal(buffer[i], 0);
	assert_int_equal(buffer[5009], 'b');
	for (size_t i = 5010; i < 5 * BLOCK; i++)
		assert_int_equal(buffer[i], 0);
	assert_int_equal(stub_close(file), 0);
	assert_int_equal(stub.size, 5 * BLOCK + 10);
}

static void an_error_is_told_to_each_file_once(void **state)
{
	struct vfs_file *files[2];
	struct vfs_file *later;

	(void)state;
	mount_with(VFS_CACHE_AUTO, true);
	server_has(1000);
	files[0] = stub_open(fs, O_RDWR);
	files[1] = stub_open(fs, O_RDONLY);
	writes(files[0], 0, 1000, 'a');
	stub.write_error = -ENOSPC;
	assert_int_equal(vfs_fsync(files[0]), -ENOSPC);
	stub.write_error = 0;
	assert_int_equal(vfs_fsync(files[0]), 0);
	later = stub_open(fs, O_RDONLY);
	assert_int_equal(stub_close(later), 0);
	assert_int_equal(stub_close(files[1]), -ENOSPC);
	/* What could not be written is lost. */
	finds(files[0], 0, 1000);
	assert_int_equal(stub_close(files[0]), 0);
}

static void not_more_than_half_is_dirty(void **state)
{
	const struct vfs_mount_options options = {
		.cache = VFS_CACHE_AUTO, .writeback = true, .cache_bytes = 40 * BLOCK};
	struct vfs_cache_stats stats = {0};
	struct vfs_file *file;

	(void)state;
	fs = stub_mount(&options);
	file = stub_open(fs, O_RDWR);
	for (size_t at = 0; at < sizeof(buffer); at += 10000) {
		writes(file, at, 10000, 'a');
		vfs_pool_stats(fs, &stats);
		assert_true(stats.bytes <= 40 * BLOCK);
		assert_true(stats.dirty_bytes <= 20 * BLOCK);
	}
	assert_int_equal(vfs_syncfs(fs), 0);
	vfs_pool_stats(fs, &stats);
	assert_int_equal(stats.dirty_bytes, 0);
	vfs_pool_trim(fs, 3 * BLOCK);
	vfs_pool_stats(fs, &stats);
	assert_int_equal(stats.bytes, 3 * BLOCK);
	stub_close(file);
}

static void appends_go_behind_each_other(void **state)
{
	(void)state;
	for (int writeback = 0; writeback < 2; writeback++) {
		struct vfs_file *files[2];

		if (writeback)
			tear_down(state);
		mount_with(VFS_CACHE_AUTO, writeback);
		server_has(100);
		files[0] = stub_open(fs, O_RDWR | O_APPEND);
		files[1] = stub_open(fs, O_RDWR | O_APPEND);
		assert_int_equal(vfs_write(files[0], "first", 5), 5);
		assert_int_equal(vfs_pwrite(files[1], "second", 6, 3), 6);
		assert_int_equal(vfs_lseek(files[0], 0, SEEK_CUR), 105);
		assert_int_equal(vfs_lseek(files[1], 0, SEEK_CUR), 0);
		assert_int_equal(stub_close(files[0]), 0);
		assert_int_equal(stub_close(files[1]), 0);
		assert_memory_equal(stub.bytes + 100, "firstsecond", 11);
		assert_int_equal(stub.size, 111);
	}
}

static void who_appends_to_what_is_not_written_yet_does_not_ask(void **state)
{
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_AUTO, true);
	file = stub_open(fs, O_WRONLY | O_APPEND);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(vfs_write(file, "line\n", 5), 5);
	assert_int_equal(stub.asked[FUSE_GETATTR], 1);
	assert_int_equal(stub_close(file), 0);
	assert_int_equal(stub.size, 50);
}

static void a_shorter_file_has_zeros_when_it_grows(void **state)
{
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_AUTO, true);
	file = stub_open(fs, O_RDWR);
	writes(file, 0, 2 * BLOCK, 'a');
	assert_int_equal(stub_truncate(file, 100), 0);
	writes(file, 1000, 10, 'b');
	finds(file, 0, 100);
	assert_int_equal(vfs_pread(file, buffer, 2000, 100), 910);
	for (size_t i = 0; i < 900; i++)
		assert_int_equal(buffer[i], 0);
	stub_close(file);
}

/* ---- limits ---- */

static void limits_are_those_of_linux(void **state)
{
	static struct iovec many[1025];
	const struct iovec overflow[] = {
		{.iov_base = buffer, .iov_len = SSIZE_MAX}, {.iov_base = buffer, .iov_len = 1}};
	struct vfs_file *reader;
	struct vfs_file *writer;

	(void)state;
	mount_with(VFS_CACHE_AUTO, false);
	reader = stub_open(fs, O_RDONLY);
	writer = stub_open(fs, O_WRONLY);
	assert_int_equal(vfs_pread(reader, buffer, 1, -1), -EINVAL);
	assert_int_equal(vfs_pwrite(writer, buffer, 1, -1), -EINVAL);
	assert_int_equal(vfs_pread(writer, buffer, 1, 0), -EBADF);
	assert_int_equal(vfs_pwrite(reader, buffer, 1, 0), -EBADF);
	assert_int_equal(vfs_readv(reader, many, -1), -EINVAL);
	assert_int_equal(vfs_readv(reader, many, 1025), -EINVAL);
	assert_int_equal(vfs_readv(reader, many, 1024), 0);
	assert_int_equal(vfs_readv(reader, overflow, 2), -EINVAL);
	assert_int_equal(vfs_pwrite(writer, buffer, 2, INT64_MAX - 1), -EINVAL);
	assert_int_equal(vfs_pwrite(writer, buffer, 0, INT64_MAX), 0);
	assert_int_equal(stub.asked[FUSE_READ] + stub.asked[FUSE_WRITE], 0);
	stub_close(reader);
	stub_close(writer);
}

/* ---- the rest ---- */

static void positions_are_moved(void **state)
{
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_AUTO, false);
	server_has(1000);
	stub.lacks_lseek = true;
	file = stub_open(fs, O_RDONLY);
	assert_int_equal(vfs_lseek(file, 10, SEEK_SET), 10);
	assert_int_equal(vfs_lseek(file, -20, SEEK_CUR), -EINVAL);
	assert_int_equal(vfs_lseek(file, INT64_MAX, SEEK_CUR), -EINVAL);
	assert_int_equal(vfs_lseek(file, -5, SEEK_END), 995);
	assert_int_equal(vfs_read(file, buffer, 100), 5);
	assert_int_equal(vfs_lseek(file, 0, SEEK_CUR), 1000);
	assert_int_equal(vfs_lseek(file, 17, SEEK_DATA), 17);
	assert_int_equal(vfs_lseek(file, 17, SEEK_HOLE), 1000);
	assert_int_equal(vfs_lseek(file, 1000, SEEK_HOLE), -ENXIO);
	assert_int_equal(vfs_lseek(file, -1, SEEK_DATA), -ENXIO);
	assert_int_equal(vfs_lseek(file, 0, 77), -EINVAL);
	stub_close(file);
}

static void holes_are_made(void **state)
{
	const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_AUTO, true);
	file = stub_open(fs, O_RDWR);
	writes(file, 0, 3 * BLOCK, 'a');
	assert_int_equal(vfs_fallocate(file, punch, 100, BLOCK), 0);
	assert_int_equal(vfs_pread(file, buffer, 3 * BLOCK, 0), 3 * BLOCK);
	assert_memory_equal(buffer, stub.bytes, 3 * BLOCK);
	assert_int_equal(buffer[100], 0);
	assert_int_equal(buffer[BLOCK + 100], 'a');
	assert_int_equal(vfs_fallocate(file, FALLOC_FL_PUNCH_HOLE, 0, 1), -EOPNOTSUPP);
	assert_int_equal(vfs_fallocate(file, FALLOC_FL_COLLAPSE_RANGE, 0, BLOCK), -EOPNOTSUPP);
	assert_int_equal(vfs_fallocate(file, 0, 0, 0), -EINVAL);
	assert_int_equal(vfs_fallocate(file, 0, -1, 1), -EINVAL);
	assert_int_equal(vfs_fallocate(file, 0, INT64_MAX, 1), -EFBIG);
	stub_close(file);
}

static void ranges_are_copied(void **state)
{
	(void)state;
	for (int lacks = 0; lacks < 2; lacks++) {
		off_t from = 100;
		off_t to = 50000;
		struct vfs_file *file;
		ssize_t n;

		if (lacks)
			tear_down(state);
		mount_with(VFS_CACHE_AUTO, true);
		stub.lacks_copy = lacks;
		file = stub_open(fs, O_RDWR);
		for (int i = 0; i < 10; i++)
			writes(file, (size_t)i * 1000, 1000, i);
		n = vfs_copy_file_range(file, &from, file, &to, 20000, 0);
		assert_int_equal(n, 9900);
		assert_int_equal(from, 10000);
		assert_int_equal(to, 59900);
		assert_int_equal(vfs_pread(file, buffer, 9900, 50000), 9900);
		for (int i = 0; i < 9900; i++)
			assert_int_equal(buffer[i], (i + 100) / 1000);
		to = 9000;
		from = 8500;
		assert_int_equal(vfs_copy_file_range(file, &from, file, &to, 1000, 0), -EINVAL);
		assert_int_equal(vfs_copy_file_range(file, &from, file, &to, 1000, 1), -EINVAL);
		assert_int_equal(stub_close(file), 0);
	}
}

static void kept_data_is_shown(void **state)
{
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_AUTO, true);
	file = stub_open(fs, O_RDWR);
	writes(file, 1000, 2 * BLOCK, 'a');
	assert_int_equal(vfs_data_peek(file->node, 0, buffer, 100), 0);
	memset(buffer, 0, sizeof(buffer));
	assert_int_equal(vfs_data_peek(file->node, 2000, buffer, sizeof(buffer)), 2 * BLOCK - 1000);
	assert_int_equal(buffer[2 * BLOCK - 1001], 'a');
	stub_close(file);
}

/* ---- somebody else ---- */

/* He writes as soon as this client's WRITE is done, and says so before its answer is looked at. */
static void somebody_else_writes(void)
{
	stub.after_write = NULL;
	memset(stub.bytes + 100, 'x', 100);
	vfs_data_drop(fs->root, 0, UINT64_MAX);
}

static void what_was_written_is_not_kept_if_it_may_be_older(void **state)
{
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_ALWAYS, false);
	file = stub_open(fs, O_RDWR);
	stub.after_write = somebody_else_writes;
	writes(file, 0, 1000, 'a');
	finds(file, 0, 1000);
	assert_int_equal(buffer[150], 'x');
	writes(file, 0, 1000, 'b');
	finds(file, 0, 1000);
	assert_int_equal(stub.asked[FUSE_READ], 1);
	stub_close(file);
}

static void what_was_written_back_is_not_kept_if_it_may_be_older(void **state)
{
	struct vfs_file *file;

	(void)state;
	mount_with(VFS_CACHE_ALWAYS, true);
	file = stub_open(fs, O_RDWR);
	stub.after_write = somebody_else_writes;
	writes(file, 0, 1000, 'a');
	assert_int_equal(vfs_fsync(file), 0);
	finds(file, 0, 1000);
	assert_int_equal(buffer[150], 'x');
	stub_close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_read_is_not_asked_for_again),
		TEST(who_reads_on_is_read_ahead_for),
		TEST(who_reads_here_and_there_is_not),
		TEST(a_failed_read_is_an_error_and_forgotten),
		TEST(a_file_that_has_become_shorter_ends_there),
		TEST(who_opens_a_file_sees_what_was_closed_before),
		TEST(what_is_kept_always_is_kept),
		TEST(what_is_written_is_sent_at_once_and_kept),
		TEST(what_the_server_takes_none_of_is_an_error),
		TEST(what_is_written_back_goes_together),
		TEST(two_writes_to_a_block_become_one),
		TEST(who_may_not_read_writes_twice),
		TEST(behind_the_end_there_are_zeros),
		TEST(an_error_is_told_to_each_file_once),
		TEST(not_more_than_half_is_dirty),
		TEST(appends_go_behind_each_other),
		TEST(who_appends_to_what_is_not_written_yet_does_not_ask),
		TEST(a_shorter_file_has_zeros_when_it_grows),
		TEST(limits_are_those_of_linux),
		TEST(positions_are_moved),
		TEST(holes_are_made),
		TEST(ranges_are_copied),
		TEST(kept_data_is_shown),
		TEST(what_was_written_is_not_kept_if_it_may_be_older),
		TEST(what_was_written_back_is_not_kept_if_it_may_be_older),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
