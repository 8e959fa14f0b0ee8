/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "listen.h"

/* A socket at @path in place of one that an earlier run may have left. */
static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	unlink(path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

int listen_and_serve(const char *path, serve_connection serve, void *opaque)
{
	int listening = listen_at(path);
	int r = listening;

	if (listening < 0)
		return listening;
	while (r >= 0) {
		r = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
		if (r >= 0) {
			serve(opaque, r);
			close(r);
		} else if (errno == EINTR || errno == ECONNABORTED) {
			r = 0;
		} else {
			r = -errno;
		}
	}
	close(listening);
	unlink(path);
	return r;
}
