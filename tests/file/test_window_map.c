/* SPDX-License-Identifier: MIT */
/* Pointers into the DAX window, and for how long it shows a file. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "served.h"
#include "windowed.h"

#define SIZE (5u * RANGE)
#define BOTH (PROT_READ | PROT_WRITE)

static struct vfs_file *file;

static int begin(void **state)
{
	int r = windowed_begin(state);

	windowed_make("file", SIZE, 1);
	file = windowed_open("file", O_RDWR);
	return r;
}

static void close_it(void)
{
	assert_int_equal(vfs_close(file), 0);
}

static char *map(off_t offset, size_t length, int prot)
{
	void *address = NULL;

	if (vfs_map(file, offset, length, prot, &address) < 0)
		fail_msg("%s", vfs_last_error());
	return address;
}

static void unmap(void *address)
{
	assert_int_equal(vfs_unmap(windowed, address), 0);
}

/* ---- what is there ---- */

static void test_a_part_of_one_range(void **state)
{
	char *p = map(RANGE + 123, 1000, PROT_READ);
	uint64_t before = messages();

	(void)state;
	assert_bytes(p, 1000, RANGE + 123, 1);
	assert_int_equal(dax_stats().held, 1);
	assert_int_equal(dax_stats().mapped_read, 1);
	/* Whoever reads there reads the same range. */
	assert_reads(file, 1000, RANGE + 123, 1);
	assert_int_equal(messages(), before);
	unmap(p);
	assert_int_equal(dax_stats().held, 0);
	assert_ranges_add_up();
	close_it();
}

static void test_a_part_of_many_ranges_is_in_one_piece(void **state)
{
	char *p = map(RANGE / 2, 4 * RANGE, BOTH);

	(void)state;
	assert_bytes(p, 4 * RANGE, RANGE / 2, 1);
	assert_int_equal(dax_stats().held, 5);
	assert_ranges_add_up();
	for (unsigned int i = 0; i < 4 * RANGE; i++)
		p[i] = windowed_byte(RANGE / 2 + i, 2);
	assert_reads(file, 4 * RANGE, RANGE / 2, 2);
	/* What is read elsewhere is not mixed up with it. */
	assert_reads(file, RANGE / 2, 0, 1);
	unmap(p);
	assert_int_equal(dax_stats().held, 0);
	assert_ranges_add_up();
	close_it();
}

static void test_the_tail_of_a_file(void **state)
{
	char *p;

	(void)state;
	close_it();
	windowed_make("tail", RANGE + 777, 4);
	file = windowed_open("tail", O_RDWR);
	p = map(RANGE - 10, 787, BOTH);
	assert_bytes(p, 787, RANGE - 10, 4);
	unmap(p);
	p = map(RANGE + 700, 77, BOTH);
	assert_bytes(p, 77, RANGE + 700, 4);
	memcpy(p, "changed", 7);
	unmap(p);
	close_it();
	file = windowed_open("tail", O_RDONLY);
	{
		char found[8] = "";

		assert_int_equal(vfs_pread(file, found, 7, RANGE + 700), 7);
		assert_string_equal(found, "changed");
	}
	close_it();
}

static void test_each_side_sees_what_the_other_writes(void **state)
{
	char *p = map(0, SIZE, BOTH);
	int fd = open(served_path("file"), O_RDWR | O_CLOEXEC);
	char found[32] = "";

	(void)state;
	memcpy(p + 3 * RANGE - 4, "by pointer", 10);
	assert_int_equal(pread(fd, found, 10, 3 * RANGE - 4), 10);
	assert_string_equal(found, "by pointer");
	assert_int_equal(pwrite(fd, "by the host", 11, 2 * RANGE - 5), 11);
	assert_memory_equal(p + 2 * RANGE - 5, "by the host", 11);
	/* And what this client writes by request. */
	assert_int_equal(vfs_pwrite(file, "by file", 7, 100), 7);
	assert_memory_equal(p + 100, "by file", 7);
	close(fd);
	unmap(p);
	close_it();
}

