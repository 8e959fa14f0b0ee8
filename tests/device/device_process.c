/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device_process.h"

extern char **environ;

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, strlen(path));
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The sockets are there when it has come up; the control socket is the first of them. */
static int wait_for_sockets(const struct device_process *p)
{
	int i;

	for (i = 0; i < 500; i++) {
		if (access(p->socket, F_OK) == 0)
			return 0;
		usleep(10000);
	}
	return -1;
}

int device_process_restart(struct device_process *p)
{
	char share[80];
	/* A test that was ended is not outlived by it. */
	const char *argv[24] = {"setpriv", "--pdeathsig", "TERM", VIRTIOFS_DEVICE,
		p->vfio_user ? "--vfio-user" : "--vhost-user", p->socket, "--control", p->control};
	unsigned int n = 8;

	snprintf(share, sizeof(share), "%s/share", p->dir);
	if (p->null) {
		argv[n++] = "--null";
	} else {
		argv[n++] = "--dir";
		argv[n++] = share;
	}
	if (p->vfio_user)
		argv[n++] = "--access-platform";
	if (p->writeback)
		argv[n++] = "--writeback";
	if (p->marks)
		argv[n++] = "--mark";
	if (p->notify)
		argv[n++] = "--notify";
	if (p->dax) {
		argv[n++] = "--dax";
		argv[n++] = p->dax;
	}
	if (p->queues) {
		argv[n++] = "--queues";
		argv[n++] = p->queues;
	}
	unlink(p->socket);
	if (posix_spawnp(&p->pid, "setpriv", NULL, NULL, (char *const *)(uintptr_t)argv, environ) !=
		0)
		return -1;
	return wait_for_sockets(p);
}

int device_process_start(struct device_process *p, bool null)
{
	char share[80];

	p->null = null;
	strcpy(p->dir, "/tmp/virtiofs-device.XXXXXX");
	if (!mkdtemp(p->dir))
		return -1;
	snprintf(share, sizeof(share), "%s/share", p->dir);
	snprintf(p->socket, sizeof(p->socket), "%s/socket", p->dir);
	snprintf(p->name, sizeof(p->name), "%s%s", p->vfio_user ? "vfio-user:" : "", p->socket);
	snprintf(p->control, sizeof(p->control), "%s/control", p->dir);
	if (mkdir(share, 0755) < 0)
		return -1;
	return device_process_restart(p);
}

int device_process_stop(struct device_process *p)
{
	char share[80];
	int status = 0;

	kill(p->pid, SIGTERM);
	if (waitpid(p->pid, &status, 0) != p->pid)
		return -1;
	snprintf(share, sizeof(share), "%s/share", p->dir);
	unlink(p->socket);
	unlink(p->control);
	rmdir(share);
	rmdir(p->dir);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM ? 0 : -1;
}

unsigned int device_process_descriptors(const struct device_process *p)
{
	char path[32];
	unsigned int count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)p->pid);
	dir = opendir(path);
	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

/* It may have died in between. */
static bool send_line(int fd, const char *line)
{
	struct iovec iov[2] = {{.iov_base = (char *)(uintptr_t)line, .iov_len = strlen(line)},
		{.iov_base = (char[]){'\n'}, .iov_len = 1}};
	const struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};

	return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)strlen(line) + 1;
}

/* What it says, without the end of the line. */
static int converse(const struct device_process *p, const char *line, char *answer, size_t size)
{
	int fd = connect_to(p->control);
	size_t length = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -1;
	if (send_line(fd, line))
		while (n > 0 && length + 1 < size && (!length || answer[length - 1] != '\n')) {
			n = read(fd, answer + length, size - 1 - length);
			length += n > 0 ? (size_t)n : 0;
		}
	close(fd);
	if (!length || answer[length - 1] != '\n')
		return -1;
	answer[length - 1] = '\0';
	return 0;
}

int device_process_command(const struct device_process *p, const char *line)
{
	char answer[256];

	return converse(p, line, answer, sizeof(answer)) == 0 && strcmp(answer, "ok") == 0 ? 0 : -1;
}

int device_process_ask(const struct device_process *p, const char *line, char *answer, size_t size)
{
	if (converse(p, line, answer, size) < 0 || strncmp(answer, "ok ", 3) != 0)
		return -1;
	memmove(answer, answer + 3, strlen(answer + 3) + 1);
	return 0;
}

int device_process_counts(const struct device_process *p, struct device_counts *counts)
{
	char answer[1024];
	char *rest = answer;
	char *word;

	*counts = (struct device_counts){0};
	if (device_process_ask(p, "counts", answer, sizeof(answer)) < 0)
		return -1;
	while ((word = strtok_r(rest, " ", &rest)) != NULL) {
		unsigned int opcode;
		uint64_t count;

		if (sscanf(word, "forgotten=%" SCNu64, &count) == 1)
			counts->forgotten = count;
		else if (sscanf(word, "%u=%" SCNu64, &opcode, &count) == 2 && opcode < 64)
			counts->messages[opcode] = count;
		else
			return -1;
	}
	return 0;
}
