/* SPDX-License-Identifier: MIT */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

void daemon_open_std_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static ssize_t read_byte(int fd, char *byte)
{
	ssize_t n;

	do
		n = read(fd, byte, 1);
	while (n < 0 && errno == EINTR);
	return n;
}

/* The child said why it failed; a signal that killed it did not. */
static int child_status(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return EXIT_FAILURE;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status))
		return WEXITSTATUS(status);
	if (WIFSIGNALED(status))
		report_error("ended by signal %d before it was ready", WTERMSIG(status));
	return EXIT_FAILURE;
}

int daemon_fork(void)
{
	char byte;
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	child = fork();
	if (child < 0) {
		int error = errno;

		close(fds[0]);
		close(fds[1]);
		return -error;
	}
	if (child == 0) {
		close(fds[0]);
		return fds[1];
	}
	close(fds[1]);
	_exit(read_byte(fds[0], &byte) == 1 ? EXIT_SUCCESS : child_status(child));
}

static int null_fd = -1;

int daemon_detach(void)
{
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0 || chdir("/"))
		return -errno;
	setsid();
	return 0;
}

static int leave_std_fds(void)
{
	int i;

	for (i = 0; i <= STDERR_FILENO; i++) {
		if (dup2(null_fd, i) < 0)
			return -errno;
	}
	close(null_fd);
	return 0;
}

int daemon_ready(int ready_fd)
{
	int saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	int error = leave_std_fds();

	if (!error && write(ready_fd, "", 1) != 1)
		error = -errno;
	if (error && saved_stderr >= 0)
		dup2(saved_stderr, STDERR_FILENO);
	if (saved_stderr >= 0)
		close(saved_stderr);
	close(ready_fd);
	return error;
}
