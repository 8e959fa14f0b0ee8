/* SPDX-License-Identifier: MIT */
/*
 * A device that does wrong while files are in its window: the right data or a clear error, in time,
 * and figures that add up. What is not known to be free is not used again.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "served.h"
#include "windowed.h"

#define SIZE	   (5u * RANGE)
#define TIMEOUT_MS 500
#define BOUND_S	   20

static struct vfs_file *file;
static unsigned int descriptors;

static int begin(void **state)
{
	struct vfs_mount_options options = windowed_options();
	int r = windowed_begin(state);

	alarm(BOUND_S);
	windowed_unmount();
	options.fuse.timeout_ms = TIMEOUT_MS;
	windowed_mount(&options);
	windowed_make("file", SIZE, 1);
	file = windowed_open("file", O_RDWR);
	return r;
}

static int end(void **state)
{
	int r = windowed_end(state);

	alarm(0);
	return open_descriptors() == descriptors ? r : -1;
}

static void arm(const char *fault, unsigned int opcode, unsigned int times)
{
	served_command("%s opcode=%u times=%u", fault, opcode, times);
}

static void close_it(void)
{
	assert_int_equal(vfs_close(file), 0);
}

/* ---- it cannot be mapped ---- */

/* The server is there, so it is asked for the data. */
static void each_is_read_by_request(const char *fault, unsigned int retired)
{
	struct vfs_dax_stats stats;

	arm(fault, FUSE_SETUPMAPPING, 2);
	assert_reads(file, RANGE, 0, 1);
	assert_int_equal(messages_of(FUSE_READ), 1);
	assert_int_equal(vfs_pwrite(file, "x", 1, RANGE), 1);
	assert_int_equal(messages_of(FUSE_WRITE), 1);
	stats = dax_stats();
	assert_int_equal(stats.retired, retired);
	assert_int_equal(stats.misfits, 2);
	assert_ranges_add_up();
	/* And when the fault is over it is mapped. */
	assert_reads(file, RANGE, 0, 1);
	assert_int_equal(messages_of(FUSE_READ), 1);
	assert_int_equal(vfs_drop_caches(windowed), 0);
	stats = dax_stats();
	assert_int_equal(stats.free, RANGES - retired);
	assert_ranges_add_up();
	close_it();
}

static void test_a_server_that_refuses(void **state)
{
	(void)state;
	each_is_read_by_request("refuse", 0);
}

static void test_a_malformed_answer(void **state)
{
	(void)state;
	each_is_read_by_request("wrong-error", 2);
}

static void test_an_answer_of_the_wrong_length(void **state)
{
	(void)state;
	each_is_read_by_request("wrong-len", 2);
}

static void test_no_answer(void **state)
{
	(void)state;
	each_is_read_by_request("never", 2);
}

static void test_a_late_answer(void **state)
{
	(void)state;
	arm("late value=20", FUSE_SETUPMAPPING, 5);
	assert_reads(file, SIZE, 0, 1);
	assert_int_equal(dax_stats().maps, 5);
	assert_int_equal(messages_of(FUSE_READ), 0);
	close_it();
}

static void test_pointers_are_told_why(void **state)
{
	static const struct {
		const char *fault;
		int error;
	} all[] = {{"refuse value=12", -ENOMEM}, {"refuse value=9", -EBADF}, {"wrong-error", -EIO},
		{"never", -ETIMEDOUT}};
	char here;
	void *address = &here;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		arm(all[i].fault, FUSE_SETUPMAPPING, 1);
		assert_int_equal(vfs_map(file, 0, 1, PROT_READ, &address), all[i].error);
		/* Of several ranges, one in the middle. */
		served_command("%s opcode=%u nth=3", all[i].fault, FUSE_SETUPMAPPING);
		assert_int_equal(vfs_map(file, 0, SIZE, PROT_READ, &address), all[i].error);
		assert_ptr_equal(address, &here);
		assert_int_equal(dax_stats().held, 0);
		assert_ranges_add_up();
	}
	assert_int_equal(vfs_map(file, 0, SIZE, PROT_READ, &address), 0);
	assert_bytes(address, SIZE, 0, 1);
	close_it();
}

/* ---- it cannot be unmapped ---- */

static void each_retires_what_it_was_to_unmap(const char *fault)
{
	struct vfs_dax_stats stats;

	assert_reads(file, SIZE, 0, 1);
	arm(fault, FUSE_REMOVEMAPPING, 1);
	(void)vfs_drop_caches(windowed);
	stats = dax_stats();
	assert_int_equal(stats.retired, 5);
	assert_int_equal(stats.free, RANGES - 5);
	assert_ranges_add_up();
	/* The others do. */
	assert_reads(file, SIZE, 0, 1);
	assert_int_equal(vfs_pwrite(file, "x", 1, 0), 1);
	assert_int_equal(messages_of(FUSE_READ) + messages_of(FUSE_WRITE), 0);
	assert_ranges_add_up();
	close_it();
}

