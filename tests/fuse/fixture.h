/* SPDX-License-Identifier: MIT */
/* What a test of sessions begins and ends with: one device, at most one session. */
#ifndef TEST_FIXTURE_H
#define TEST_FIXTURE_H

#include "dma/fake_memfd.h"
#include "dma/fake_pagemap.h"
#include "fuse/fuse_device.h"
#include "fuse/messages.h"

#define PAYLOAD	   (64u << 10)
#define TIMEOUT_MS 300

extern struct fuse_device d;
extern struct vfs_session *session; /* ended with the test, if there is one */
extern struct vfs_queue *queue;	    /* its first request queue */
extern struct taken taken;
extern enum vfs_poll poll_mode; /* of sessions that are connected next */

int set_up(void **state);
int tear_down(void **state);

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* Of the device, before it is started: it takes physical addresses, in scattered pages. */
void without_platform(void);

/* A session with INIT, on all of the device's queues; 0: the default. */
void connect_with(unsigned int depth, unsigned int ring_size);

/* The next message of the first request queue, which has to be there; there is none. */
void take(struct taken *to);
void take_none(void);

/* A good answer to message_statfs(), and the request that comes back for it. */
extern const struct fuse_statfs_out statfs_out;
void answer_statfs(const struct taken *to);
void expect(uintptr_t number);

#endif
