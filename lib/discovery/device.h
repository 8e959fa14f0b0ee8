/* SPDX-License-Identifier: MIT */
/* An open device, for the session that is started on it. */
#ifndef VFS_DEVICE_INTERNAL_H
#define VFS_DEVICE_INTERNAL_H

#include <pthread.h>

#include "transport/transport.h"
#include "virtio/virtio.h"

/* What a session tells its device to call. */
struct vfs_device_user {
	/* The device failed or is gone (negative errno). */
	void (*failed)(struct vfs_device_user *user, int error);
};

struct vfs_device {
	struct vfs_transport *transport;
	struct vfs_device_options options;
	struct vfs_device_info info;
	void *window;		      /* the DAX window, NULL if there is none */
	struct vfs_device_user *user; /* its session, NULL if it has none */
	pthread_mutex_t check_lock;   /* several threads may wait for its queues */
	bool reset_is_stuck;	      /* another one would wait for nothing */
};

/* How long a device that nobody waits for may take to reset. DPUs take seconds. */
#define VFS_DEVICE_RESET_MS 10000u

/* The PCI address of the function with this tag; errors as vfs_device_open(). */
int vfs_find_tag(const char *tag, char bdf[16]);

#endif
