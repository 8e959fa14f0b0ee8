/* SPDX-License-Identifier: MIT */
/* One client's connection, and what its commands do to the function. */
#ifndef DEVICE_VFIO_USER_CLIENT_H
#define DEVICE_VFIO_USER_CLIENT_H

#include <stdbool.h>

#include "vfio_user_message.h"
#include "virtio_function.h"

struct client {
	struct function *function;
	int socket;
	bool agreed; /* on the version */
	struct vfio_user_message message;
};

/* Do what c->message says; the reply is in it then, or -errno. */
int client_handle(struct client *c);

#endif
