/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "listen.h"
#include "say.h"
#include "vfio_user.h"
#include "vfio_user_client.h"

/* 1, 0: the client has left, or -errno */
static int serve_command(struct client *c)
{
	struct vfio_user_message *m = &c->message;
	int r = vfio_user_receive(c->socket, m);

	if (r <= 0)
		return r;
	if ((m->header.flags & MESSAGE_TYPE) == MESSAGE_REPLY) {
		say("a reply to nothing that was asked");
		fd_list_close(&m->fds);
		return -EPROTO;
	}
	r = client_handle(c);
	fd_list_close(&m->fds);
	if (r < 0)
		say("command %u: %s", m->header.command, strerror(-r));
	if (!(m->header.flags & MESSAGE_NO_REPLY) && vfio_user_reply(c->socket, m, -r) < 0)
		return -EPIPE;
	/* Without a version there is nothing to go on with. */
	return c->agreed ? 1 : r;
}

/*
 * A client that comes back could go on with the device as it left it. Ours come anew, so that the
 * device is fresh for each of them.
 */
static void serve_socket(void *opaque, int socket)
{
	struct function *f = opaque;
	struct client c = {.function = f, .socket = socket};
	int r = -ENOMEM;

	function_prepare(f);
	c.message.payload = malloc(MESSAGE_PAYLOAD);
	if (c.message.payload) {
		do {
			r = serve_command(&c);
		} while (r > 0);
	}
	if (r < 0)
		say("client: %s", strerror(-r));
	interrupts_clear(&f->interrupts);
	device_abandon(f->device);
	function_reset(f);
	free(c.message.payload);
}

int vfio_user_serve(struct device *device, const char *path)
{
	struct function function;
	int r = function_create(&function, device);

	if (r < 0)
		return r;
	r = listen_and_serve(path, serve_socket, &function);
	function_destroy(&function);
	return r;
}
