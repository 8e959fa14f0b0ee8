/* SPDX-License-Identifier: MIT */
/* From the kernel to the device: answer some messages here, submit the others. */
#ifndef VIRTIOFS_FUSE_INTAKE_H
#define VIRTIOFS_FUSE_INTAKE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "figures.h"

struct channel;
struct held;
struct interrupts;
struct lane;
struct lane_origin;
struct vfs_request;
struct vfs_session;
struct window;

/* Requests that go to the device with one notification; more would make the first ones wait. */
#define INTAKE_BATCH 16

struct intake {
	struct lane *lane;
	struct channel *channel;
	struct vfs_session *session;
	struct window *window; /* NULL: none */
	struct interrupts *interrupts;
	struct held *held;
	struct figures figures;
	struct lane_origin *origin; /* of the message that is looked at */
	struct vfs_request *batch[INTAKE_BATCH];
	struct lane_origin *origins[INTAKE_BATCH];
	unsigned int num_batch;
	atomic_ulong taken;	 /* messages so far */
	unsigned int timeout_ms; /* for the answer to each; 0: none */
	bool forgets;		 /* some were handed to the library */
	bool lost;		 /* there is no device any more */
	bool allow_root;
	bool trace;
	bool notices; /* NOTIFY_REPLY is an answer to the server */
	uid_t owner;
};

/*
 * A message of @length bytes has come from @origin, which has to live until it is answered, in
 * @slot. True: it is with the device, or will be by intake_submit(), and so is the slot; false: it
 * was dealt with.
 */
bool intake_message(
	struct intake *intake, struct lane_origin *origin, struct vfs_request *slot, size_t length);

/* Whether another message can be taken before intake_submit(). */
static inline bool intake_has_room(const struct intake *intake)
{
	return intake->num_batch < INTAKE_BATCH;
}

/* 0, or -EIO: the device has failed; those concerned have been told. */
int intake_submit(struct intake *intake);

#endif
