/* SPDX-License-Identifier: MIT */
/* The whole bridge on /dev/fuse, with a stub for the library and a server in memory. */
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
#include "stub_server.h"

#define FILE_SIZE (3U << 20)

static struct bridge_run run;

static int set_up(void **state)
{
	(void)state;
	bridge_set_up(&run);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bridge_tear_down(&run);
	return 0;
}

static const char *path(const char *name)
{
	return bridge_path(&run, name);
}

/* The size that one READ of the file gives, or -errno. The page cache would try again. */
static ssize_t read_some(const char *name)
{
	char buffer[4096];
	int fd = open(path(name), O_RDONLY | O_DIRECT | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buffer, sizeof(buffer));
	if (n < 0)
		n = -errno;
	close(fd);
	return n;
}

struct reader {
	pthread_t thread;
	const char *name;
	ssize_t result;
};

static void *read_thread(void *arg)
{
	struct reader *reader = arg;

	reader->result = read_some(reader->name);
	return NULL;
}

static void start_reading(struct reader *reader, const char *name)
{
	reader->name = name;
	assert_int_equal(pthread_create(&reader->thread, NULL, read_thread, reader), 0);
}

/* A reader cannot say that its request is under way. */
static void start_reading_and_wait(struct reader *reader, const char *name)
{
	start_reading(reader, name);
	bridge_sleep_ms(100);
}

static ssize_t finish_reading(struct reader *reader)
{
	pthread_join(reader->thread, NULL);
	return reader->result;
}

static void write_pattern(const char *name, size_t size)
{
	char *data = malloc(size);
	int fd = open(path(name), O_WRONLY | O_TRUNC | O_CLOEXEC);
	size_t i;

	assert_non_null(data);
	assert_true(fd >= 0);
	for (i = 0; i < size; i++)
		data[i] = (char)(i * 7 + (i >> 12));
	assert_int_equal(write(fd, data, size), size);
	assert_int_equal(close(fd), 0);
	free(data);
}

