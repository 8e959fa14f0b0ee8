/* SPDX-License-Identifier: MIT */
#include "unmounter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capabilities.h"
#include "mount.h"
#include "process_title.h"

#define OWN_FD (STDERR_FILENO + 1)

extern char **environ;

/* ---- in the process ---- */

static int run_fusermount(char *const argv[])
{
	pid_t child;
	int status;
	int error = posix_spawnp(&child, argv[0], NULL, NULL, argv, environ);

	if (error)
		return -error;
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EBUSY;
}

static int unmount_as_user(const char *dir, bool lazy)
{
	char *busy_is_an_error[] = {"fusermount3", "-u", "-q", (char *)dir, NULL};
	char *detach[] = {"fusermount3", "-u", "-q", "-z", (char *)dir, NULL};

	return run_fusermount(lazy ? detach : busy_is_an_error);
}

static int unmount_path(const char *dir, bool lazy)
{
	if (!umount2(dir, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)))
		return 0;
	return errno == EPERM ? unmount_as_user(dir, lazy) : -errno;
}

static void write_back(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	syncfs(fd);
	close(fd);
}

static int unmount(const struct mount *mount, enum unmount_how how)
{
	/* Somebody may have detached it before; what is there now is not ours. */
	if (!mount_is_there(mount))
		return 0;
	if (how == UNMOUNT_WRITTEN_BACK) {
		if (!unmount_path(mount->dir, false))
			return 0;
		write_back(mount->dir);
	}
	return unmount_path(mount->dir, true);
}

/* Whoever waits for the end of what the bridge writes shall not wait for this process. */
static int leave_descriptors(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int i;

	if (null < 0)
		return -errno;
	for (i = 0; i <= STDERR_FILENO; i++) {
		if (dup2(null, i) < 0)
			return -errno;
	}
	if (fd != OWN_FD && dup3(fd, OWN_FD, O_CLOEXEC) < 0)
		return -errno;
	/* The device among them, and the connection, which ends only when nobody has it. */
	return close_range(OWN_FD + 1, ~0U, 0) ? -errno : 0;
}

static int leave_all(const struct mount *mount, int fd)
{
	int error = leave_descriptors(fd);

	if (error)
		return error;
	/* A signal for all of a terminal's processes is the bridge's to hear. */
	setsid();
	process_title_set("virtiofs-umount", mount->dir);
	/* The second is for the way to the mount point. */
	return capabilities_keep(CAPABILITY(CAP_SYS_ADMIN) | CAPABILITY(CAP_DAC_READ_SEARCH));
}

/*
 * Until nobody can ask any more. fusermount3 would unmount too if the bridge was killed, but only
 * if the connection had ended by the moment in which it looks. With rings, it ends some time after
 * the process.
 */
static void serve(const struct mount *mount, int fd)
{
	int result = leave_all(mount, fd);
	char how;

	/* Without that the number is another one, or still the bridge's. */
	if (!result)
		fd = OWN_FD;
	do {
		if (send(fd, &result, sizeof(result), MSG_NOSIGNAL) < 0)
			break;
		if (read(fd, &how, 1) != 1)
			break;
		result = unmount(mount, (enum unmount_how)how);
	} while (true);
	/* If the bridge was killed, this is still to be done. */
	if (!result && mount->auto_unmount)
		(void)unmount(mount, UNMOUNT_AT_ONCE);
	_exit(0);
}

/* ---- in the bridge ---- */

static int wait_for_result(int fd, int *result)
{
	ssize_t n;

	do
		n = read(fd, result, sizeof(*result));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*result) ? 0 : -EPIPE;
}

static int end_process(struct unmounter *unmounter, int result)
{
	close(unmounter->fd);
	while (waitpid(unmounter->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*unmounter = (struct unmounter){.fd = -1};
	return result;
}

/* No signal shall find the process before it has blocked them. */
static pid_t fork_blocked(void)
{
	sigset_t all, before;
	pid_t pid;
	int error;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	error = errno;
	if (pid)
		sigprocmask(SIG_SETMASK, &before, NULL);
	return pid < 0 ? -error : pid;
}

int unmounter_start(struct unmounter *unmounter, const struct mount *mount)
{
	int result;
	int fds[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -errno;
	pid = fork_blocked();
	if (!pid)
		serve(mount, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return pid;
	}
	*unmounter = (struct unmounter){.fd = fds[0], .pid = pid};
	if (wait_for_result(fds[0], &result))
		result = -EPIPE;
	return result ? end_process(unmounter, result) : 0;
}

int unmounter_ask(const struct unmounter *unmounter, enum unmount_how how)
{
	char byte = (char)how;

	return send(unmounter->fd, &byte, 1, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

int unmounter_finish(struct unmounter *unmounter)
{
	int error = unmounter_ask(unmounter, UNMOUNT_AT_ONCE);
	int result = -EPIPE;

	shutdown(unmounter->fd, SHUT_WR);
	/* The last one is of what was asked last. */
	while (!error && !wait_for_result(unmounter->fd, &result))
		;
	return end_process(unmounter, error ? error : result);
}
