/* SPDX-License-Identifier: MIT */
/*
 * What the device tells the driver without being asked (virtio 1.3, 5.11: the notification queue):
 * FUSE notifications, in order, kept while the driver has given no buffer for them.
 *
 * On command, a line of text:
 *
 *	inval-inode node=N [offset=N] [length=N]
 *	inval-entry node=N name=TEXT [flags=N]	 (1: FUSE_EXPIRE_ONLY; the node is the directory)
 *	delete node=N child=N name=TEXT
 *	store node=N offset=N data=TEXT
 *	retrieve node=N offset=N length=N unique=N
 *	poll handle=N
 *	resend
 *	lock unique=N [error=N]
 *	inc-epoch
 *	prune node=N
 *	raw code=N [unique=N] [claim=N] [data=TEXT]  (claim: the length in the header)
 */
#ifndef DEVICE_NOTIFIER_H
#define DEVICE_NOTIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of each of the driver's buffers, and how many notifications are kept. */
#define NOTIFY_BUFFER  4096u
#define NOTIFY_PENDING 256u

/* Codes that older headers do not have. */
#define NOTIFY_RESEND	 7u
#define NOTIFY_INC_EPOCH 8u
#define NOTIFY_PRUNE	 9u

struct notifier;

struct notifier *notifier_create(void);
void notifier_destroy(struct notifier *n);

/* -EMSGSIZE: more than a buffer holds. -ENOSPC: too many are kept already. */
int notifier_send(struct notifier *n, uint32_t code, const void *body, size_t size);

/* The same for such a line. -EINVAL: it cannot be understood. */
int notifier_send_line(struct notifier *n, const char *line);

/* An eventfd that is readable when there may be something to send. */
int notifier_event(const struct notifier *n);

/* The first one, at most NOTIFY_BUFFER bytes; 0: there is none. It stays until it is taken. */
size_t notifier_first(struct notifier *n, void *buffer);
void notifier_taken(struct notifier *n);

/* The driver has answered a FUSE_NOTIFY_RETRIEVE, by this message. */
void notifier_answered(struct notifier *n, const void *message, size_t size);

/* The last such answer as text, cut off if there is no room. */
void notifier_last_answer(struct notifier *n, char *text, size_t size);

/* The driver is gone: nothing is kept for the next one. */
void notifier_clear(struct notifier *n);

#endif
