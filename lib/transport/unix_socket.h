/* SPDX-License-Identifier: MIT */
/* Messages with descriptors on a Unix stream socket, to a daemon that is the device. */
#ifndef VFS_UNIX_SOCKET_H
#define VFS_UNIX_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "core/core.h"

#define VFS_SOCKET_FDS_MAX 16u

/* A connection. After an error it is dead: nobody knows where in the stream it is. */
struct vfs_socket {
	int fd;
	bool dead;
	unsigned int timeout_ms; /* for each answer */
	char path[108];		 /* sun_path's size */
};

/* Descriptors that came with a message; the receiver's own. */
struct vfs_socket_fds {
	int fds[VFS_SOCKET_FDS_MAX];
	unsigned int count;
};

/* -ENODEV: nothing listens there. -EACCES, -EINVAL (path too long). */
int vfs_socket_connect(struct vfs_socket *s, const char *path, unsigned int timeout_ms);
/* A connection that is there already. */
void vfs_socket_adopt(struct vfs_socket *s, int fd, const char *path, unsigned int timeout_ms);
void vfs_socket_disconnect(struct vfs_socket *s);

/* -ENODEV: the daemon is gone. */
int vfs_socket_send(struct vfs_socket *s, const struct iovec *iov, unsigned int count,
	const int *fds, unsigned int num_fds);

/*
 * Receive @size bytes. Descriptors among them go to @fds; NULL: they are closed. -ENODEV,
 * -ETIMEDOUT.
 */
int vfs_socket_receive(struct vfs_socket *s, void *buffer, size_t size,
	struct vfs_deadline deadline, struct vfs_socket_fds *fds);

/* The other side is there, and silent as it should be. */
bool vfs_socket_alive(const struct vfs_socket *s);

/* It is dead: nobody knows where in the stream it is. */
void vfs_socket_give_up(struct vfs_socket *s);

/* The same, saying that the daemon is gone. */
int vfs_socket_gone(struct vfs_socket *s);

#endif
