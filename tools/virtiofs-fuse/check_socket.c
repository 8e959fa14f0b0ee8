/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"

#define VFIO_USER "vfio-user:"

/*
 * Who is behind the path, without a connection: for a socket of the wrong type the kernel says
 * EPROTOTYPE if there is one of another type, and everything else as it would for the right one.
 */
static int ask(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int error = 0;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		error = errno;
	close(fd);
	return error;
}

void check_socket(struct findings *findings, const char *name)
{
	bool vfio_user = strncmp(name, VFIO_USER, strlen(VFIO_USER)) == 0;
	const char *path = vfio_user ? name + strlen(VFIO_USER) : name;
	const char *daemon = vfio_user ? "the vfio-user server"
				       : "the daemon (virtiofsd "
					 "--socket-path=...)";
	int error = ask(path);

	switch (error) {
	case EPROTOTYPE:
		findings_ok(findings, "%s is the socket of a process", path);
		break;
	case ENOENT:
	case ENOTDIR:
		findings_problem(findings, "%s does not exist: start %s on it", path, daemon);
		break;
	case ECONNREFUSED:
		findings_problem(findings,
			"nobody listens on %s: it is no socket, or its daemon has ended or serves "
			"somebody else already; start %s on it again",
			path, daemon);
		break;
	case EACCES:
	case EPERM:
		findings_problem(findings,
			"no permission for %s: run as its owner, or start the daemon so that this "
			"user's group may write to it (--socket-group=...)",
			path);
		break;
	case ENAMETOOLONG:
		findings_problem(findings,
			"the path is too long for a socket: %s; take a shorter or a relative one",
			path);
		break;
	case 0:
		findings_problem(findings,
			"%s is a datagram socket, as no daemon of virtio-fs has: give the path of "
			"%s",
			path, daemon);
		break;
	default:
		findings_problem(findings, "%s cannot be reached: %s", path, strerror(error));
		break;
	}
}
