/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing files in the DAX window: with no request where that can be, and by request
 * where it cannot; library and host see the same at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "served.h"
#include "windowed.h"

#define SIZE (5u * RANGE)

static char buffer[SIZE];

/* A file of whole units that is in the window as far as it goes. */
static struct vfs_file *open_mapped(int flags)
{
	struct vfs_file *file;

	windowed_make("file", SIZE, 1);
	file = windowed_open("file", flags);
	assert_reads(file, SIZE, 0, 1);
	return file;
}

static const char *fill(size_t size, uint64_t offset, unsigned int version)
{
	for (size_t i = 0; i < size; i++)
		buffer[i] = windowed_byte(offset + i, version);
	return buffer;
}

static void host_writes(const char *text, off_t offset)
{
	int fd = open(served_path("file"), O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, text, strlen(text), offset), strlen(text));
	close(fd);
}

static void assert_host_reads(const char *text, off_t offset)
{
	int fd = open(served_path("file"), O_RDONLY | O_CLOEXEC);
	char bytes[64] = "";

	assert_int_equal(pread(fd, bytes, strlen(text), offset), strlen(text));
	close(fd);
	assert_string_equal(bytes, text);
}

static void host_cuts(off_t size)
{
	assert_int_equal(truncate(served_path("file"), size), 0);
}

/* ---- with no request ---- */

static void test_mapped_parts_are_read_with_no_request(void **state)
{
	struct vfs_file *file = open_mapped(O_RDONLY);
	uint64_t before = messages();
	struct vfs_dax_stats stats = dax_stats();

	(void)state;
	for (unsigned int i = 0; i < 1000; i++)
		assert_reads(file, 4096, i * 331 % (SIZE - 4096), 1);
	assert_int_equal(messages(), before);
	assert_int_equal(messages_of(FUSE_READ), 0);
	assert_int_equal(dax_stats().maps, stats.maps);
	assert_int_equal(dax_stats().read_bytes - stats.read_bytes, 1000 * 4096);
	assert_true(dax_stats().hits - stats.hits >= 1000);
	assert_int_equal(vfs_close(file), 0);
}

static void test_mapped_parts_are_written_with_no_request(void **state)
{
	struct vfs_file *file = open_mapped(O_RDWR);
	uint64_t before;

	(void)state;
	assert_int_equal(vfs_pwrite(file, fill(SIZE, 0, 2), SIZE, 0), SIZE);
	before = messages();
	for (unsigned int i = 0; i < 1000; i++) {
		uint64_t at = i * 331 % (SIZE - 500);

		assert_int_equal(vfs_pwrite(file, fill(500, at, 2), 500, (off_t)at), 500);
	}
	assert_int_equal(messages(), before);
	assert_int_equal(messages_of(FUSE_WRITE), 0);
	assert_host_has("file", SIZE, 2);
	assert_reads(file, SIZE, 0, 2);
	assert_int_equal(dax_stats().written_bytes, SIZE + 1000 * 500);
	assert_int_equal(vfs_close(file), 0);
}

static void test_each_side_sees_what_the_other_writes_at_once(void **state)
{
	struct vfs_file *file = open_mapped(O_RDWR);
	uint64_t before;

	(void)state;
	assert_int_equal(vfs_pwrite(file, "first", 5, RANGE), 5);
	before = messages();
	for (unsigned int i = 0; i < 100; i++) {
		char text[16], found[16] = "";

		snprintf(text, sizeof(text), "host %u", i);
		host_writes(text, RANGE - 3);
		assert_int_equal(vfs_pread(file, found, strlen(text), RANGE - 3), strlen(text));
		assert_string_equal(found, text);
		snprintf(text, sizeof(text), "library %u", i);
		assert_int_equal(vfs_pwrite(file, text, strlen(text), RANGE), strlen(text));
		assert_host_reads(text, RANGE);
	}
	assert_int_equal(messages(), before);
	assert_int_equal(vfs_close(file), 0);
}

