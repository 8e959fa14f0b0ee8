/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "listen.h"

static int bind_and_listen(int fd, const struct sockaddr_un *address, const char *path)
{
	unlink(address->sun_path);
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 || listen(fd, 1) < 0)
		return -errno;
	return rename(address->sun_path, path) < 0 ? -errno : 0;
}

/* Made under another name first: who sees the socket can connect to it. */
int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, r;

	if (strlen(path) + 1 >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s~", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = bind_and_listen(fd, &address, path);
	if (r < 0) {
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
