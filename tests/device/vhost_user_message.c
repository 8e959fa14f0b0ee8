/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "say.h"
#include "vhost_user_message.h"

static int receive_payload(int socket, struct message *m)
{
	if (m->header.size > sizeof(m->payload)) {
		say("message %u has %u bytes", m->header.request, m->header.size);
		return -EPROTO;
	}
	return fd_message_receive_rest(socket, &m->payload, m->header.size);
}

int message_receive(int socket, struct message *m)
{
	int r;

	memset(m, 0, sizeof(*m));
	r = fd_message_receive(socket, &m->header, sizeof(m->header), &m->fds);
	if (r > 0)
		r = receive_payload(socket, m);
	if (r < 0)
		fd_list_close(&m->fds);
	return r;
}

int message_send(int socket, const struct message *m, int fd)
{
	struct iovec iov[] = {
		{.iov_base = (void *)(uintptr_t)&m->header, .iov_len = sizeof(m->header)},
		{.iov_base = (void *)(uintptr_t)&m->payload, .iov_len = m->header.size},
	};

	return fd_message_send(socket, iov, 2, fd);
}
