/* SPDX-License-Identifier: MIT */
/* What is kept to be written back, and the server does not take: somebody is told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/error.h>
#include <vfs/fuse_abi.h>

#include "served.h"

#define BOUND_S	 20
#define KEPT	 (256u << 10) /* most data that is kept */
#define TOO_MUCH (1u << 20)

static struct vfs_fs *fs;
static struct vfs_file *file;
static char data[TOO_MUCH];

static void mount_it(unsigned int timeout_ms)
{
	const struct vfs_mount_options options = {.writeback = true,
		.cache_bytes = KEPT,
		.session.depth = 8,
		.session.max_payload = 64 << 10,
		.fuse.timeout_ms = timeout_ms};

	if (vfs_mount(served.name, &options, &fs) < 0)
		fail_msg("%s", vfs_last_error());
	assert_int_equal(vfs_open(fs, "file", O_RDWR | O_CREAT, 0600, &file), 0);
}

static int begin(void **state)
{
	(void)state;
	alarm(BOUND_S);
	memset(data, 'x', sizeof(data));
	mount_it(0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	vfs_umount(fs);
	fs = NULL;
	alarm(0);
	served_empty();
	return device_process_command(&served, "clear");
}

/* It is taken, and the server knows nothing of it. */
static void write_for_later(void)
{
	assert_int_equal(vfs_pwrite(file, data, 1000, 0), 1000);
	assert_served_is("file", "", 0);
}

static void refuse(const char *fault)
{
	served_command("%s opcode=%u times=1000", fault, FUSE_WRITE);
}

static void test_fsync_tells_it_once(void **state)
{
	(void)state;
	write_for_later();
	refuse("wrong-error");
	assert_int_equal(vfs_fsync(file), -EIO);
	assert_int_equal(vfs_fsync(file), 0);
	assert_int_equal(vfs_close(file), 0);
}

static void test_close_tells_it(void **state)
{
	(void)state;
	write_for_later();
	refuse("wrong-error");
	assert_int_equal(vfs_close(file), -EIO);
}

static void test_each_file_that_was_open_is_told(void **state)
{
	struct vfs_file *other;
	struct vfs_file *later;

	(void)state;
	assert_int_equal(vfs_open(fs, "file", O_RDONLY, 0, &other), 0);
	write_for_later();
	refuse("wrong-error");
	assert_int_equal(vfs_fsync(file), -EIO);
	served_command("clear");
	assert_int_equal(vfs_open(fs, "file", O_RDWR, 0, &later), 0);
	assert_int_equal(vfs_fsync(other), -EIO);
	assert_int_equal(vfs_fsync(later), 0);
	assert_int_equal(vfs_close(other), 0);
	assert_int_equal(vfs_close(later), 0);
	assert_int_equal(vfs_close(file), 0);
}

/* What was asked for something else is told as well, and the file all the same. */
static void test_others_that_write_back_tell_it_too(void **state)
{
	(void)state;
	write_for_later();
	refuse("wrong-error");
	assert_int_equal(vfs_drop_caches(fs), -EIO);
	assert_int_equal(vfs_close(file), -EIO);
}

/* However often files are open, and in whatever order. */
static void test_dropping_what_is_kept_writes_all_back(void **state)
{
	struct vfs_file *other;
	struct vfs_file *again;

	(void)state;
	assert_int_equal(vfs_open(fs, "other", O_RDWR | O_CREAT, 0600, &other), 0);
	assert_int_equal(vfs_open(fs, "file", O_RDWR, 0, &again), 0);
	write_for_later();
	assert_int_equal(vfs_pwrite(other, data, 500, 0), 500);
	assert_int_equal(vfs_drop_caches(fs), 0);
	assert_served_is("file", data, 1000);
	assert_served_is("other", data, 500);
	assert_int_equal(vfs_close(again), 0);
	assert_int_equal(vfs_close(other), 0);
	assert_int_equal(vfs_close(file), 0);
}

static void test_unmounting_tells_it(void **state)
{
	struct vfs_fs *mounted = fs;

	(void)state;
	write_for_later();
	refuse("wrong-error");
	fs = NULL;
	assert_int_equal(vfs_umount(mounted), -EIO);
}

/* There was too much of it, so it was sent while nobody waited for it. */
static void test_what_failed_in_the_background_is_told(void **state)
{
	(void)state;
	refuse("wrong-error");
	for (size_t at = 0; at < TOO_MUCH; at += 4096)
		if (vfs_pwrite(file, data + at, 4096, (off_t)at) < 0)
			break;
	served_command("clear");
	assert_int_equal(vfs_fsync(file), -EIO);
	assert_int_equal(vfs_pwrite(file, data, TOO_MUCH, 0), TOO_MUCH);
	assert_int_equal(vfs_fsync(file), 0);
	assert_served_is("file", data, TOO_MUCH);
}

/* What is there now is what the server has. */
static void test_what_was_lost_is_not_read(void **state)
{
	char byte;

	(void)state;
	write_for_later();
	refuse("wrong-error");
	assert_int_equal(vfs_fsync(file), -EIO);
	served_write("file", "server", 6);
	assert_int_equal(vfs_close(file), 0);
	assert_int_equal(vfs_open(fs, "file", O_RDWR, 0, &file), 0);
	assert_int_equal(vfs_pread(file, &byte, 1, 0), 1);
	assert_int_equal(byte, 's');
}

static void test_no_answer_is_told_in_time(void **state)
{
	(void)state;
	vfs_umount(fs);
	mount_it(250);
	write_for_later();
	refuse("never");
	assert_int_equal(vfs_fsync(file), -ETIMEDOUT);
}

static void test_a_dead_device_is_told(void **state)
{
	int r;

	(void)state;
	write_for_later();
	refuse("die");
	r = vfs_close(file);
	assert_true(r == -EIO || r == -ENODEV);
	vfs_umount(fs);
	fs = NULL;
	assert_int_equal(waitpid(served.pid, NULL, 0), served.pid);
	assert_int_equal(device_process_restart(&served), 0);
}

#define UNWRITTEN_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNWRITTEN_TEST(test_fsync_tells_it_once),
		UNWRITTEN_TEST(test_close_tells_it),
		UNWRITTEN_TEST(test_each_file_that_was_open_is_told),
		UNWRITTEN_TEST(test_others_that_write_back_tell_it_too),
		UNWRITTEN_TEST(test_dropping_what_is_kept_writes_all_back),
		UNWRITTEN_TEST(test_unmounting_tells_it),
		UNWRITTEN_TEST(test_what_failed_in_the_background_is_told),
		UNWRITTEN_TEST(test_what_was_lost_is_not_read),
		UNWRITTEN_TEST(test_no_answer_is_told_in_time),
		UNWRITTEN_TEST(test_a_dead_device_is_told),
	};

	return cmocka_run_group_tests(tests, served_start, served_stop);
}
