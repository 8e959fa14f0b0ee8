/* SPDX-License-Identifier: MIT */
/* One operation, and the message that a device was given for it. */
#ifndef TEST_ENCODED_H
#define TEST_ENCODED_H

#include <stddef.h>
#include <stdint.h>

#include <vfs/fuse.h>

#include "fuse/fixture.h"

#define NODE   11u
#define PARENT 12u
#define FH     13u

extern struct vfs_op op;
extern const uint8_t *message; /* of what was encoded last, data included */
extern size_t length;
extern const struct vfs_caller caller; /* whose it is, unless the operation says so */

/* Send it to a server that has agreed to this. The error of vfs_op_encode(). */
int encode(uint64_t agreed);

/* Fail unless the last message has this in its header, and its own length. */
void assert_header(uint32_t opcode, uint64_t node, const struct vfs_caller *who);

/* Of the last message: its extensions in units of 8 bytes, and what follows its header. */
unsigned int extensions(void);
const void *arguments(void);

#endif
