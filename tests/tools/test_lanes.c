/* SPDX-License-Identifier: MIT */
/* Each lane between the kernel and the bridge serves, and ends, in the same ways. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge_run.h"
#include "bridge_use.h"
#include "rings.h"
#include "stub_server.h"

#define FILE_SIZE (3U << 20)

static void test_reads_and_writes_go_through(void **state)
{
	struct bridge_report report;

	(void)state;
	bridge_start_foreground(&run, "max_write=65536");
	write_pattern("file", FILE_SIZE);
	check_pattern("file", FILE_SIZE);
	assert_int_equal(truncate(path("file"), 12345), 0);
	check_pattern("file", 12345);
	assert_int_equal(umount2(run.dir, 0), 0);
	assert_int_equal(bridge_wait(&run), 0);
	bridge_report(&run, &report);
	assert_int_equal(report.size, 12345);
}

static void test_smallest_slots_work(void **state)
{
	(void)state;
	bridge_start_foreground(&run, "max_write=4096,depth=1");
	write_pattern("file", 100000);
	check_pattern("file", 100000);
	assert_int_equal(umount2(run.dir, 0), 0);
	assert_int_equal(bridge_wait(&run), 0);
}

/* A device that answers late is slept for, and looked for. */
static void serves_and_ends(const char *options)
{
	bridge_start_foreground(&run, options);
	write_pattern("file", FILE_SIZE);
	check_pattern("file", FILE_SIZE);
	assert_int_equal(read_some("slow"), 4096);
	assert_int_equal(kill(run.pid, SIGTERM), 0);
	assert_int_equal(bridge_wait(&run), 0);
	assert_false(bridge_mounted(&run));
}

static void test_each_way_to_wait_serves_and_ends(void **state)
{
	(void)state;
	serves_and_ends("poll=never");
	serves_and_ends("poll=auto");
	serves_and_ends("poll=always");
	serves_and_ends("poll=always,depth=1");
}

static void test_directory_and_file_system_are_shown(void **state)
{
	struct statvfs vfs;
	unsigned int entries = 0;
	DIR *dir;

	(void)state;
	bridge_start_foreground(&run, NULL);
	dir = opendir(run.dir);
	assert_non_null(dir);
	while (readdir(dir))
		entries++;
	closedir(dir);
	assert_int_equal(entries, 6);
	assert_int_equal(statvfs(run.dir, &vfs), 0);
	assert_int_equal(vfs.f_blocks, 4242);
}

static void test_errors_reach_the_caller(void **state)
{
	char value[16];

	(void)state;
	bridge_start_foreground(&run, NULL);
	assert_int_equal(read_some("denied"), -EACCES);
	assert_int_equal(read_some("missing"), -ENOENT);
	/* What the library cannot send is answered by the bridge. */
	assert_int_equal(getxattr(path("file"), "user.x", value, sizeof(value)), -1);
	assert_int_equal(errno, EOPNOTSUPP);
	assert_int_equal(listxattr(path("file"), value, sizeof(value)), -1);
	assert_int_equal(errno, E2BIG);
}

static void test_answer_that_the_kernel_refuses_does_not_hang(void **state)
{
	(void)state;
	bridge_start_foreground(&run, NULL);
	assert_int_equal(read_some("refused"), -EIO);
}

static void test_slow_request_does_not_hold_others_up(void **state)
{
	struct reader reader;
	long start;

	(void)state;
	bridge_start_foreground(&run, NULL);
	write_pattern("file", 5000);
	start = bridge_now_ms();
	start_reading(&reader, "slow");
	check_pattern("file", 5000);
	assert_true(bridge_now_ms() - start < STUB_SLOW_MS);
	assert_int_equal(finish_reading(&reader), 4096);
	assert_true(bridge_now_ms() - start >= STUB_SLOW_MS);
}

static void look_up_and_drop(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		char name[16];
		struct stat st;

		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(stat(path(name), &st), 0);
		assert_int_equal(unlink(path(name)), 0);
	}
}

static void on_interrupt(int number)
{
	(void)number;
}

static void *change_mode(void *arg)
{
	struct reader *reader = arg;

	reader->result = chmod(path(reader->name), 0600) ? -errno : 0;
	return NULL;
}