static void test_pieces_of_memory(void **state)
{
	struct vfs_file *file = open_mapped(O_RDWR);
	char *a = malloc(100), *b = malloc(2 * RANGE), *c = malloc(7);
	const struct iovec iov[] = {{.iov_base = a, .iov_len = 100}, {.iov_base = NULL},
		{.iov_base = b, .iov_len = 2 * RANGE}, {.iov_base = c, .iov_len = 7}};
	size_t total = 100 + 2 * RANGE + 7;
	off_t offset = RANGE - 50;
	uint64_t before;

	(void)state;
	before = messages();
	assert_int_equal(vfs_preadv(file, iov, 4, offset), total);
	assert_int_equal(messages(), before);
	assert_bytes(a, 100, (uint64_t)offset, 1);
	assert_bytes(b, 2 * RANGE, (uint64_t)offset + 100, 1);
	assert_bytes(c, 7, (uint64_t)offset + 100 + 2 * RANGE, 1);
	memset(a, 'A', 100);
	memset(b, 'B', 2 * RANGE);
	memset(c, 'C', 7);
	assert_int_equal(vfs_pwritev(file, iov, 4, offset), total);
	assert_int_equal(messages_of(FUSE_WRITE), 0);
	assert_host_reads("AAB", offset + 98);
	assert_host_reads("BBCCCCCCC", offset + 100 + 2 * RANGE - 2);
	free(a);
	free(b);
	free(c);
	assert_int_equal(vfs_close(file), 0);
}

static void test_asynchronous_ones_complete(void **state)
{
	struct vfs_file *file = open_mapped(O_RDWR);
	struct iovec in = {.iov_base = buffer, .iov_len = RANGE + 5};
	struct vfs_aio_result result;
	struct vfs_aio *aio;

	(void)state;
	assert_int_equal(vfs_aio_create(windowed, 2, &aio), 0);
	assert_int_equal(vfs_aio_preadv(aio, file, &in, 1, 777, file), 0);
	assert_int_equal(vfs_aio_reap(aio, &result, 1, 1, -1), 1);
	assert_int_equal(result.result, RANGE + 5);
	assert_ptr_equal(result.user_data, file);
	assert_bytes(buffer, RANGE + 5, 777, 1);
	fill(RANGE + 5, 777, 2);
	assert_int_equal(vfs_aio_pwritev(aio, file, &in, 1, 777, buffer), 0);
	assert_int_equal(vfs_aio_reap(aio, &result, 1, 1, -1), 1);
	assert_int_equal(result.result, RANGE + 5);
	assert_int_equal(messages_of(FUSE_READ) + messages_of(FUSE_WRITE), 0);
	assert_reads(file, RANGE + 5, 777, 2);
	assert_int_equal(vfs_aio_fsync(aio, file, true, NULL), 0);
	assert_int_equal(vfs_aio_reap(aio, &result, 1, 1, -1), 1);
	assert_int_equal(result.result, 0);
	assert_int_equal(messages_of(FUSE_FSYNC), 1);
	vfs_aio_destroy(aio);
	assert_int_equal(vfs_close(file), 0);
}

/* As with Linux: the window is past everything that is kept, as is asked for. */
static void test_direct_files_are_in_it(void **state)
{
	struct vfs_file *file = open_mapped(O_RDWR | O_DIRECT);
	uint64_t reads = messages_of(FUSE_READ);

	(void)state;
	assert_reads(file, 4096, RANGE, 1);
	assert_int_equal(vfs_pwrite(file, fill(4096, 0, 2), 4096, 0), 4096);
	assert_int_equal(messages_of(FUSE_READ), reads);
	assert_int_equal(messages_of(FUSE_WRITE), 0);
	assert_int_equal(vfs_close(file), 0);
}

/* ---- by request ---- */

