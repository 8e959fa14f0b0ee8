/* SPDX-License-Identifier: MIT */
/*
 * What a daemon asks of this side, over a socket of its own: above all to map its files into the
 * window. It waits for that before it answers who asked for the mapping, and this one may be
 * busy with a ring, or asleep: so a thread serves the socket.
 */
#ifndef VFS_VHOST_USER_BACKEND_H
#define VFS_VHOST_USER_BACKEND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/core.h"
#include "transport/shm_window.h"
#include "transport/unix_socket.h"

enum vfs_vhost_user_backend_request {
	VHOST_USER_BACKEND_IOTLB_MSG = 1,
	VHOST_USER_BACKEND_CONFIG_CHANGE_MSG = 2,
	VHOST_USER_BACKEND_VRING_HOST_NOTIFIER_MSG = 3,
	VHOST_USER_BACKEND_SHMEM_MAP = 9,
	VHOST_USER_BACKEND_SHMEM_UNMAP = 10,
};

#define VHOST_USER_MAP_WRITABLE 1u

/* The payload of SHMEM_MAP and SHMEM_UNMAP. */
struct vfs_vhost_user_mmap {
	uint8_t id;
	uint8_t padding[7];
	uint64_t fd_offset;
	uint64_t shm_offset;
	uint64_t length;
	uint64_t flags;
};

struct vfs_vhost_user_backend {
	struct vfs_shm_window window;
	struct vfs_socket socket; /* the thread's */
	bool reply_ack;
	pthread_t thread;
	bool running;
	int event; /* an eventfd: there is something to check */

	pthread_mutex_t lock; /* of: */
	int failed;	      /* the thread has ended, and why: */
	char why[VFS_ERROR_MAX];
	unsigned int refused; /* requests, and why the last one was: */
	char refusal[VFS_ERROR_MAX];
};

/*
 * Reserve the window and start to serve. The daemon's end of the socket is put into @peer, which
 * is the caller's to close. @path: the daemon's name in messages.
 */
int vfs_vhost_user_backend_start(struct vfs_vhost_user_backend *b, uint64_t window_length,
	const char *path, bool reply_ack, int *peer);

/* Also one that never was started, if it is all zero. The window is gone afterwards. */
void vfs_vhost_user_backend_stop(struct vfs_vhost_user_backend *b);

/*
 * Log what was refused. 0, or -ENODEV, -EPROTO, -ETIMEDOUT: the daemon closed the socket, broke the
 * protocol, or stopped in the middle of a message.
 */
int vfs_vhost_user_backend_check(struct vfs_vhost_user_backend *b);

#endif
