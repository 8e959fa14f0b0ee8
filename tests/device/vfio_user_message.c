/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "say.h"
#include "vfio_user_message.h"

static int receive_payload(int socket, struct vfio_user_message *m)
{
	if (m->header.size < sizeof(m->header) ||
		m->header.size - sizeof(m->header) > MESSAGE_PAYLOAD) {
		say("command %u has %u bytes", m->header.command, m->header.size);
		return -EPROTO;
	}
	m->size = m->header.size - sizeof(m->header);
	return fd_message_receive_rest(socket, m->payload, m->size);
}

int vfio_user_receive(int socket, struct vfio_user_message *m)
{
	int r;

	m->reply_fd = -1;
	r = fd_message_receive(socket, &m->header, sizeof(m->header), &m->fds);
	if (r > 0)
		r = receive_payload(socket, m);
	if (r < 0)
		fd_list_close(&m->fds);
	return r;
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

	return fd_message_send(socket, iov, 2, error ? -1 : m->reply_fd);
}
