/* SPDX-License-Identifier: MIT */
/*
 * FORGETs on their way to the hiprio queue. None may be lost: the server would keep the node,
 * and the descriptor behind it, for as long as the mount lives. When the queue is full the rest
 * stays in its request slot, in order, until the queue moves on.
 */
#ifndef VIRTIOFS_FUSE_FORGET_H
#define VIRTIOFS_FUSE_FORGET_H

#include <stdbool.h>
#include <stddef.h>

#include <vfs/session.h>

struct vfs_request;

struct forget_item {
	struct vfs_request *slot;
	bool batch; /* decided once: the slot is memory that the device can write */
	struct fuse_forget_one single; /* a FORGET in the form of a BATCH_FORGET's element */
	size_t next;
	size_t count;
};

struct forget_backlog {
	struct vfs_session *session;
	struct forget_item *items; /* a ring; one for each slot, so it cannot be full */
	unsigned int size;
	unsigned int head;
	unsigned int used;
};

/* 0 or -ENOMEM. @slots: how many requests the queue has */
int forget_init(struct forget_backlog *backlog, struct vfs_session *session, unsigned int slots);

/*
 * Take a FORGET or BATCH_FORGET of @length bytes over, in its slot, which is put back when all
 * of it has been sent. 0, or the library's error if the device failed.
 */
int forget_take(struct forget_backlog *backlog, struct vfs_request *slot, size_t length);

/* Offer the backlog again. 0, or the library's error if the device failed. */
int forget_send(struct forget_backlog *backlog);

bool forget_waiting(const struct forget_backlog *backlog);

/* Put the slots back and free the memory. */
void forget_free(struct forget_backlog *backlog);

#endif
