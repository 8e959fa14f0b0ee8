/* SPDX-License-Identifier: MIT */
/* FORGET and BATCH_FORGET of the kernel, for the library to send. */
#ifndef VIRTIOFS_FUSE_FORGET_H
#define VIRTIOFS_FUSE_FORGET_H

#include <stddef.h>

#include <vfs/session.h>

struct vfs_request;
struct window;

/*
 * Take the message of @length bytes over, and its slot. What @window has of the nodes goes first.
 * 0, or the error of vfs_forget().
 */
int forget_take(struct vfs_session *session, struct window *window, struct vfs_request *slot,
	size_t length);

#endif