static void test_what_was_written_is_brought_to_storage(void **state)
{
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	char *p = map(0, 100, BOTH);
	struct stat stat;

	(void)state;
	p[0] = 'x';
	assert_int_equal(vfs_map_sync(file), 0);
	assert_int_equal(messages_of(FUSE_FSYNC), 1);
	assert_int_equal(utimensat(AT_FDCWD, served_path("file"), old, 0), 0);
	p[0] = 'y';
	assert_int_equal(vfs_map_sync(file), 0);
	assert_int_equal(lstat(served_path("file"), &stat), 0);
	assert_true(stat.st_mtime > 1000);
	assert_int_equal(utimensat(AT_FDCWD, served_path("file"), old, 0), 0);
	p[0] = 'z';
	unmap(p);
	assert_int_equal(lstat(served_path("file"), &stat), 0);
	assert_true(stat.st_mtime > 1000);
	close_it();
}

/* It is asked for by one who cannot have written. */
static void test_who_reads_changes_no_times(void **state)
{
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	struct vfs_file *reader = windowed_open("file", O_RDONLY);
	struct stat stat;

	(void)state;
	unmap(map(0, 100, PROT_READ));
	assert_int_equal(utimensat(AT_FDCWD, served_path("file"), old, 0), 0);
	assert_int_equal(vfs_map_sync(reader), 0);
	assert_int_equal(vfs_close(reader), 0);
	assert_int_equal(lstat(served_path("file"), &stat), 0);
	assert_int_equal(stat.st_mtime, 1000);
	close_it();
}

/* ---- how long ---- */

static void test_it_outlives_the_file(void **state)
{
	char *p = map(RANGE, RANGE, BOTH);

	(void)state;
	close_it();
	assert_int_equal(vfs_unlink(windowed, "file"), 0);
	assert_int_equal(vfs_drop_caches(windowed), 0);
	assert_bytes(p, RANGE, RANGE, 1);
	memset(p, 'x', RANGE);
	unmap(p);
	assert_int_equal(vfs_drop_caches(windowed), 0);
	assert_nothing_held(windowed);
	assert_int_equal(dax_stats().free, RANGES);
	assert_ranges_add_up();
}

static void test_unmounting_ends_it(void **state)
{
	uint64_t unmapped = messages_of(FUSE_REMOVEMAPPING);

	(void)state;
	(void)map(0, RANGE, BOTH);
	(void)map(RANGE, 3 * RANGE, PROT_READ);
	close_it();
	windowed_unmount();
	assert_true(messages_of(FUSE_REMOVEMAPPING) > unmapped);
	assert_host_has("file", SIZE, 1);
}

/* ---- among others ---- */

static void press(void)
{
	struct vfs_file *other;

	windowed_make("other", 2 * WINDOW, 3);
	other = windowed_open("other", O_RDWR);
	for (unsigned int i = 0; i < 2; i++)
		for (uint64_t at = 0; at < 2 * WINDOW; at += RANGE)
			assert_reads(other, RANGE, at, 3);
	assert_int_equal(vfs_close(other), 0);
	assert_true(dax_stats().reclaims > 0);
}

static void test_pinned_ranges_stay(void **state)
{
	char *one = map(0, 100, BOTH);
	char *many = map(RANGE, 3 * RANGE, PROT_READ);

	(void)state;
	press();
	assert_int_equal(vfs_drop_caches(windowed), 0);
	assert_int_equal(dax_stats().held, 4);
	assert_int_equal(dax_stats().free, RANGES - 4);
	assert_ranges_add_up();
	assert_bytes(one, 100, 0, 1);
	assert_bytes(many, 3 * RANGE, RANGE, 1);
	one[0] = 'x';
	assert_int_equal(one[0], 'x');
	unmap(one);
	unmap(many);
	assert_int_equal(vfs_drop_caches(windowed), 0);
	assert_int_equal(dax_stats().free, RANGES);
	assert_ranges_add_up();
	close_it();
}

/* Everything else goes by request then, and works. */
static void test_all_are_pinned(void **state)
{
	void *more;
	char *p;

	(void)state;
	close_it();
	windowed_make("large", WINDOW, 2);
	windowed_make("file", SIZE, 1);
	file = windowed_open("large", O_RDWR);
	p = map(0, WINDOW, BOTH);
	assert_int_equal(dax_stats().held, RANGES);
	{
		struct vfs_file *other = windowed_open("file", O_RDWR);

		assert_int_equal(vfs_map(other, 0, 1, PROT_READ, &more), -EBUSY);
		assert_int_equal(vfs_map(other, 0, 2 * RANGE, PROT_READ, &more), -EBUSY);
		assert_reads(other, SIZE, 0, 1);
		assert_int_equal(vfs_pwrite(other, "x", 1, RANGE), 1);
		assert_true(dax_stats().misfits > 0);
		assert_int_equal(messages_of(FUSE_WRITE), 1);
		assert_int_equal(vfs_close(other), 0);
	}
	assert_bytes(p, WINDOW, 0, 2);
	unmap(p);
	assert_int_equal(dax_stats().held, 0);
	close_it();
}