static void test_the_tail_goes_by_request(void **state)
{
	struct vfs_file *file;

	(void)state;
	windowed_make("file", RANGE + 100, 1);
	file = windowed_open("file", O_RDWR);
	assert_reads(file, RANGE, 0, 1);
	assert_int_equal(messages_of(FUSE_READ), 0);
	assert_reads(file, 200, RANGE - 100, 1);
	assert_int_equal(messages_of(FUSE_READ), 1);
	assert_int_equal(vfs_pread(file, buffer, 500, RANGE + 50), 50);
	assert_int_equal(vfs_pread(file, buffer, 500, RANGE + 100), 0);
	assert_int_equal(vfs_pwrite(file, fill(200, RANGE - 100, 1), 200, RANGE - 100), 200);
	assert_int_equal(messages_of(FUSE_WRITE), 1);
	assert_host_has("file", RANGE + 100, 1);
	assert_int_equal(vfs_close(file), 0);
}

static void test_growing_goes_by_request(void **state)
{
	struct vfs_file *file = windowed_open("file", O_RDWR | O_CREAT);
	uint64_t writes = 0;

	(void)state;
	for (uint64_t at = 0; at < SIZE; at += 3 * UNIT) {
		size_t size = at + 3 * UNIT < SIZE ? 3 * UNIT : (size_t)(SIZE - at);

		assert_int_equal(
			vfs_pwrite(file, fill(size, at, 3), size, (off_t)at), (ssize_t)size);
		assert_int_equal(messages_of(FUSE_WRITE), ++writes);
		assert_reads(file, at + size, 0, 3);
	}
	assert_int_equal(messages_of(FUSE_READ), 0);
	assert_host_has("file", SIZE, 3);
	/* And now there is nothing to grow. */
	assert_int_equal(vfs_pwrite(file, fill(SIZE, 0, 4), SIZE, 0), SIZE);
	assert_int_equal(messages_of(FUSE_WRITE), writes);
	assert_host_has("file", SIZE, 4);
	assert_int_equal(vfs_close(file), 0);
}

static void test_appending_goes_by_request(void **state)
{
	struct vfs_file *file, *other;

	(void)state;
	windowed_make("file", 2 * RANGE, 5);
	file = windowed_open("file", O_RDWR | O_APPEND);
	assert_reads(file, 2 * RANGE, 0, 5);
	for (unsigned int i = 0; i < 5; i++) {
		uint64_t at = 2 * RANGE + i * 5000;

		assert_int_equal(vfs_write(file, fill(5000, at, 5), 5000), 5000);
		assert_int_equal(messages_of(FUSE_WRITE), i + 1);
	}
	assert_host_has("file", 2 * RANGE + 25000, 5);
	assert_reads(file, 2 * RANGE + 25000, 0, 5);
	other = windowed_open("file", O_RDONLY);
	assert_reads(other, 2 * RANGE + 25000, 0, 5);
	assert_int_equal(vfs_close(other), 0);
	assert_int_equal(vfs_close(file), 0);
}

static void test_synchronous_writes_go_by_request(void **state)
{
	static const int flags[] = {O_SYNC, O_DSYNC};

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t writes = messages_of(FUSE_WRITE);
		struct vfs_file *file = open_mapped(O_RDWR | flags[i]);

		assert_int_equal(vfs_pwrite(file, fill(4096, 0, 2), 4096, 0), 4096);
		assert_int_equal(messages_of(FUSE_WRITE), writes + 1);
		assert_reads(file, 4096, 0, 2);
		assert_int_equal(vfs_close(file), 0);
	}
}