/* Of a thread that waits for an answer. */
static void interrupt_change_of_mode(const char *name)
{
	struct sigaction action = {.sa_handler = on_interrupt};
	struct reader reader = {.name = name};
	struct sigaction before;

	sigaction(SIGUSR1, &action, &before);
	assert_int_equal(pthread_create(&reader.thread, NULL, change_mode, &reader), 0);
	bridge_sleep_ms(200);
	assert_int_equal(pthread_kill(reader.thread, SIGUSR1), 0);
	assert_int_equal(finish_reading(&reader), -EINTR);
	sigaction(SIGUSR1, &before, NULL);
}

static void test_signal_cuts_a_request_short(void **state)
{
	struct stat st;

	(void)state;
	bridge_start_foreground(&run, NULL);
	interrupt_change_of_mode("hang");
	assert_int_equal(stat(path("file"), &st), 0);
	assert_int_equal(kill(run.pid, SIGTERM), 0);
	assert_int_equal(bridge_wait(&run), 0);
}

static void test_no_forget_is_lost_when_the_hiprio_queue_is_slow(void **state)
{
	struct bridge_report report;
	const unsigned int count = 300;

	(void)state;
	setenv("STUB_FORGET_MS", "2", 1);
	bridge_start_foreground(&run, "depth=4");
	look_up_and_drop(count);
	bridge_sleep_ms(2 * count + 500);
	assert_int_equal(kill(run.pid, SIGTERM), 0);
	assert_int_equal(bridge_wait(&run), 0);
	bridge_report(&run, &report);
	assert_true(report.lookups >= count);
	assert_true(report.forgets >= count);
}

static void test_signals_unmount(void **state)
{
	(void)state;
	ends_with_signal(SIGTERM);
	ends_with_signal(SIGINT);
	ends_with_signal(SIGHUP);
}

