/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd_message.h"

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(FD_MESSAGE_FDS * sizeof(int))];
};

static void take_fds(struct msghdr *msg, struct fd_list *fds)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		fds->count = (unsigned int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds->fds, CMSG_DATA(c), fds->count * sizeof(int));
	}
}

int fd_message_receive(int socket, void *header, size_t size, struct fd_list *fds)
{
	union control control;
	struct iovec iov = {.iov_base = header, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control)};
	ssize_t n;

	fds->count = 0;
	do {
		n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | MSG_WAITALL);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		take_fds(&msg, fds);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return 0;
	return n == (ssize_t)size ? 1 : -EPROTO;
}

int fd_message_receive_rest(int socket, void *buffer, size_t size)
{
	ssize_t n;

	if (!size)
		return 1;
	do {
		n = recv(socket, buffer, size, MSG_WAITALL);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)size ? 1 : -EPROTO;
}

static void attach_fd(struct msghdr *msg, union control *control, int fd)
{
	struct cmsghdr *c = &control->align;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	msg->msg_control = control->bytes;
	msg->msg_controllen = CMSG_SPACE(sizeof(fd));
}

int fd_message_send(int socket, const struct iovec *iov, unsigned int count, int fd)
{
	struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = count};
	union control control = {0};
	size_t size = 0;
	unsigned int i;
	ssize_t n;

	for (i = 0; i < count; i++)
		size += iov[i].iov_len;
	if (fd >= 0)
		attach_fd(&msg, &control, fd);
	do {
		n = sendmsg(socket, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)size ? 0 : -EPIPE;
}

int fd_list_take(struct fd_list *fds, unsigned int i)
{
	int fd = -1;

	if (i < fds->count) {
		fd = fds->fds[i];
		fds->fds[i] = -1;
	}
	return fd;
}

void fd_list_close(struct fd_list *fds)
{
	unsigned int i;

	for (i = 0; i < fds->count; i++)
		if (fds->fds[i] >= 0)
			close(fds->fds[i]);
	fds->count = 0;
}