/* The server has to see that somebody else's program is changed. */
static void test_programs_of_others_are_written_by_request(void **state)
{
	const struct vfs_caller other = {.uid = 1000, .gid = 1000};
	struct vfs_file *file;
	struct stat stat;

	(void)state;
	windowed_make("file", SIZE, 1);
	assert_int_equal(chmod(served_path("file"), 06777), 0);
	file = windowed_open("file", O_RDWR);
	assert_reads(file, SIZE, 0, 1);
	vfs_caller_set(&other);
	assert_int_equal(vfs_pwrite(file, "x", 1, 0), 1);
	vfs_caller_set(NULL);
	assert_int_equal(lstat(served_path("file"), &stat), 0);
	assert_int_equal(stat.st_mode & 07777, 00777);
	assert_int_equal(vfs_close(file), 0);
}

/* ---- what else changes a file ---- */

static void test_holes_are_seen(void **state)
{
	struct vfs_file *file = open_mapped(O_RDWR);
	static char zeros[RANGE];

	(void)state;
	assert_int_equal(
		vfs_fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, RANGE / 2, RANGE),
		0);
	assert_int_equal(vfs_pread(file, buffer, RANGE, RANGE / 2), RANGE);
	assert_memory_equal(buffer, zeros, RANGE);
	assert_reads(file, RANGE / 2, 0, 1);
	assert_reads(file, RANGE, RANGE / 2 + RANGE, 1);
	assert_int_equal(vfs_lseek(file, 0, SEEK_HOLE), RANGE / 2);
	assert_int_equal(vfs_lseek(file, RANGE / 2, SEEK_DATA), RANGE / 2 + RANGE);
	/* What is written there is data again. */
	assert_int_equal(vfs_pwrite(file, fill(RANGE, RANGE / 2, 1), RANGE, RANGE / 2), RANGE);
	assert_int_equal(vfs_lseek(file, 0, SEEK_HOLE), SIZE);
	assert_host_has("file", SIZE, 1);
	assert_int_equal(vfs_close(file), 0);
}

static void test_copies_are_seen(void **state)
{
	struct vfs_file *file = open_mapped(O_RDWR);
	struct vfs_file *other = windowed_open("other", O_RDWR | O_CREAT);
	off_t in = 0, out = 0;

	(void)state;
	/* What was just written in the window is what is copied. */
	assert_int_equal(vfs_pwrite(file, fill(SIZE, 0, 6), SIZE, 0), SIZE);
	assert_int_equal(vfs_copy_file_range(file, &in, other, &out, SIZE, 0), SIZE);
	assert_reads(other, SIZE, 0, 6);
	assert_host_has("other", SIZE, 6);
	/* And what was copied over what is mapped is seen. */
	assert_int_equal(vfs_pwrite(file, fill(SIZE, 0, 7), SIZE, 0), SIZE);
	in = out = 0;
	assert_int_equal(vfs_copy_file_range(file, &in, other, &out, SIZE, 0), SIZE);
	assert_reads(other, SIZE, 0, 7);
	assert_int_equal(vfs_close(other), 0);
	assert_int_equal(vfs_close(file), 0);
}

/* ---- times ---- */

static void make_old(void)
{
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

	assert_int_equal(utimensat(AT_FDCWD, served_path("file"), old, 0), 0);
}

static time_t host_time(void)
{
	struct stat stat;

	assert_int_equal(lstat(served_path("file"), &stat), 0);
	return stat.st_mtime;
}

static void test_times_of_what_was_written(void **state)
{
	struct vfs_file *file = open_mapped(O_RDWR);
	struct stat stat;

	(void)state;
	/* Mapped for writing, whose first write the host would see by itself. */
	assert_int_equal(vfs_pwrite(file, "x", 1, 0), 1);
	assert_int_equal(vfs_fsync(file), 0);
	make_old();
	assert_int_equal(vfs_drop_caches(windowed), 0);
	assert_int_equal(vfs_fstat(file, &stat), 0);
	assert_int_equal(stat.st_mtime, 1000);
	assert_reads(file, 1, 1, 1);
	assert_int_equal(vfs_pwrite(file, "y", 1, 0), 1);
	assert_int_equal(vfs_stat(windowed, "file", &stat), 0);
	assert_true(stat.st_mtime > 1000);
	make_old();
	assert_int_equal(vfs_pwrite(file, "z", 1, 0), 1);
	assert_int_equal(vfs_fstat(file, &stat), 0);
	assert_true(stat.st_mtime > 1000);
	make_old();
	assert_int_equal(vfs_pwrite(file, "z", 1, 0), 1);
	assert_int_equal(vfs_fdatasync(file), 0);
	assert_true(host_time() > 1000);
	make_old();
	assert_int_equal(vfs_pwrite(file, "z", 1, 0), 1);
	assert_int_equal(vfs_close(file), 0);
	assert_true(host_time() > 1000);
}