static void check_pattern(const char *name, size_t size)
{
	char *data = malloc(size + 1);
	int fd = open(path(name), O_RDONLY | O_CLOEXEC);
	size_t done = 0;
	size_t i;
	ssize_t n;

	assert_non_null(data);
	assert_true(fd >= 0);
	/* The data shall come from the server, not from the page cache. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	while ((n = read(fd, data + done, size + 1 - done)) > 0)
		done += (size_t)n;
	assert_int_equal(n, 0);
	assert_int_equal(done, size);
	for (i = 0; i < size; i++) {
		if (data[i] != (char)(i * 7 + (i >> 12)))
			fail_msg("byte %zu differs", i);
	}
	close(fd);
	free(data);
}

static void expect_one_line(const char *part)
{
	char text[2048];

	assert_int_equal(bridge_errors(&run, text, sizeof(text)), 1);
	assert_ptr_equal(strstr(text, "virtiofs-fuse: "), text);
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in: %s", part, text);
}

/* The start fails with one line and leaves nothing behind. */
static void expect_no_start(const char *options, const char *part)
{
	bridge_start(&run, options, NULL);
	assert_int_equal(bridge_wait(&run), 1);
	expect_one_line(part);
	assert_false(bridge_mounted(&run));
}

static void test_background_returns_when_mounted_and_ends_with_umount(void **state)
{
	struct bridge_report report;
	struct stat st;
	char text[2048];

	(void)state;
	bridge_start(&run, NULL, NULL);
	assert_int_equal(bridge_wait(&run), 0);
	assert_true(bridge_mounted(&run));
	assert_int_equal(stat(path("file"), &st), 0);
	/* The library's warning was held back until the mount stood. */
	assert_int_equal(bridge_errors(&run, text, sizeof(text)), 1);
	assert_non_null(strstr(text, "a warning"));
	assert_int_equal(umount2(run.dir, 0), 0);
	bridge_report(&run, &report);
}

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

static void test_signal_cuts_a_request_short(void **state)
{
	struct sigaction action = {.sa_handler = on_interrupt};
	struct reader reader = {.name = "hang"};
	struct sigaction before;
	struct stat st;

	(void)state;
	bridge_start_foreground(&run, NULL);
	sigaction(SIGUSR1, &action, &before);
	assert_int_equal(pthread_create(&reader.thread, NULL, change_mode, &reader), 0);
	bridge_sleep_ms(200);
	assert_int_equal(pthread_kill(reader.thread, SIGUSR1), 0);
	assert_int_equal(finish_reading(&reader), -EINTR);
	sigaction(SIGUSR1, &before, NULL);
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

static void ends_with_signal(int number)
{
	bridge_start_foreground(&run, NULL);
	assert_int_equal(kill(run.pid, number), 0);
	assert_int_equal(bridge_wait(&run), 0);
	assert_false(bridge_mounted(&run));
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

static void test_request_that_hangs_is_given_up_in_time(void **state)
{
	long start = bridge_now_ms();
	struct reader reader;

	(void)state;
	bridge_start_foreground(&run, "timeout=1");
	start_reading_and_wait(&reader, "hang");
	assert_int_equal(kill(run.pid, SIGTERM), 0);
	assert_int_equal(bridge_wait(&run), 1);
	assert_true(finish_reading(&reader) < 0);
	assert_false(bridge_mounted(&run));
	assert_true(bridge_now_ms() - start < 10000);
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

static void test_dead_device_fails_requests_and_unmounts(void **state)
{
	char text[2048];
	struct reader reader;

	(void)state;
	bridge_start_foreground(&run, NULL);
	start_reading_and_wait(&reader, "hang");
	assert_int_equal(read_some("dead"), -EIO);
	assert_int_equal(finish_reading(&reader), -EIO);
	assert_int_equal(bridge_wait(&run), 1);
	assert_false(bridge_mounted(&run));
	bridge_errors(&run, text, sizeof(text));
	assert_non_null(strstr(text, "the device failed: stub: "));
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

static void test_killed_bridge_leaves_a_mount_that_is_named(void **state)
{
	(void)state;
	bridge_start_foreground(&run, NULL);
	assert_int_equal(kill(run.pid, SIGKILL), 0);
	assert_int_equal(bridge_wait(&run), -1);
	assert_int_equal(read_some("file"), -ENOTCONN);
	bridge_start(&run, NULL, NULL);
	assert_int_equal(bridge_wait(&run), 1);
	expect_one_line("fusermount3 -u");
	assert_int_equal(umount2(run.dir, MNT_DETACH), 0);
	ends_with_signal(SIGTERM);
}

static void test_failed_start_says_one_line_and_leaves_nothing(void **state)
{
	(void)state;
	setenv("STUB_OPEN", "16", 1);
	expect_no_start(NULL, "cannot open stub: stub: STUB_OPEN on purpose");
	unsetenv("STUB_OPEN");
	setenv("STUB_CREATE", "1", 1);
	expect_no_start(NULL, "cannot start stub: stub: STUB_CREATE on purpose");
	unsetenv("STUB_CREATE");
	setenv("STUB_INIT", "110", 1);
	expect_no_start(NULL, "no FUSE connection with the server: stub: STUB_INIT on purpose");
}

static void test_features_that_are_required(void **state)
{
	(void)state;
	expect_no_start("require=do_readdirplus",
		"the server has not got what is required: do_readdirplus");
	expect_no_start("require=submounts:async_read",
		"neither this kernel nor virtiofs-fuse offers the server what is required: "
		"submounts");
}

static void test_wrong_options_say_one_line(void **state)
{
	(void)state;
	expect_no_start("frobnicate", "\"frobnicate\"");
	expect_no_start("max_read=x", "cannot mount on");
}

static void test_wrong_mount_point_says_one_line(void **state)
{
	char dir[sizeof(run.dir)];

	(void)state;
	memcpy(dir, run.dir, sizeof(dir));
	snprintf(run.dir, sizeof(run.dir), "%s/missing", run.base);
	expect_no_start(NULL, "does not exist: create it");
	snprintf(run.dir, sizeof(run.dir), "%s", run.errors);
	expect_no_start(NULL, "is not a directory");
	memcpy(run.dir, dir, sizeof(dir));
	assert_int_equal(mount("tmpfs", run.dir, "tmpfs", 0, NULL), 0);
	bridge_start(&run, NULL, NULL);
	assert_int_equal(bridge_wait(&run), 1);
	expect_one_line("in use by another mount");
}

static void test_read_only_mount_refuses_writers(void **state)
{
	(void)state;
	bridge_start_foreground(&run, "ro");
	assert_int_equal(open(path("file"), O_WRONLY | O_CLOEXEC), -1);
	assert_int_equal(errno, EROFS);
}

/* The errno of a stat as somebody else, 0 if it is allowed. */
static int stat_as_stranger(const char *name)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		struct stat st;

		if (setuid(12345))
			_exit(99);
		_exit(stat(path(name), &st) ? errno : 0);
	}
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

static void test_allow_root_keeps_strangers_out(void **state)
{
	(void)state;
	assert_int_equal(chmod(run.base, 0755), 0);
	bridge_start_foreground(&run, "allow_root");
	assert_int_equal(stat_as_stranger("file"), EACCES);
	assert_int_equal(kill(run.pid, SIGTERM), 0);
	assert_int_equal(bridge_wait(&run), 0);
	bridge_start_foreground(&run, NULL);
	assert_int_equal(stat_as_stranger("file"), 0);
}

/* Until it has said so many lines; it says them when it gets to it. */
static void wait_for_lines(unsigned int lines, char *text, size_t size)
{
	long end = bridge_now_ms() + PATIENCE_MS;

	while (bridge_errors(&run, text, size) < lines) {
		if (bridge_now_ms() > end)
			fail_msg("it said only: %s", text);
		bridge_sleep_ms(2);
	}
}

static void test_figures_are_said_when_asked_for(void **state)
{
	char text[2048];
	unsigned int before;

	(void)state;
	bridge_start_foreground(&run, NULL);
	assert_int_equal(read_some("denied"), -EACCES);
	before = bridge_errors(&run, text, sizeof(text));
	assert_int_equal(kill(run.pid, SIGUSR1), 0);
	wait_for_lines(before + 2, text, sizeof(text));
	assert_non_null(strstr(text, "the kernel asked: LOOKUP "));
	assert_non_null(strstr(text, ", READ 1"));
	assert_non_null(strstr(text, " under way, 0 timed out"));
	/* It goes on, and counts on. */
	assert_int_equal(read_some("denied"), -EACCES);
	assert_int_equal(kill(run.pid, SIGUSR1), 0);
	wait_for_lines(before + 4, text, sizeof(text));
	assert_non_null(strstr(text, ", READ 2"));
	assert_true(bridge_mounted(&run));
	assert_int_equal(kill(run.pid, SIGTERM), 0);
	assert_int_equal(bridge_wait(&run), 0);
}

/* What a service manager hears next. */
static void hears(int fd, const char *wanted)
{
	char state[128];
	ssize_t n = recv(fd, state, sizeof(state) - 1, 0);

	assert_true(n > 0);
	state[n] = '\0';
	assert_string_equal(state, wanted);
}

static void serve_as_a_service(const char *name, const struct sockaddr_un *address, size_t length)
{
	const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct stat st;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)address, (socklen_t)length), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	bridge_start(&run, NULL, "-f");
	unsetenv("NOTIFY_SOCKET");
	hears(fd, "READY=1\nSTATUS=Mounted");
	assert_true(bridge_mounted(&run));
	assert_int_equal(stat(run.dir, &st), 0);
	kill(run.pid, SIGTERM);
	hears(fd, "STOPPING=1");
	assert_int_equal(bridge_wait(&run), 0);
	close(fd);
}

static void test_service_manager_hears_when_it_is_ready(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)state;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", run.base);
	serve_as_a_service(address.sun_path, &address, sizeof(address));
	unlink(address.sun_path);
}

static void test_service_manager_with_an_abstract_socket(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char name[80];

	(void)state;
	snprintf(name, sizeof(name), "@%s", run.base);
	memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
	serve_as_a_service(name, &address, offsetof(struct sockaddr_un, sun_path) + strlen(name));
}

static void test_service_manager_that_is_gone_is_no_reason_to_fail(void **state)
{
	char text[512];

	(void)state;
	setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
	bridge_start_foreground(&run, NULL);
	unsetenv("NOTIFY_SOCKET");
	kill(run.pid, SIGTERM);
	assert_int_equal(bridge_wait(&run), 0);
	assert_true(bridge_errors(&run, text, sizeof(text)) >= 1);
	assert_non_null(strstr(text, "cannot tell the service manager"));
}

static void test_failed_start_is_not_ready(void **state)
{
	char text[512];

	(void)state;
	setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
	setenv("STUB_OPEN", "1", 1);
	bridge_start(&run, NULL, "-f");
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(bridge_wait(&run), 1);
	assert_int_equal(bridge_errors(&run, text, sizeof(text)), 1);
	assert_null(strstr(text, "service manager"));
}

static void test_debug_shows_each_request(void **state)
{
	char text[16384];
	struct stat st;

	(void)state;
	bridge_start(&run, NULL, "-d");
	while (!bridge_mounted(&run))
		bridge_sleep_ms(2);
	assert_int_equal(stat(path("file"), &st), 0);
	assert_int_equal(umount2(run.dir, 0), 0);
	assert_int_equal(bridge_wait(&run), 0);
	bridge_errors(&run, text, sizeof(text));
	assert_non_null(strstr(text, "virtiofs-fuse: FUSE 7."));
	assert_non_null(strstr(text, "virtiofs-fuse: LOOKUP unique "));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_background_returns_when_mounted_and_ends_with_umount),
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
		TEST(test_dead_device_fails_requests_and_unmounts),
		TEST(test_aborted_connection_is_unmounted),
		TEST(test_killed_bridge_leaves_a_mount_that_is_named),
		TEST(test_failed_start_says_one_line_and_leaves_nothing),
		TEST(test_features_that_are_required),
		TEST(test_wrong_options_say_one_line),
		TEST(test_wrong_mount_point_says_one_line),
		TEST(test_read_only_mount_refuses_writers),
		TEST(test_allow_root_keeps_strangers_out),
		TEST(test_figures_are_said_when_asked_for),
		TEST(test_service_manager_hears_when_it_is_ready),
		TEST(test_service_manager_with_an_abstract_socket),
		TEST(test_service_manager_that_is_gone_is_no_reason_to_fail),
		TEST(test_failed_start_is_not_ready),
		TEST(test_debug_shows_each_request),
	};
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd < 0 || geteuid() != 0) {
		printf("skipped: needs root and /dev/fuse\n");
		return 77;
	}
	close(fd);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
