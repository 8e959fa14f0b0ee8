/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "say.h"
#include "vhost_user_message.h"

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(MESSAGE_FDS * sizeof(int))];
};

static void take_fds(struct msghdr *msg, struct message *m)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		m->num_fds = (unsigned int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(m->fds, CMSG_DATA(c), m->num_fds * sizeof(int));
	}
}

/* Descriptors come with the first byte of a message. */
static ssize_t receive_header(int socket, struct message *m)
{
	union control control;
	struct iovec iov = {.iov_base = &m->header, .iov_len = sizeof(m->header)};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control)};
	ssize_t n;

	do {
		n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | MSG_WAITALL);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		take_fds(&msg, m);
	return n;
}

static int receive_payload(int socket, struct message *m)
{
	ssize_t n;

	if (m->header.size > sizeof(m->payload)) {
		say("message %u has %u bytes", m->header.request, m->header.size);
		return -EPROTO;
	}
	if (!m->header.size)
		return 1;
	do {
		n = recv(socket, &m->payload, m->header.size, MSG_WAITALL);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)m->header.size ? 1 : -EPROTO;
}

int message_receive(int socket, struct message *m)
{
	ssize_t n;
	int r;

	memset(m, 0, sizeof(*m));
	n = receive_header(socket, m);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return 0;
	if (n != (ssize_t)sizeof(m->header))
		r = -EPROTO;
	else
		r = receive_payload(socket, m);
	if (r < 0)
		message_close_fds(m);
	return r;
}

static void attach_fd(struct msghdr *msg, union control *control, int fd)
{
	struct cmsghdr *c = &control->align;

	memset(control, 0, sizeof(*control));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	msg->msg_control = control->bytes;
	msg->msg_controllen = CMSG_SPACE(sizeof(fd));
}

int message_send(int socket, const struct message *m, int fd)
{
	struct iovec iov[] = {
		{.iov_base = (void *)(uintptr_t)&m->header, .iov_len = sizeof(m->header)},
		{.iov_base = (void *)(uintptr_t)&m->payload, .iov_len = m->header.size},
	};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	union control control;
	ssize_t n;

	if (fd >= 0)
		attach_fd(&msg, &control, fd);
	do {
		n = sendmsg(socket, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)(sizeof(m->header) + m->header.size) ? 0 : -EPIPE;
}

int message_take_fd(struct message *m, unsigned int i)
{
	int fd = -1;

	if (i < m->num_fds) {
		fd = m->fds[i];
		m->fds[i] = -1;
	}
	return fd;
}

void message_close_fds(struct message *m)
{
	unsigned int i;

	for (i = 0; i < m->num_fds; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	m->num_fds = 0;
}
