/* SPDX-License-Identifier: MIT */
#include "bridge_run.h"

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
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

long bridge_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void bridge_sleep_ms(unsigned int ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&time, NULL);
}

void bridge_set_up(struct bridge_run *run)
{
	*run = (struct bridge_run){.base = "/tmp/virtiofs-fuse-test.XXXXXX"};
	assert_non_null(mkdtemp(run->base));
	snprintf(run->dir, sizeof(run->dir), "%s/mnt", run->base);
	snprintf(run->errors, sizeof(run->errors), "%s/errors", run->base);
	snprintf(run->report, sizeof(run->report), "%s/report", run->base);
	assert_int_equal(mkdir(run->dir, 0755), 0);
	setenv("STUB_REPORT", run->report, 1);
}

void bridge_tear_down(struct bridge_run *run)
{
	if (run->pid > 0) {
		kill(run->pid, SIGKILL);
		waitpid(run->pid, NULL, 0);
	}
	while (!umount2(run->dir, MNT_DETACH))
		;
	unlink(run->errors);
	unlink(run->report);
	rmdir(run->dir);
	rmdir(run->base);
	unsetenv("STUB_OPEN");
	unsetenv("STUB_CREATE");
	unsetenv("STUB_INIT");
	unsetenv("STUB_FORGET_MS");
}

static const char *used_lane;

void bridge_use_lane(const char *lane)
{
	used_lane = lane;
}

static void run_bridge(const struct bridge_run *run, const char *options, const char *flag)
{
	const char *argv[10] = {BRIDGE, "stub", run->dir};
	char lane[32];
	int argc = 3;
	int fd = open(run->errors, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (used_lane) {
		snprintf(lane, sizeof(lane), "lane=%s", used_lane);
		argv[argc++] = "-o";
		argv[argc++] = lane;
	}
	if (options) {
		argv[argc++] = "-o";
		argv[argc++] = options;
	}
	if (flag)
		argv[argc++] = flag;
	if (fd >= 0 && dup2(fd, STDERR_FILENO) >= 0)
		execv(BRIDGE, (char *const *)argv);
	_exit(99);
}

void bridge_start(struct bridge_run *run, const char *options, const char *flag)
{
	unlink(run->report);
	run->pid = fork();
	assert_true(run->pid >= 0);
	if (run->pid == 0)
		run_bridge(run, options, flag);
}

static bool ended(pid_t pid, int *status)
{
	return waitpid(pid, status, WNOHANG) == pid;
}

/* Into the log of the test: not every end was expected. */
static void show_errors(const struct bridge_run *run)
{
	char text[2048];

	if (bridge_errors(run, text, sizeof(text)))
		print_message("the bridge said: %s", text);
}

int bridge_wait(struct bridge_run *run)
{
	long end = bridge_now_ms() + PATIENCE_MS;
	int status;

	while (!ended(run->pid, &status)) {
		if (bridge_now_ms() > end)
			fail_msg("the bridge does not end");
		bridge_sleep_ms(2);
	}
	run->pid = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		show_errors(run);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void bridge_start_foreground(struct bridge_run *run, const char *options)
{
	long end = bridge_now_ms() + PATIENCE_MS;
	struct stat st;

	bridge_start(run, options, "-f");
	while (!bridge_mounted(run)) {
		if (bridge_now_ms() > end)
			fail_msg("the bridge does not mount");
		bridge_sleep_ms(2);
	}
	/* Answered only when the two sides agreed. */
	assert_int_equal(stat(run->dir, &st), 0);
}

bool bridge_mounted(const struct bridge_run *run)
{
	struct statx stx;

	if (statx(AT_FDCWD, run->dir, AT_STATX_DONT_SYNC, STATX_TYPE, &stx))
		return false;
	return stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

const char *bridge_path(const struct bridge_run *run, const char *name)
{
	static _Thread_local char paths[2][160];
	static _Thread_local unsigned int turn;

	turn = !turn;
	snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", run->dir, name);
	return paths[turn];
}

unsigned int bridge_errors(const struct bridge_run *run, char *text, size_t size)
{
	int fd = open(run->errors, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, size - 1);
	unsigned int lines = 0;
	ssize_t i;

	close(fd);
	for (i = 0; i < n; i++)
		lines += text[i] == '\n';
	text[n > 0 ? n : 0] = '\0';
	return lines;
}

void bridge_report(const struct bridge_run *run, struct bridge_report *report)
{
	long end = bridge_now_ms() + PATIENCE_MS;
	int found = 0;

	while (found != 4) {
		FILE *file = fopen(run->report, "re");

		if (file) {
			found = fscanf(file, "lookups %llu forgets %llu size %llu last %u",
				&report->lookups, &report->forgets, &report->size,
				&report->last_byte);
			fclose(file);
		}
		if (bridge_now_ms() > end)
			fail_msg("the device is not closed");
		bridge_sleep_ms(2);
	}
}
