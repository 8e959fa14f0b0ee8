/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "transport/unix_socket.h"

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(VFS_SOCKET_FDS_MAX * sizeof(int))];
};

static int connect_error(const char *path)
{
	switch (errno) {
	case EAGAIN:
		return vfs_error(-ETIMEDOUT, "nobody takes the connection to %s", path);
	case ENOENT:
	case ECONNREFUSED:
		return vfs_error(-ENODEV,
			"nothing listens on %s: start the daemon (virtiofsd, or a vfio-user "
			"server) on it first",
			path);
	case EACCES:
	case EPERM:
		return vfs_error(-EACCES, "no permission for %s", path);
	default:
		return vfs_error(-errno, "cannot connect to %s: %s", path, strerror(errno));
	}
}

/* A daemon that does not read must not hold whoever writes to it for ever. */
static void bound_sending(int fd, unsigned int timeout_ms)
{
	struct timeval timeout = {
		.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000L};

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
}

void vfs_socket_adopt(struct vfs_socket *s, int fd, const char *path, unsigned int timeout_ms)
{
	*s = (struct vfs_socket){.fd = fd, .timeout_ms = timeout_ms};
	snprintf(s->path, sizeof(s->path), "%s", path);
	bound_sending(fd, timeout_ms);
}

int vfs_socket_connect(struct vfs_socket *s, const char *path, unsigned int timeout_ms)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	*s = (struct vfs_socket){.fd = -1};
	if (strlen(path) >= sizeof(address.sun_path))
		return vfs_error(-EINVAL, "the path of the socket is too long: %s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return vfs_error(-errno, "cannot create a socket: %s", strerror(errno));
	vfs_socket_adopt(s, fd, path, timeout_ms);
	memcpy(address.sun_path, s->path, sizeof(address.sun_path));
	if (connect(s->fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int r = connect_error(path);

		vfs_socket_disconnect(s);
		return r;
	}
	return 0;
}

void vfs_socket_disconnect(struct vfs_socket *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void vfs_socket_give_up(struct vfs_socket *s)
{
	s->dead = true;
	/* So that whoever waits for the end of the connection hears of it. */
	(void)shutdown(s->fd, SHUT_RDWR);
}

int vfs_socket_gone(struct vfs_socket *s)
{
	vfs_socket_give_up(s);
	return vfs_error(-ENODEV, "the daemon behind %s is gone", s->path);
}

int vfs_socket_send(struct vfs_socket *s, const struct iovec *iov, unsigned int count,
	const int *fds, unsigned int num_fds)
{
	union control control = {0};
	struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = count};
	size_t total = 0;
	unsigned int i;
	ssize_t n;

	for (i = 0; i < count; i++)
		total += iov[i].iov_len;
	if (num_fds) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(num_fds * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(num_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, num_fds * sizeof(int));
	}
	if (s->dead)
		return vfs_socket_gone(s);
	do {
		n = sendmsg(s->fd, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	/* Messages are far smaller than a socket's buffer: they go whole or not at all. */
	return n == (ssize_t)total ? 0 : vfs_socket_gone(s);
}

static void take_fds(struct msghdr *msg, struct vfs_socket_fds *fds)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		size_t i;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
			if (fds && fds->count < VFS_SOCKET_FDS_MAX)
				fds->fds[fds->count++] = fd;
			else
				close(fd);
		}
	}
}

static ssize_t receive_some(
	struct vfs_socket *s, void *buffer, size_t size, struct vfs_socket_fds *fds)
{
	struct iovec iov = {.iov_base = buffer, .iov_len = size};
	union control control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(s->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n > 0)
		take_fds(&msg, fds);
	return n;
}

int vfs_socket_receive(struct vfs_socket *s, void *buffer, size_t size,
	struct vfs_deadline deadline, struct vfs_socket_fds *fds)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	size_t done = 0;

	while (done < size) {
		ssize_t n = poll(&p, 1, vfs_deadline_left_ms(deadline));

		if (n == 0) {
			vfs_socket_give_up(s);
			return vfs_error(-ETIMEDOUT,
				"the daemon behind %s did not answer within %u ms", s->path,
				s->timeout_ms);
		}
		if (n > 0)
			n = receive_some(s, (char *)buffer + done, size - done, fds);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return vfs_socket_gone(s);
		done += (size_t)n;
	}
	return 0;
}

bool vfs_socket_alive(const struct vfs_socket *s)
{
	char byte;

	if (s->dead)
		return false;
	return recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       (errno == EAGAIN || errno == EINTR);
}
