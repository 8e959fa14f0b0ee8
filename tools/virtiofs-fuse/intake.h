/* SPDX-License-Identifier: MIT */
/* From the kernel to the device: read messages, answer some here, submit the others. */
#ifndef VIRTIOFS_FUSE_INTAKE_H
#define VIRTIOFS_FUSE_INTAKE_H

#include <stdbool.h>
#include <sys/types.h>

#include "interrupts.h"

struct figures;
struct vfs_queue;
struct vfs_request;
struct vfs_session;
struct window;

/* Requests that go to the device with one notification; more would make the first ones wait. */
#define INTAKE_BATCH 16

struct intake {
	int fuse_fd;
	struct vfs_queue *queue;
	struct vfs_session *session;
	struct window *window; /* NULL: none */
	struct figures *figures;
	struct vfs_request *spare; /* where the next message is read to */
	struct vfs_request *batch[INTAKE_BATCH];
	unsigned int num_batch;
	unsigned long taken; /* messages so far */
	unsigned int alone;  /* that came one at a time, since that was found out; 0: they do not */
	bool large;	     /* the last request has much data */
	struct interrupts interrupts;
	bool ready; /* the kernel may have messages; reading to find out costs a system call */
	bool allow_root;
	bool trace;
	bool notices; /* NOTIFY_REPLY is an answer to the server */
	uid_t owner;
};

/* Whether there is a slot for another message. */
bool intake_has_room(struct intake *intake);

/* A slot for another purpose, to be put back; NULL: there is none now. */
struct vfs_request *intake_lend(struct intake *intake);

/*
 * Take what the kernel has, at most a batch. 0, or
 * -ENODEV: unmounted; -ECONNABORTED: the kernel ended the connection; -EIO: the device failed;
 * another error of read(2)
 */
int intake_run(struct intake *intake);

#endif
