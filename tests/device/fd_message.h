/* SPDX-License-Identifier: MIT */
/* Bytes and descriptors on a Unix socket: what both protocols are made of. */
#ifndef DEVICE_FD_MESSAGE_H
#define DEVICE_FD_MESSAGE_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#define FD_MESSAGE_FDS 16u

/* Descriptors that came with a message; -1 where one was taken out. */
struct fd_list {
	int fds[FD_MESSAGE_FDS];
	unsigned int count;
};

/*
 * The header of a message, and the descriptors that come with its first byte. 1, 0: the other side
 * is gone, -EPROTO
 */
int fd_message_receive(int socket, void *header, size_t size, struct fd_list *fds);

/* What follows the header. 1 or -EPROTO */
int fd_message_receive_rest(int socket, void *buffer, size_t size);

/* Send all of it, with @fd if that is not -1. -EPIPE */
int fd_message_send(int socket, const struct iovec *iov, unsigned int count, int fd);

/* Descriptor @i, the caller's own from then on; -1 if there is none. */
int fd_list_take(struct fd_list *fds, unsigned int i);

void fd_list_close(struct fd_list *fds);

#endif
