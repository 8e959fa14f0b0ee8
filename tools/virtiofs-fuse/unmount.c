/* SPDX-License-Identifier: MIT */
#include "unmount.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mount.h"

extern char **environ;

static int run_quietly(char *const argv[])
{
	posix_spawn_file_actions_t actions;
	pid_t child;
	int status;
	int error;

	if (posix_spawn_file_actions_init(&actions))
		return -ENOMEM;
	error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (!error)
		error = posix_spawnp(&child, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		return -error;
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EBUSY;
}

static int unmount_by_helper(const char *dir, bool lazy)
{
	char *busy_is_an_error[] = {"fusermount3", "-u", "-q", (char *)dir, NULL};
	char *detach[] = {"fusermount3", "-u", "-q", "-z", (char *)dir, NULL};

	return run_quietly(lazy ? detach : busy_is_an_error);
}

int unmount_path(const char *dir, bool lazy)
{
	if (!umount2(dir, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)))
		return 0;
	return errno == EPERM ? unmount_by_helper(dir, lazy) : -errno;
}

static void write_back(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	syncfs(fd);
	close(fd);
}

static void *unmount_thread(void *arg)
{
	struct unmount *unmount = arg;
	const char *dir = unmount->mount->dir;
	uint64_t one = 1;

	/* Somebody may have detached it before; what is there now is not ours. */
	if (mount_is_there(unmount->mount) && unmount_path(dir, false)) {
		write_back(dir);
		unmount_path(dir, true);
	}
	/* An eventfd that nobody else writes to has room. */
	if (write(unmount->done_fd, &one, sizeof(one)) < 0)
		return unmount;
	return NULL;
}

int unmount_start(struct unmount *unmount, const struct mount *mount)
{
	int error;

	/* Where it is mounted knows only who did that. */
	if (mount->handed_in)
		return -ENOTSUP;
	unmount->done_fd = eventfd(0, EFD_CLOEXEC);
	if (unmount->done_fd < 0)
		return -errno;
	unmount->mount = mount;
	error = pthread_create(&unmount->thread, NULL, unmount_thread, unmount);
	if (!error)
		return 0;
	close(unmount->done_fd);
	unmount->done_fd = -1;
	return -error;
}

void unmount_join(struct unmount *unmount)
{
	if (unmount->done_fd < 0)
		return;
	pthread_join(unmount->thread, NULL);
	close(unmount->done_fd);
	unmount->done_fd = -1;
}