static void test_signal_detaches_a_busy_mount(void **state)
{
	int fd;

	(void)state;
	bridge_start_foreground(&run, NULL);
	fd = open(path("file"), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(kill(run.pid, SIGTERM), 0);
	assert_int_equal(bridge_wait(&run), 0);
	assert_false(bridge_mounted(&run));
	close(fd);
}

static void test_signal_leaves_another_mount_alone(void **state)
{
	int fd;

	(void)state;
	bridge_start_foreground(&run, NULL);
	fd = open(path("file"), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(umount2(run.dir, MNT_DETACH), 0);
	assert_int_equal(mount("other", run.dir, "tmpfs", 0, NULL), 0);
	assert_int_equal(kill(run.pid, SIGTERM), 0);
	assert_int_equal(bridge_wait(&run), 0);
	assert_true(bridge_mounted(&run));
	assert_int_equal(umount2(run.dir, 0), 0);
	close(fd);
}

static void test_signal_waits_for_requests_under_way(void **state)
{
	struct reader reader;

	(void)state;
	bridge_start_foreground(&run, NULL);
	start_reading_and_wait(&reader, "slow");
	assert_int_equal(kill(run.pid, SIGTERM), 0);
	assert_int_equal(finish_reading(&reader), 4096);
	assert_int_equal(bridge_wait(&run), 0);
}

/* Pages that are dirty in the kernel are written while it unmounts. */
static void signal_writes_back(bool busy)
{
	struct bridge_report report;
	char *map;
	int fd;

	bridge_start_foreground(&run, NULL);
	write_pattern("file", 8192);
	fd = open(path("file"), O_RDWR | O_CLOEXEC);
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	map[8191] = 'Z';
	if (!busy) {
		munmap(map, 8192);
		close(fd);
	}
	assert_int_equal(kill(run.pid, SIGTERM), 0);
	assert_int_equal(bridge_wait(&run), 0);
	bridge_report(&run, &report);
	assert_int_equal(report.last_byte, 'Z');
	if (busy) {
		munmap(map, 8192);
		close(fd);
	}
}

static void test_signal_writes_back(void **state)
{
	(void)state;
	signal_writes_back(false);
}

static void test_signal_writes_back_a_busy_mount(void **state)
{
	(void)state;
	signal_writes_back(true);
}

static long cpu_ms_of_children(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

/* It sleeps until then. */
static void test_request_that_hangs_is_given_up_in_time(void **state)
{
	long start = bridge_now_ms();
	long cpu = cpu_ms_of_children();
	struct reader reader;

	(void)state;
	bridge_start_foreground(&run, "timeout=2");
	start_reading_and_wait(&reader, "hang");
	assert_int_equal(kill(run.pid, SIGTERM), 0);
	assert_int_equal(bridge_wait(&run), 1);
	assert_true(finish_reading(&reader) < 0);
	assert_false(bridge_mounted(&run));
	assert_true(bridge_now_ms() - start < 10000);
	assert_true(4 * (cpu_ms_of_children() - cpu) < bridge_now_ms() - start);
}

static void test_second_signal_does_not_wait(void **state)
{
	struct reader reader;
	long start;

	(void)state;
	bridge_start_foreground(&run, "timeout=60");
	start_reading_and_wait(&reader, "hang");
	assert_int_equal(kill(run.pid, SIGTERM), 0);
	bridge_sleep_ms(200);
	start = bridge_now_ms();
	assert_int_equal(kill(run.pid, SIGINT), 0);
	assert_int_equal(bridge_wait(&run), 1);
	assert_true(bridge_now_ms() - start < 5000);
	assert_true(finish_reading(&reader) < 0);
	assert_false(bridge_mounted(&run));
}

static void test_lazy_unmount_serves_until_the_last_close(void **state)
{
	char byte;
	int fd;

	(void)state;
	bridge_start_foreground(&run, NULL);
	write_pattern("file", 100);
	fd = open(path("file"), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(umount2(run.dir, MNT_DETACH), 0);
	assert_int_equal(pread(fd, &byte, 1, 50), 1);
	close(fd);
	assert_int_equal(bridge_wait(&run), 0);
}

/* What is under way when the device dies fails. */
static void lose_device(const char *options)
{
	struct reader reader;

	bridge_start_foreground(&run, options);
	start_reading_and_wait(&reader, "hang");
	assert_int_equal(read_some("dead"), -EIO);
	assert_int_equal(finish_reading(&reader), -EIO);
}

static void expect_failure_of_device(const char *consequence)
{
	char text[2048];

	bridge_errors(&run, text, sizeof(text));
	assert_non_null(strstr(text, "the device failed: stub: "));
	assert_non_null(strstr(text, consequence));
}

/* Not at once: what was asked before it was known fails as well. */
static void expect_not_connected(void)
{
	unsigned int tries;

	for (tries = 0; tries < 500 && read_some("file") == -EIO; tries++)
		bridge_sleep_ms(2);
	assert_int_equal(read_some("file"), -ENOTCONN);
}

static void test_dead_device_unmounts_if_told_to(void **state)
{
	(void)state;
	lose_device("device_loss=unmount");
	assert_int_equal(bridge_wait(&run), 1);
	assert_false(bridge_mounted(&run));
	expect_failure_of_device("unmounted");
}

static void test_dead_device_leaves_a_mount_that_answers(void **state)
{
	struct stat st;

	(void)state;
	lose_device(NULL);
	expect_not_connected();
	assert_int_equal(stat(path("n1"), &st), -1);
	assert_int_equal(errno, ENOTCONN);
	assert_true(bridge_mounted(&run));
	expect_failure_of_device("answers ENOTCONN");
	assert_int_equal(umount2(run.dir, 0), 0);
	assert_int_equal(bridge_wait(&run), 1);
}

static void test_dead_device_leaves_a_mount_that_a_signal_ends(void **state)
{
	(void)state;
	lose_device("device_loss=fail");
	expect_not_connected();
	assert_int_equal(kill(run.pid, SIGTERM), 0);
	assert_int_equal(bridge_wait(&run), 1);
	assert_false(bridge_mounted(&run));
}

static void test_aborted_connection_is_unmounted(void **state)
{
	char control[128];
	struct stat st;
	int fd;

	(void)state;
	bridge_start_foreground(&run, NULL);
	assert_int_equal(stat(run.dir, &st), 0);
	assert_int_equal(mount("fusectl", run.base, "fusectl", 0, NULL), 0);
	snprintf(control, sizeof(control), "%s/%u/abort", run.base, (unsigned int)st.st_dev);
	fd = open(control, O_WRONLY | O_CLOEXEC);
	assert_int_equal(umount2(run.base, MNT_DETACH), 0);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "1", 1), 1);
	close(fd);
	assert_int_equal(bridge_wait(&run), 1);
	assert_false(bridge_mounted(&run));
}

/* ---- what only some lanes can ---- */

/* Not at once, see expect_not_connected(). */
static void start_reading_in_vain(struct reader *reader)
{
	start_reading_and_wait(reader, "file");
	while (!pthread_tryjoin_np(reader->thread, NULL)) {
		assert_int_equal(reader->result, -EIO);
		start_reading_and_wait(reader, "file");
	}
}

static void test_dead_device_has_those_wait_who_ask_later(void **state)
{
	struct reader reader;

	(void)state;
	lose_device("device_loss=wait");
	start_reading_in_vain(&reader);
	expect_failure_of_device("does not answer");
	assert_int_equal(kill(run.pid, SIGTERM), 0);
	assert_int_equal(finish_reading(&reader), -ENOTCONN);
	assert_int_equal(bridge_wait(&run), 1);
	assert_false(bridge_mounted(&run));
}

static void test_signal_ends_who_waits_for_a_dead_device(void **state)
{
	struct reader reader;

	(void)state;
	lose_device("device_loss=wait");
	start_reading_in_vain(&reader);
	interrupt_change_of_mode("slow");
	assert_int_equal(kill(run.pid, SIGTERM), 0);
	assert_int_equal(finish_reading(&reader), -ENOTCONN);
	assert_int_equal(bridge_wait(&run), 1);
}

static void test_dead_device_and_a_forced_unmount(void **state)
{
	struct reader reader;

	(void)state;
	lose_device("device_loss=wait");
	start_reading_in_vain(&reader);
	assert_int_equal(umount2(run.dir, MNT_FORCE | MNT_DETACH), 0);
	assert_true(finish_reading(&reader) < 0);
	assert_int_equal(bridge_wait(&run), 1);
	assert_false(bridge_mounted(&run));
}

static void expect_no_rings(const char *options)
{
	char text[2048];

	bridge_start(&run, options, NULL);
	assert_int_equal(bridge_wait(&run), 1);
	assert_int_equal(bridge_errors(&run, text, sizeof(text)), 1);
	assert_non_null(strstr(text, "lane=uring: "));
	assert_false(bridge_mounted(&run));
}

static void test_rings_are_refused_where_they_cannot_be(void **state)
{
	(void)state;
	expect_no_rings("request_timeout=1");
	expect_no_rings("device_loss=wait");
	expect_no_rings("dax=auto");
	rings_allow(false);
	expect_no_rings(NULL);
	rings_allow(true);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

static int run_on(const char *lane)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reads_and_writes_go_through),
		TEST(test_smallest_slots_work),
		TEST(test_each_way_to_wait_serves_and_ends),
		TEST(test_directory_and_file_system_are_shown),
		TEST(test_errors_reach_the_caller),
		TEST(test_answer_that_the_kernel_refuses_does_not_hang),
		TEST(test_slow_request_does_not_hold_others_up),
		TEST(test_signal_cuts_a_request_short),
		TEST(test_no_forget_is_lost_when_the_hiprio_queue_is_slow),
		TEST(test_signals_unmount),
		TEST(test_signal_detaches_a_busy_mount),
		TEST(test_signal_leaves_another_mount_alone),
		TEST(test_signal_waits_for_requests_under_way),
		TEST(test_signal_writes_back),
		TEST(test_signal_writes_back_a_busy_mount),
		TEST(test_request_that_hangs_is_given_up_in_time),
		TEST(test_second_signal_does_not_wait),
		TEST(test_lazy_unmount_serves_until_the_last_close),
		TEST(test_dead_device_unmounts_if_told_to),
		TEST(test_dead_device_leaves_a_mount_that_answers),
		TEST(test_dead_device_leaves_a_mount_that_a_signal_ends),
		TEST(test_aborted_connection_is_unmounted),
	};

	print_message("lane=%s\n", lane);
	bridge_use_lane(lane);
	return cmocka_run_group_tests_name(lane, tests, NULL, NULL);
}

static int run_waiting_tests(const char *lane)
{
	const struct CMUnitTest tests[] = {
		TEST(test_dead_device_has_those_wait_who_ask_later),
		TEST(test_signal_ends_who_waits_for_a_dead_device),
		TEST(test_dead_device_and_a_forced_unmount),
	};

	return cmocka_run_group_tests_name(lane, tests, NULL, NULL);
}

static int run_ring_tests(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rings_are_refused_where_they_cannot_be),
	};
	int failed;

	if (!rings_begin()) {
		print_message("no rings here: FUSE over io_uring needs Linux 6.14 and root\n");
		return 0;
	}
	failed = run_on("uring") + cmocka_run_group_tests(tests, NULL, NULL);
	rings_end();
	return failed;
}

int main(void)
{
	int failed = run_on("single") + run_waiting_tests("single");

	failed += run_on("readers") + run_waiting_tests("readers");
	return failed + run_ring_tests();
}
