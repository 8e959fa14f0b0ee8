/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "core/core.h"
#include "transport/vhost_user.h"

static int send_message(
	struct vfs_vhost_user_channel *c, const struct vfs_vhost_user_message *m, uint32_t flags)
{
	struct vfs_vhost_user_header header = {
		.request = m->request, .flags = flags, .size = (uint32_t)m->size};
	struct iovec iov[] = {
		{.iov_base = &header, .iov_len = sizeof(header)},
		{.iov_base = (void *)(uintptr_t)m->payload, .iov_len = m->size},
	};

	return vfs_socket_send(&c->socket, iov, m->size ? 2 : 1, m->fds, m->num_fds);
}

static int receive_reply(
	struct vfs_vhost_user_channel *c, uint32_t request, void *reply, size_t min, size_t max)
{
	struct vfs_deadline deadline = vfs_deadline_in(c->socket.timeout_ms);
	struct vfs_vhost_user_header header;
	int r = vfs_socket_receive(&c->socket, &header, sizeof(header), deadline, NULL);

	if (r < 0)
		return r;
	if (header.request != request || !(header.flags & VHOST_USER_FLAG_REPLY) ||
		header.size < min || header.size > max) {
		vfs_socket_give_up(&c->socket);
		return vfs_error(-EPROTO,
			"the daemon behind %s answers request %u with %u, %u bytes", c->socket.path,
			request, header.request, header.size);
	}
	return vfs_socket_receive(&c->socket, reply, header.size, deadline, NULL);
}

int vfs_vhost_user_ask(struct vfs_vhost_user_channel *c, const struct vfs_vhost_user_message *m,
	void *reply, size_t min, size_t max)
{
	int r;

	pthread_mutex_lock(&c->lock);
	r = send_message(c, m, VHOST_USER_FLAG_VERSION);
	if (r == 0)
		r = receive_reply(c, m->request, reply, min, max);
	pthread_mutex_unlock(&c->lock);
	return r;
}

int vfs_vhost_user_send(struct vfs_vhost_user_channel *c, const struct vfs_vhost_user_message *m)
{
	uint32_t flags = VHOST_USER_FLAG_VERSION;
	uint64_t result = 0;
	int r;

	if (c->reply_ack)
		flags |= VHOST_USER_FLAG_NEED_REPLY;
	pthread_mutex_lock(&c->lock);
	r = send_message(c, m, flags);
	if (r == 0 && c->reply_ack)
		r = receive_reply(c, m->request, &result, sizeof(result), sizeof(result));
	pthread_mutex_unlock(&c->lock);
	if (r == 0 && result)
		r = vfs_error(-EPROTO, "the daemon behind %s refuses request %u", c->socket.path,
			m->request);
	return r;
}

bool vfs_vhost_user_alive(struct vfs_vhost_user_channel *c)
{
	bool alive;

	pthread_mutex_lock(&c->lock);
	alive = vfs_socket_alive(&c->socket);
	pthread_mutex_unlock(&c->lock);
	return alive;
}

void vfs_vhost_user_set_timeout(struct vfs_vhost_user_channel *c, unsigned int timeout_ms)
{
	pthread_mutex_lock(&c->lock);
	c->socket.timeout_ms = timeout_ms;
	pthread_mutex_unlock(&c->lock);
}
