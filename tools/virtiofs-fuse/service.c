/* SPDX-License-Identifier: MIT */
#include "service.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "report.h"

static struct {
	const char *path; /* NULL: there is none */
	int fd;		  /* or -errno */
} manager;

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	int error;
	int fd;

	if ((path[0] != '/' && path[0] != '@') || length >= sizeof(address.sun_path))
		return -EINVAL;
	memcpy(address.sun_path, path, length);
	/* Of the kernel's namespace of names, which begin with a NUL and end with their length. */
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)))
		return fd;
	error = errno;
	close(fd);
	return -error;
}

void service_find(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	if (!path || !path[0])
		return;
	manager.path = path;
	manager.fd = connect_to(path);
}

void service_tell(const char *state)
{
	int error = manager.fd < 0 ? -manager.fd : 0;

	if (!manager.path)
		return;
	if (!error && send(manager.fd, state, strlen(state), MSG_NOSIGNAL) < 0)
		error = errno;
	if (error)
		report_error("cannot tell the service manager ($NOTIFY_SOCKET, %s): %s",
			manager.path, strerror(error));
}
