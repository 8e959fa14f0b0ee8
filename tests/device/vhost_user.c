/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "listen.h"
#include "say.h"
#include "vhost_user.h"
#include "vhost_user_backend.h"

/* Errors are answered where the front end asked for that; else only said. */
static int answer(struct backend *b, struct message *m, int result)
{
	bool wanted = m->header.flags & MESSAGE_NEED_REPLY && backend_has(b, PROTOCOL_F_REPLY_ACK);

	if (result < 0)
		say("message %u: %s", m->header.request, strerror(-result));
	m->header.flags = MESSAGE_VERSION | MESSAGE_REPLY;
	if (result <= 0) {
		if (!wanted)
			return 0;
		m->payload.u64 = result < 0;
		m->header.size = sizeof(m->payload.u64);
	}
	return message_send(b->socket, m, -1);
}

/* 1, 0: the front end has left, or -errno */
static int serve_message(struct backend *b)
{
	struct message m;
	int r = message_receive(b->socket, &m);

	if (r <= 0)
		return r;
	r = answer(b, &m, backend_handle(b, &m));
	fd_list_close(&m.fds);
	return r < 0 ? r : 1;
}

static int serve_front_end(struct backend *b)
{
	int r = 1;

	while (r > 0) {
		struct pollfd fds[] = {
			{.fd = b->socket, .events = POLLIN}, {.fd = b->requests, .events = POLLIN}};

		if (poll(fds, 2, -1) < 0) {
			r = errno == EINTR ? 1 : -errno;
			continue;
		}
		if (fds[1].revents)
			backend_take_answer(b);
		if (fds[0].revents)
			r = serve_message(b);
	}
	return r;
}

static void serve_socket(void *opaque, int socket)
{
	struct device *device = opaque;
	struct backend b = {.device = device, .socket = socket, .requests = -1};
	int r;

	pthread_mutex_init(&b.lock, NULL);
	pthread_cond_init(&b.answered, NULL);
	r = serve_front_end(&b);
	if (r < 0)
		say("front end: %s", strerror(-r));
	if (device->dax)
		dax_attach(device->dax, NULL);
	device_abandon(device);
	backend_set_requests(&b, -1);
	pthread_cond_destroy(&b.answered);
	pthread_mutex_destroy(&b.lock);
}

int vhost_user_serve(struct device *device, const char *path)
{
	return listen_and_serve(path, serve_socket, device);
}