/* ---- errors ---- */

static void test_what_cannot_be_mapped(void **state)
{
	struct vfs_file *other, *path = windowed_open("file", O_PATH);
	char here;
	void *address = &here;

	(void)state;
	assert_int_equal(vfs_map(file, 0, 0, PROT_READ, &address), -EINVAL);
	assert_int_equal(vfs_map(file, -1, 1, PROT_READ, &address), -EINVAL);
	assert_int_equal(vfs_map(file, 0, 1, 0, &address), -EINVAL);
	assert_int_equal(vfs_map(file, 0, 1, PROT_WRITE, &address), -EINVAL);
	assert_int_equal(vfs_map(file, 0, 1, PROT_READ | PROT_EXEC, &address), -EINVAL);
	assert_int_equal(vfs_map(file, INT64_MAX, 2, PROT_READ, &address), -EINVAL);
	assert_int_equal(vfs_map(file, 1, SIZE_MAX, PROT_READ, &address), -EINVAL);
	assert_int_equal(vfs_map(file, 0, SIZE + 1, PROT_READ, &address), -ENXIO);
	assert_int_equal(vfs_map(file, SIZE, 1, PROT_READ, &address), -ENXIO);
	assert_int_equal(vfs_map(path, 0, 1, PROT_READ, &address), -EBADF);
	other = windowed_open("file", O_WRONLY);
	assert_int_equal(vfs_map(other, 0, 1, PROT_READ, &address), -EACCES);
	assert_int_equal(vfs_map(other, 0, 1, BOTH, &address), -EACCES);
	assert_int_equal(vfs_close(other), 0);
	other = windowed_open("file", O_RDONLY);
	assert_int_equal(vfs_map(other, 0, 1, BOTH, &address), -EACCES);
	assert_int_equal(vfs_close(other), 0);
	assert_int_equal(vfs_unmap(windowed, &here), -EINVAL);
	assert_int_equal(vfs_unmap(windowed, NULL), -EINVAL);
	assert_ptr_equal(address, &here);
	assert_int_equal(dax_stats().held, 0);
	assert_int_equal(vfs_close(path), 0);
	close_it();
}

static void test_more_than_the_window(void **state)
{
	void *address;

	(void)state;
	close_it();
	windowed_make("large", WINDOW + RANGE, 2);
	file = windowed_open("large", O_RDONLY);
	assert_int_equal(vfs_map(file, 0, WINDOW + 1, PROT_READ, &address), -ENOSPC);
	assert_int_equal(vfs_map(file, 1, WINDOW, PROT_READ, &address), -ENOSPC);
	assert_ranges_add_up();
	close_it();
}

/* It is held for reading, and there is nothing to be mapped again under its holder. */
static void test_to_be_written_while_it_is_held_for_reading(void **state)
{
	char *p = map(0, 100, PROT_READ);
	void *address;

	(void)state;
	assert_int_equal(vfs_map(file, 50, 10, BOTH, &address), -EBUSY);
	assert_int_equal(vfs_pwrite(file, "by request", 10, 50), 10);
	assert_int_equal(messages_of(FUSE_WRITE), 1);
	assert_memory_equal(p + 50, "by request", 10);
	unmap(p);
	unmap(map(50, 10, BOTH));
	close_it();
}

static void test_files_that_are_not_in_it(void **state)
{
	struct vfs_mount_options options = windowed_options();
	struct vfs_dax_stats stats;
	void *address;

	(void)state;
	close_it();
	windowed_unmount();
	options.dax = VFS_DAX_NEVER;
	windowed_mount(&options);
	file = windowed_open("file", O_RDWR);
	assert_int_equal(vfs_map(file, 0, 1, PROT_READ, &address), -EOPNOTSUPP);
	assert_int_equal(vfs_unmap(windowed, &stats), -EINVAL);
	assert_reads(file, SIZE, 0, 1);
	stats = dax_stats();
	assert_int_equal(stats.window, 0);
	assert_int_equal(stats.maps, 0);
	close_it();
}

