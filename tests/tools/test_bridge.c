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
#include "bridge_use.h"
#include "stub_server.h"

#define FILE_SIZE (3U << 20)

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

static void test_killed_bridge_leaves_a_mount_that_is_named(void **state)
{
	long end = bridge_now_ms() + PATIENCE_MS;
	int error;

	(void)state;
	bridge_start_foreground(&run, NULL);
	assert_int_equal(kill(run.pid, SIGKILL), 0);
	assert_int_equal(bridge_wait(&run), -1);
	/* With rings it is the second one, once the last of the process has gone. */
	do
		error = (int)read_some("file");
	while (error == -ECANCELED && bridge_now_ms() < end);
	assert_true(error == -ENOTCONN || error == -ECONNABORTED);
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
	wait_for_lines(before + 3, text, sizeof(text));
	assert_non_null(strstr(text, "the kernel asked: LOOKUP "));
	assert_non_null(strstr(text, ", READ 1"));
	assert_non_null(strstr(text, " under way, 0 timed out"));
	/* It goes on, and counts on. */
	assert_int_equal(read_some("denied"), -EACCES);
	assert_int_equal(kill(run.pid, SIGUSR1), 0);
	wait_for_lines(before + 6, text, sizeof(text));
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