static void test_unmapping_is_refused(void **state)
{
	(void)state;
	each_retires_what_it_was_to_unmap("refuse value=5");
}

static void test_unmapping_is_answered_wrongly(void **state)
{
	(void)state;
	each_retires_what_it_was_to_unmap("wrong-error");
}

static void test_unmapping_is_not_answered(void **state)
{
	(void)state;
	each_retires_what_it_was_to_unmap("never");
}

/* It is unmapped before it is mapped again for writing. */
static void test_an_upgrade_fails(void **state)
{
	(void)state;
	assert_reads(file, SIZE, 0, 1);
	arm("refuse value=5", FUSE_REMOVEMAPPING, 1);
	assert_int_equal(vfs_pwrite(file, "x", 1, 0), 1);
	assert_int_equal(messages_of(FUSE_WRITE), 1);
	assert_int_equal(dax_stats().retired, 1);
	arm("refuse value=5", FUSE_SETUPMAPPING, 1);
	assert_int_equal(vfs_pwrite(file, "x", 1, RANGE), 1);
	assert_int_equal(messages_of(FUSE_WRITE), 2);
	assert_int_equal(dax_stats().retired, 1);
	assert_ranges_add_up();
	/* Once more, and nothing is in the way. */
	assert_int_equal(vfs_pwrite(file, "x", 1, 0), 1);
	assert_int_equal(vfs_pwrite(file, "x", 1, RANGE), 1);
	assert_int_equal(messages_of(FUSE_WRITE), 2);
	close_it();
}

/* Everything goes by request when no range is left. */
static void test_all_ranges_are_retired(void **state)
{
	struct vfs_file *large;

	(void)state;
	windowed_make("large", WINDOW, 2);
	large = windowed_open("large", O_RDWR);
	arm("never", FUSE_REMOVEMAPPING, 100);
	assert_reads(large, WINDOW, 0, 2);
	while (dax_stats().free)
		assert_reads(large, WINDOW, 0, 2);
	(void)vfs_drop_caches(windowed);
	served_command("clear");
	assert_int_equal(dax_stats().retired, RANGES);
	assert_ranges_add_up();
	assert_reads(large, WINDOW, 0, 2);
	assert_int_equal(vfs_pwrite(large, "x", 1, 0), 1);
	assert_reads(file, SIZE, 0, 1);
	assert_true(dax_stats().misfits > 0);
	assert_int_equal(vfs_close(large), 0);
	close_it();
}

/* All requests are with a server that does not answer. */
static void test_nothing_can_be_asked(void **state)
{
	struct vfs_mount_options options = windowed_options();
	struct statvfs statvfs;
	char byte;

	(void)state;
	close_it();
	windowed_unmount();
	options.session.depth = 2;
	options.fuse.timeout_ms = 50;
	windowed_mount(&options);
	file = windowed_open("file", O_RDWR);
	arm("never", FUSE_STATFS, 4);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(vfs_statvfs(windowed, "file", &statvfs), -ETIMEDOUT);
	assert_int_equal(vfs_pread(file, &byte, 1, 0), -ETIMEDOUT);
	assert_int_equal(messages_of(FUSE_SETUPMAPPING), 0);
	assert_int_equal(dax_stats().retired, 0);
	assert_int_equal(dax_stats().free, RANGES);
	(void)vfs_close(file);
}

/* ---- times ---- */

/* What could not be told is told by who asks next. */
static void test_a_change_that_is_not_heard_of(void **state)
{
	struct stat stat;

	(void)state;
	assert_int_equal(vfs_pwrite(file, "x", 1, 0), 1);
	arm("never", FUSE_SETATTR, 1);
	assert_int_equal(vfs_fstat(file, &stat), 0);
	assert_int_equal(messages_of(FUSE_SETATTR), 1);
	assert_int_equal(vfs_fstat(file, &stat), 0);
	assert_int_equal(messages_of(FUSE_SETATTR), 2);
	assert_int_equal(vfs_fstat(file, &stat), 0);
	assert_int_equal(messages_of(FUSE_SETATTR), 2);
	assert_int_equal(vfs_pwrite(file, "y", 1, 0), 1);
	arm("refuse", FUSE_SETATTR, 1);
	assert_int_equal(vfs_fstat(file, &stat), 0);
	assert_int_equal(vfs_fstat(file, &stat), 0);
	assert_int_equal(messages_of(FUSE_SETATTR), 3);
	close_it();
}

