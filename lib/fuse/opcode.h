/* SPDX-License-Identifier: MIT */
/* What is known of each opcode. */
#ifndef VFS_OPCODE_H
#define VFS_OPCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <vfs/fuse_abi.h>

/* What the answer to a message looks like after its fuse_out_header. */
struct vfs_reply_shape {
	bool none;     /* the server does not answer (FORGET, INTERRUPT) */
	bool may_omit; /* it may leave the answer out (DESTROY) */
	bool may_wait; /* its answer may come as a notification, with a quirk (SETLKW) */
	bool exact;    /* a good answer has @max bytes, otherwise at most so many */
	uint32_t max;
};

/* Where the size of an answer comes from. */
enum vfs_sizing {
	VFS_SIZE_UNKNOWN, /* so that an opcode that is missing is refused */
	VFS_SIZE_EXACT,
	VFS_SIZE_UP_TO,
	VFS_SIZE_NO_REPLY,
	VFS_SIZE_MAY_OMIT,
	VFS_SIZE_MAY_WAIT,
	VFS_SIZE_FROM_READ, /* fuse_read_in.size */
	/* From here on they are seldom. */
	VFS_SIZE_FROM_XATTR, /* fuse_getxattr_in.size; 0 asks for the size */
	VFS_SIZE_FROM_IOCTL, /* fuse_ioctl_in.out_size */
	VFS_SIZE_OF_INIT,    /* these two belong to the session */
	VFS_SIZE_OF_DESTROY,
};

/* Where data of an application can be. */
enum vfs_direction {
	VFS_DATA_NOWHERE,
	VFS_DATA_SENT,	   /* the message ends in it */
	VFS_DATA_RECEIVED, /* it is the answer's body */
};

struct vfs_opcode {
	uint16_t args;	/* bytes that must follow the header */
	uint16_t reply; /* the size of an answer, if it is fixed */
	uint8_t sizing;
} __attribute__((aligned(8))); /* so that finding one is no multiplication */

#define VFS_NUM_OPCODES (VFS_FUSE_COPY_FILE_RANGE_64 + 1)

extern const struct vfs_opcode vfs_opcodes[VFS_NUM_OPCODES];

/* An enum vfs_direction of each opcode. */
extern const uint8_t vfs_directions[VFS_NUM_OPCODES];

/* Of each sizing, but for the size. */
extern const struct vfs_reply_shape vfs_shapes[];

static inline bool vfs_opcode_is_known(uint32_t opcode)
{
	return opcode < VFS_NUM_OPCODES && vfs_opcodes[opcode].sizing != VFS_SIZE_UNKNOWN;
}

/* Why a message is not taken. */
int vfs_opcode_refuse(size_t length, uint32_t opcode);

/* The shapes that are seldom. */
int vfs_opcode_finish(struct vfs_reply_shape *shape, enum vfs_sizing sizing, const void *args);

/*
 * Opcode of a message of @length bytes, and the shape of its answer. 1: it is the session's own.
 * -EINVAL: the message is too short for its opcode. -ENOSYS: unknown opcode.
 */
static inline int vfs_opcode_shape(
	const void *message, size_t length, struct vfs_reply_shape *shape, uint32_t *opcode)
{
	const uint8_t *args = (const uint8_t *)message + sizeof(struct fuse_in_header);
	const struct fuse_in_header *header = message;
	const struct vfs_opcode *op;

	if (length < sizeof(*header))
		return vfs_opcode_refuse(length, 0);
	memcpy(opcode, &header->opcode, sizeof(*opcode));
	if (!vfs_opcode_is_known(*opcode))
		return vfs_opcode_refuse(length, *opcode);
	op = &vfs_opcodes[*opcode];
	if (length - sizeof(*header) < op->args)
		return vfs_opcode_refuse(length, *opcode);
	*shape = vfs_shapes[op->sizing];
	shape->max = op->reply;
	if (op->sizing < VFS_SIZE_FROM_READ)
		return 0;
	if (op->sizing > VFS_SIZE_FROM_READ)
		return vfs_opcode_finish(shape, op->sizing, args);
	memcpy(&shape->max, args + offsetof(struct fuse_read_in, size), sizeof(shape->max));
	return 0;
}

#endif
