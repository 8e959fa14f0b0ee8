/* SPDX-License-Identifier: MIT */
/* FORGET and BATCH_FORGET of the kernel, for the library to send. */
#ifndef VIRTIOFS_FUSE_FORGET_H
#define VIRTIOFS_FUSE_FORGET_H

#include <stddef.h>

#include <vfs/session.h>

struct window;

/*
 * Take over what the message of @length bytes says, and overwrite it. What @window has of the nodes
 * goes first. 0, or the error of vfs_forget().
 */
int forget_take(struct vfs_session *session, struct window *window, struct fuse_in_header *message,
	size_t length);

#endif
