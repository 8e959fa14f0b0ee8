/* SPDX-License-Identifier: MIT */
/* Rings as a lane wants them. */
#ifndef VIRTIOFS_FUSE_URING_RING_H
#define VIRTIOFS_FUSE_URING_RING_H

#include <liburing.h>

/*
 * All submissions are of the thread that creates it, and completions are only worked on when it
 * asks for them: it says itself when it has time. 0 or -errno.
 */
int uring_ring_create(struct io_uring *ring, unsigned int entries);

#endif
