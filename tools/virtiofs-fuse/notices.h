/* SPDX-License-Identifier: MIT */
/*
 * From the server to the kernel: notifications. That takes a thread, since the kernel may have to
 * wait for an answer that is still to be relayed before it can do as it is told.
 */
#ifndef VIRTIOFS_FUSE_NOTICES_H
#define VIRTIOFS_FUSE_NOTICES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* What the device can send before the kernel has dealt with it. */
#define NOTICES_BUFFERS 32

struct vfs_session;

struct notices {
	pthread_t thread;
	struct vfs_session *session;
	int fuse_fd; /* of its own */
	int stop_fd; /* -1: there is no thread */
	atomic_bool stopping;
};

/* Nothing happens if the device has no notifications. 0 or -errno. */
int notices_start(struct notices *notices, struct vfs_session *session, int fuse_fd);

bool notices_are_relayed(const struct notices *notices);

/* Take no more. */
void notices_stop(struct notices *notices);

/* Wait for the thread; what it is writing ends with the mount. */
void notices_join(struct notices *notices);

#endif
