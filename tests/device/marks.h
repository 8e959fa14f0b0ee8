/* SPDX-License-Identifier: MIT */
/*
 * Files that a driver is to access through the DAX window (FUSE_ATTR_DAX): those with the sticky
 * bit, which means nothing else for a file. libfuse does not speak of that, so it is put into its
 * answers.
 */
#ifndef DEVICE_MARKS_H
#define DEVICE_MARKS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct fuse_init_out;

/* The answer to INIT says that files are marked, if the driver has the upper half of features. */
void marks_agree(struct fuse_init_out *out);

/* The body of a good answer to @opcode, in one piece. */
void marks_put(uint32_t opcode, struct iovec body);

#endif
