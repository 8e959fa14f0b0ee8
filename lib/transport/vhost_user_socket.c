/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/core.h"
#include "transport/vhost_user.h"

#define FLAG_VERSION	1u
#define FLAG_REPLY	(1u << 2)
#define FLAG_NEED_REPLY (1u << 3)

static int connect_error(const char *path)
{
	switch (errno) {
	case ENOENT:
	case ECONNREFUSED:
		return vfs_error(-ENODEV,
			"nothing listens on %s: start the daemon, as in 'virtiofsd "
			"--socket-path=%s'",
			path, path);
	case EACCES:
	case EPERM:
		return vfs_error(-EACCES, "no permission for %s", path);
	default:
		return vfs_error(-errno, "cannot connect to %s: %s", path, strerror(errno));
	}
}

int vfs_vhost_user_connect(
	struct vfs_vhost_user_socket *s, const char *path, unsigned int timeout_ms)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*s = (struct vfs_vhost_user_socket){.fd = -1, .timeout_ms = timeout_ms};
	if (strlen(path) >= sizeof(address.sun_path))
		return vfs_error(-EINVAL, "the path of the socket is too long: %s", path);
	snprintf(s->path, sizeof(s->path), "%s", path);
	memcpy(address.sun_path, s->path, sizeof(address.sun_path));
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return vfs_error(-errno, "cannot create a socket: %s", strerror(errno));
	if (connect(s->fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int r = connect_error(path);

		vfs_vhost_user_disconnect(s);
		return r;
	}
	return 0;
}

void vfs_vhost_user_disconnect(struct vfs_vhost_user_socket *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static int gone(struct vfs_vhost_user_socket *s)
{
	s->dead = true;
	return vfs_error(-ENODEV, "the daemon behind %s is gone", s->path);
}

static int send_all(
	struct vfs_vhost_user_socket *s, const struct vfs_vhost_user_message *m, uint32_t flags)
{
	struct vfs_vhost_user_header header = {
		.request = m->request, .flags = flags, .size = (uint32_t)m->size};
	struct iovec iov[] = {
		{.iov_base = &header, .iov_len = sizeof(header)},
		{.iov_base = (void *)(uintptr_t)m->payload, .iov_len = m->size},
	};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(VHOST_USER_FDS_MAX * sizeof(int))];
	} control = {0};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = m->size ? 2 : 1};
	ssize_t n;

	if (m->num_fds) {
		struct cmsghdr *cmsg = &control.align;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(m->num_fds * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(m->num_fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), m->fds, m->num_fds * sizeof(int));
	}
	do {
		n = sendmsg(s->fd, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	/* Messages are far smaller than a socket's buffer: they go whole or not at all. */
	return n == (ssize_t)(sizeof(header) + m->size) ? 0 : gone(s);
}

static int receive(
	struct vfs_vhost_user_socket *s, void *buffer, size_t size, struct vfs_deadline deadline)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	size_t done = 0;

	while (done < size) {
		ssize_t n = poll(&p, 1, vfs_deadline_left_ms(deadline));

		if (n == 0) {
			s->dead = true;
			return vfs_error(-ETIMEDOUT,
				"the daemon behind %s did not answer within %u ms", s->path,
				s->timeout_ms);
		}
		if (n > 0)
			n = recv(s->fd, (char *)buffer + done, size - done, MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return gone(s);
		done += (size_t)n;
	}
	return 0;
}

static int receive_reply(
	struct vfs_vhost_user_socket *s, uint32_t request, void *reply, size_t min, size_t max)
{
	struct vfs_deadline deadline = vfs_deadline_in(s->timeout_ms);
	struct vfs_vhost_user_header header;
	int r = receive(s, &header, sizeof(header), deadline);

	if (r < 0)
		return r;
	if (header.request != request || !(header.flags & FLAG_REPLY) || header.size < min ||
		header.size > max) {
		s->dead = true;
		return vfs_error(-EPROTO,
			"the daemon behind %s answers request %u with %u, %u bytes", s->path,
			request, header.request, header.size);
	}
	return receive(s, reply, header.size, deadline);
}

int vfs_vhost_user_ask(struct vfs_vhost_user_socket *s, const struct vfs_vhost_user_message *m,
	void *reply, size_t min, size_t max)
{
	int r = s->dead ? gone(s) : send_all(s, m, FLAG_VERSION);

	return r < 0 ? r : receive_reply(s, m->request, reply, min, max);
}

int vfs_vhost_user_send(struct vfs_vhost_user_socket *s, const struct vfs_vhost_user_message *m)
{
	uint64_t result = 0;
	int r;

	if (s->dead)
		return gone(s);
	r = send_all(s, m, FLAG_VERSION | (s->reply_ack ? FLAG_NEED_REPLY : 0));
	if (r == 0 && s->reply_ack)
		r = receive_reply(s, m->request, &result, sizeof(result), sizeof(result));
	if (r == 0 && result)
		r = vfs_error(
			-EPROTO, "the daemon behind %s refuses request %u", s->path, m->request);
	return r;
}

bool vfs_vhost_user_alive(const struct vfs_vhost_user_socket *s)
{
	char byte;

	if (s->dead)
		return false;
	return recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       (errno == EAGAIN || errno == EINTR);
}