/* ---- copies ---- */

static void test_copies_end_where_the_file_does(void **state)
{
	static char bytes[SIZE];
	char *p = map(0, SIZE, BOTH);
	size_t n;

	(void)state;
	assert_int_equal(vfs_copy_from_map(bytes, p, SIZE), SIZE);
	assert_bytes(bytes, SIZE, 0, 1);
	for (unsigned int i = 0; i < SIZE; i++)
		bytes[i] = windowed_byte(i, 2);
	assert_int_equal(vfs_copy_to_map(p, bytes, SIZE), SIZE);
	assert_host_has("file", SIZE, 2);
	assert_int_equal(truncate(served_path("file"), RANGE + UNIT + 1), 0);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(vfs_copy_from_map(bytes, p, SIZE), RANGE + 2 * UNIT);
	assert_bytes(bytes, RANGE + UNIT + 1, 0, 2);
	n = vfs_copy_to_map(p, bytes, SIZE);
	assert_int_equal(n, RANGE + 2 * UNIT);
	assert_int_equal(vfs_copy_from_map(bytes, p + 4 * RANGE, 10), 0);
	unmap(p);
	close_it();
}

/* ---- caches ---- */

static void test_dropping_caches_unmaps(void **state)
{
	(void)state;
	assert_reads(file, SIZE, 0, 1);
	assert_int_equal(vfs_pwrite(file, "x", 1, 0), 1);
	assert_int_equal(dax_stats().mapped_read + dax_stats().mapped_write, 5);
	assert_int_equal(dax_stats().mapped_write, 1);
	assert_int_equal(dax_stats().upgrades, 1);
	assert_int_equal(vfs_drop_caches(windowed), 0);
	assert_int_equal(dax_stats().free, RANGES);
	assert_int_equal(dax_stats().unmaps, dax_stats().maps);
	assert_ranges_add_up();
	assert_reads(file, SIZE - 1, 1, 1);
	close_it();
}

static void test_unmounting_unmaps(void **state)
{
	uint64_t before;

	(void)state;
	assert_reads(file, SIZE, 0, 1);
	before = messages_of(FUSE_REMOVEMAPPING);
	close_it();
	windowed_unmount();
	assert_int_equal(messages_of(FUSE_REMOVEMAPPING), before + 1);
}

static void test_nothing_is_left_of_files(void **state)
{
	(void)state;
	close_it();
	for (unsigned int i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "file-%u", i);
		windowed_make(name, RANGE, i);
		file = windowed_open(name, O_RDWR);
		assert_reads(file, RANGE, 0, i);
		assert_int_equal(vfs_pwrite(file, "x", 1, 0), 1);
		close_it();
	}
	assert_ranges_add_up();
	assert_int_equal(vfs_drop_caches(windowed), 0);
	assert_nothing_held(windowed);
	assert_int_equal(dax_stats().free, RANGES);
}

#define MAP_TEST(f) cmocka_unit_test_setup_teardown(f, begin, windowed_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MAP_TEST(test_a_part_of_one_range),
		MAP_TEST(test_a_part_of_many_ranges_is_in_one_piece),
		MAP_TEST(test_the_tail_of_a_file),
		MAP_TEST(test_each_side_sees_what_the_other_writes),
		MAP_TEST(test_what_was_written_is_brought_to_storage),
		MAP_TEST(test_who_reads_changes_no_times),
		MAP_TEST(test_it_outlives_the_file),
		MAP_TEST(test_unmounting_ends_it),
		MAP_TEST(test_pinned_ranges_stay),
		MAP_TEST(test_all_are_pinned),
		MAP_TEST(test_what_cannot_be_mapped),
		MAP_TEST(test_more_than_the_window),
		MAP_TEST(test_to_be_written_while_it_is_held_for_reading),
		MAP_TEST(test_files_that_are_not_in_it),
		MAP_TEST(test_copies_end_where_the_file_does),
		MAP_TEST(test_dropping_caches_unmaps),
		MAP_TEST(test_unmounting_unmaps),
		MAP_TEST(test_nothing_is_left_of_files),
	};

	served.dax = WINDOW_MIB;
	return cmocka_run_group_tests(tests, served_start, served_stop);
}