/* Who only reads changes nothing. */
static void test_reading_leaves_times(void **state)
{
	struct vfs_file *file = open_mapped(O_RDWR);

	(void)state;
	make_old();
	assert_reads(file, SIZE, 0, 1);
	assert_int_equal(vfs_fsync(file), 0);
	assert_int_equal(vfs_close(file), 0);
	assert_int_equal(host_time(), 1000);
}

/* What somebody sets after that is what counts. */
static void test_times_that_are_set_stay(void **state)
{
	struct vfs_file *file = open_mapped(O_RDWR);
	const struct timespec set[2] = {{.tv_sec = 2000}, {.tv_sec = 2000}};
	struct stat stat;

	(void)state;
	assert_int_equal(vfs_pwrite(file, "x", 1, 0), 1);
	assert_int_equal(vfs_futimens(file, set), 0);
	assert_int_equal(vfs_fstat(file, &stat), 0);
	assert_int_equal(stat.st_mtime, 2000);
	assert_int_equal(vfs_close(file), 0);
	assert_int_equal(host_time(), 2000);
}

/* ---- files that become shorter ---- */

static void test_what_this_client_cuts(void **state)
{
	static const enum vfs_cache caches[] = {VFS_CACHE_NONE, VFS_CACHE_AUTO, VFS_CACHE_ALWAYS};
	static char zeros[SIZE];

	for (unsigned int i = 0; i < 3; i++) {
		struct vfs_mount_options options = windowed_options();
		struct vfs_file *file;

		windowed_unmount();
		options.cache = caches[i];
		windowed_mount(&options);
		file = open_mapped(O_RDWR);
		assert_int_equal(vfs_ftruncate(file, RANGE + 10), 0);
		assert_int_equal(vfs_pread(file, buffer, SIZE, 0), RANGE + 10);
		assert_bytes(buffer, RANGE + 10, 0, 1);
		assert_int_equal(vfs_pread(file, buffer, SIZE, RANGE + 10), 0);
		assert_int_equal(vfs_truncate(windowed, "file", SIZE), 0);
		assert_int_equal(vfs_pread(file, buffer, SIZE, RANGE + 10), SIZE - RANGE - 10);
		assert_memory_equal(buffer, zeros, SIZE - RANGE - 10);
		assert_int_equal(vfs_pwrite(file, fill(SIZE, 0, 2), SIZE, 0), SIZE);
		assert_host_has("file", SIZE, 2);
		assert_int_equal(dax_stats().faults, 0);
		assert_ranges_add_up();
		assert_int_equal(vfs_close(file), 0);
		served_empty();
	}
	(void)state;
}

static void cut_under(struct vfs_file *file)
{
	assert_reads(file, SIZE, 0, 1);
	host_cuts(RANGE + 10);
	/* As far as it goes, and then its end; never a byte that is not there. */
	assert_int_equal(vfs_pread(file, buffer, SIZE, 100), RANGE + 10 - 100);
	assert_bytes(buffer, RANGE + 10 - 100, 100, 1);
	assert_int_equal(vfs_pread(file, buffer, SIZE, RANGE + 10), 0);
	assert_int_equal(vfs_pread(file, buffer, SIZE, 3 * RANGE), 0);
	/* Writing goes on where it can. */
	assert_int_equal(vfs_pwrite(file, fill(SIZE, 0, 2), SIZE, 0), SIZE);
	assert_host_has("file", SIZE, 2);
	assert_reads(file, SIZE, 0, 2);
	assert_ranges_add_up();
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	if (!vfs_fault_handle(signal, info, context))
		abort();
}

