/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "say.h"
#include "vfio_user_message.h"

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(MESSAGE_FDS * sizeof(int))];
};

static void take_fds(struct msghdr *msg, struct vfio_user_message *m)
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
static ssize_t receive_header(int socket, struct vfio_user_message *m)
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

static int receive_payload(int socket, struct vfio_user_message *m)
{
	ssize_t n;

	if (m->header.size < sizeof(m->header) ||
		m->header.size - sizeof(m->header) > MESSAGE_PAYLOAD) {
		say("command %u has %u bytes", m->header.command, m->header.size);
		return -EPROTO;
	}
	m->size = m->header.size - sizeof(m->header);
	if (!m->size)
		return 1;
	do {
		n = recv(socket, m->payload, m->size, MSG_WAITALL);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)m->size ? 1 : -EPROTO;
}

int vfio_user_receive(int socket, struct vfio_user_message *m)
{
	ssize_t n;
	int r;

	m->num_fds = 0;
	m->reply_fd = -1;
	n = receive_header(socket, m);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return 0;
	if (n != (ssize_t)sizeof(m->header))
		r = -EPROTO;
	else
		r = receive_payload(socket, m);
	if (r < 0)
		vfio_user_close_fds(m);
	return r;
}

static void add_fd(struct msghdr *msg, union control *control, int fd)
{
	struct cmsghdr *c = &control->align;

	msg->msg_control = control->bytes;
	msg->msg_controllen = CMSG_SPACE(sizeof(fd));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

int vfio_user_reply(int socket, const struct vfio_user_message *m, int error)
{
	struct vfio_user_header header = {
		.id = m->header.id,
		.command = m->header.command,
		.size = (uint32_t)(sizeof(header) + (error ? 0 : m->size)),
		.flags = MESSAGE_REPLY | (error ? MESSAGE_ERROR : 0),
		.error = (uint32_t)error,
	};
	struct iovec iov[] = {
		{.iov_base = &header, .iov_len = sizeof(header)},
		{.iov_base = m->payload, .iov_len = error ? 0 : m->size},
	};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	union control control = {0};
	ssize_t n;

	if (!error && m->reply_fd >= 0)
		add_fd(&msg, &control, m->reply_fd);
	do {
		n = sendmsg(socket, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)header.size ? 0 : -EPIPE;
}

void vfio_user_close_fds(struct vfio_user_message *m)
{
	unsigned int i;

	for (i = 0; i < m->num_fds; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	m->num_fds = 0;
}