static void test_times_that_are_set_are_later(void **state)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000}};
	struct stat stat;

	(void)state;
	assert_int_equal(vfs_pwrite(file, "x", 1, 0), 1);
	arm("never", FUSE_SETATTR, 1);
	assert_int_equal(vfs_futimens(file, times), 0);
	assert_int_equal(vfs_fstat(file, &stat), 0);
	assert_int_equal(stat.st_mtime, 1000);
	close_it();
}

/* ---- it is over ---- */

/* Or the time was over before it was seen to be gone. */
static bool has_ended(ssize_t n)
{
	return n == -EIO || n == -ENODEV || n == -ETIMEDOUT;
}

/* What is mapped may still be there, or not; what is asked is told. */
static void each_is_the_end(const char *fault, bool dies)
{
	static char bytes[SIZE];
	void *address;
	ssize_t n;
	int r;

	assert_int_equal(vfs_map(file, 0, SIZE, PROT_READ | PROT_WRITE, &address), 0);
	assert_reads(file, 2 * RANGE, 0, 1);
	arm(fault, FUSE_SETUPMAPPING, 1);
	n = vfs_pread(file, bytes, RANGE, 2 * RANGE);
	assert_true(has_ended(n));
	assert_true(*vfs_last_error());
	n = vfs_pread(file, bytes, RANGE, 0);
	if (n > 0)
		assert_bytes(bytes, (size_t)n, 0, 1);
	else
		assert_true(has_ended(n));
	n = (ssize_t)vfs_copy_from_map(bytes, address, SIZE);
	assert_bytes(bytes, (size_t)n, 0, 1);
	(void)vfs_copy_to_map(address, bytes, SIZE);
	n = vfs_pwrite(file, bytes, RANGE, 0);
	assert_true(n == RANGE || has_ended(n));
	r = vfs_map(file, 4 * RANGE, 1, PROT_READ, &address);
	assert_true(has_ended(r));
	r = vfs_map_sync(file);
	assert_true(has_ended(r));
	assert_ranges_add_up();
	(void)vfs_close(file);
	(void)vfs_umount(windowed);
	windowed = NULL;
	if (dies) {
		assert_int_equal(waitpid(served.pid, NULL, 0), served.pid);
		assert_int_equal(device_process_restart(&served), 0);
	}
}

static void test_it_dies(void **state)
{
	(void)state;
	each_is_the_end("die", true);
}

static void test_its_ring_breaks(void **state)
{
	(void)state;
	each_is_the_end("used-id-range", false);
}

static void test_it_wants_a_reset(void **state)
{
	(void)state;
	each_is_the_end("needs-reset", false);
}

/* With nothing under way. */
static void test_it_is_killed(void **state)
{
	static char bytes[SIZE];
	ssize_t n;

	(void)state;
	assert_reads(file, SIZE, 0, 1);
	assert_int_equal(kill(served.pid, SIGKILL), 0);
	assert_int_equal(waitpid(served.pid, NULL, 0), served.pid);
	n = vfs_pread(file, bytes, SIZE, 0);
	if (n > 0)
		assert_bytes(bytes, (size_t)n, 0, 1);
	else
		assert_true(has_ended(n));
	(void)vfs_close(file);
	(void)vfs_umount(windowed);
	windowed = NULL;
	assert_int_equal(device_process_restart(&served), 0);
}

#define FAULT_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAULT_TEST(test_a_server_that_refuses),
		FAULT_TEST(test_a_malformed_answer),
		FAULT_TEST(test_an_answer_of_the_wrong_length),
		FAULT_TEST(test_no_answer),
		FAULT_TEST(test_a_late_answer),
		FAULT_TEST(test_pointers_are_told_why),
		FAULT_TEST(test_unmapping_is_refused),
		FAULT_TEST(test_unmapping_is_answered_wrongly),
		FAULT_TEST(test_unmapping_is_not_answered),
		FAULT_TEST(test_an_upgrade_fails),
		FAULT_TEST(test_all_ranges_are_retired),
		FAULT_TEST(test_nothing_can_be_asked),
		FAULT_TEST(test_a_change_that_is_not_heard_of),
		FAULT_TEST(test_times_that_are_set_are_later),
		FAULT_TEST(test_it_dies),
		FAULT_TEST(test_its_ring_breaks),
		FAULT_TEST(test_it_wants_a_reset),
		FAULT_TEST(test_it_is_killed),
	};

	descriptors = open_descriptors();
	served.dax = WINDOW_MIB;
	return cmocka_run_group_tests(tests, served_start, served_stop);
}