static void set_handlers(struct sigaction before[2], bool set)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	sigaction(SIGBUS, set ? &action : &before[0], set ? &before[0] : NULL);
	sigaction(SIGSEGV, set ? &action : &before[1], set ? &before[1] : NULL);
}

static void test_what_the_host_cuts(void **state)
{
	static const enum vfs_cache caches[] = {VFS_CACHE_NONE, VFS_CACHE_AUTO, VFS_CACHE_ALWAYS};

	(void)state;
	for (enum vfs_faults faults = VFS_FAULTS_AUTO; faults <= VFS_FAULTS_APPLICATION; faults++)
		for (unsigned int i = 0; i < 3; i++) {
			struct vfs_mount_options options = windowed_options();
			struct sigaction before[2];
			struct vfs_file *file;

			windowed_unmount();
			if (faults == VFS_FAULTS_APPLICATION)
				set_handlers(before, true);
			options.cache = caches[i];
			options.dax_faults = faults;
			windowed_mount(&options);
			windowed_make("file", SIZE, 1);
			file = windowed_open("file", O_RDWR);
			cut_under(file);
			if (caches[i] != VFS_CACHE_NONE)
				assert_true(dax_stats().faults > 0);
			assert_int_equal(vfs_close(file), 0);
			windowed_unmount();
			if (faults == VFS_FAULTS_APPLICATION)
				set_handlers(before, false);
			options = windowed_options();
			windowed_mount(&options);
			served_empty();
		}
}

static void test_what_the_host_makes_longer(void **state)
{
	struct vfs_mount_options options = windowed_options();
	struct vfs_file *file;

	(void)state;
	windowed_unmount();
	options.cache = VFS_CACHE_NONE;
	windowed_mount(&options);
	windowed_make("file", RANGE / 2, 1);
	file = windowed_open("file", O_RDWR);
	assert_reads(file, RANGE / 2, 0, 1);
	windowed_make("file", SIZE, 2);
	assert_reads(file, SIZE, 0, 2);
	assert_int_equal(messages_of(FUSE_READ), 0);
	assert_int_equal(vfs_close(file), 0);
}

#define WINDOW_TEST(f) cmocka_unit_test_setup_teardown(f, windowed_begin, windowed_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WINDOW_TEST(test_mapped_parts_are_read_with_no_request),
		WINDOW_TEST(test_mapped_parts_are_written_with_no_request),
		WINDOW_TEST(test_each_side_sees_what_the_other_writes_at_once),
		WINDOW_TEST(test_pieces_of_memory),
		WINDOW_TEST(test_asynchronous_ones_complete),
		WINDOW_TEST(test_direct_files_are_in_it),
		WINDOW_TEST(test_the_tail_goes_by_request),
		WINDOW_TEST(test_growing_goes_by_request),
		WINDOW_TEST(test_appending_goes_by_request),
		WINDOW_TEST(test_synchronous_writes_go_by_request),
		WINDOW_TEST(test_programs_of_others_are_written_by_request),
		WINDOW_TEST(test_holes_are_seen),
		WINDOW_TEST(test_copies_are_seen),
		WINDOW_TEST(test_times_of_what_was_written),
		WINDOW_TEST(test_reading_leaves_times),
		WINDOW_TEST(test_times_that_are_set_stay),
		WINDOW_TEST(test_what_this_client_cuts),
		WINDOW_TEST(test_what_the_host_cuts),
		WINDOW_TEST(test_what_the_host_makes_longer),
	};

	served.dax = WINDOW_MIB;
	return cmocka_run_group_tests(tests, served_start, served_stop);
}
