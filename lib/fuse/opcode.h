/* SPDX-License-Identifier: MIT */
/*
 * What the protocol says of each opcode. Whoever writes a message, lays out its answer or reads it
 * goes by this description, so that they agree.
 */
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

/* Where the size of an answer's body comes from. */
enum vfs_sizing {
	VFS_SIZING_UNKNOWN, /* there is no such opcode */
	VFS_SIZING_EXACT,
	VFS_SIZING_UP_TO,
	VFS_SIZING_NO_REPLY,
	VFS_SIZING_MAY_OMIT,
	VFS_SIZING_MAY_WAIT,
	VFS_SIZING_READ, /* fuse_read_in.size */
	/* From here on they are seldom. */
	VFS_SIZING_XATTR, /* fuse_getxattr_in.size; 0 asks for the size */
	VFS_SIZING_IOCTL, /* fuse_ioctl_in.out_size */
	VFS_SIZING_INIT,  /* these two belong to the session */
	VFS_SIZING_DESTROY,
};

/* Strings with their NUL, after the fixed arguments. */
enum vfs_names {
	VFS_NAMES_NONE,
	VFS_NAMES_ENTRY,   /* one of a directory */
	VFS_NAMES_ENTRIES, /* two */
	VFS_NAMES_LINK,	   /* one, and what a symbolic link says */
	VFS_NAMES_XATTR,   /* one of an extended attribute */
	VFS_NAMES_UNNAMED, /* in the place of one: nobody looks at it */
};

/* Bytes that can be in the application's memory. */
enum vfs_direction {
	VFS_DATA_NONE,
	VFS_DATA_SENT,	   /* the message ends in it */
	VFS_DATA_RECEIVED, /* it is the answer's body */
};

/* What is in an answer's body, and so what is checked and handed out. */
enum vfs_answer {
	VFS_ANSWER_NO_OPERATION, /* the opcode is the session's own business */
	VFS_ANSWER_PLAIN,	 /* nothing, or a structure in which anything is right */
	VFS_ANSWER_ENTRY,	 /* fuse_entry_out */
	VFS_ANSWER_CREATED,	 /* the same and fuse_open_out */
	VFS_ANSWER_ATTR,
	VFS_ANSWER_STATX,
	VFS_ANSWER_WRITTEN, /* how much was taken */
	VFS_ANSWER_COPIED,
	VFS_ANSWER_BYTES,  /* data */
	VFS_ANSWER_TARGET, /* what a symbolic link says */
	VFS_ANSWER_VALUE,  /* of an extended attribute, or its size */
	VFS_ANSWER_LIST,   /* names of extended attributes, or their size */
	VFS_ANSWER_LOCK,
	VFS_ANSWER_OFFSET,
	VFS_ANSWER_IOCTL,
};

/* In 16 bytes, as each request looks into the table. */
struct vfs_opcode {
	uint16_t least;	 /* bytes that must follow the header: these, and names */
	uint16_t args;	 /* bytes of the fixed arguments, in their shortest form */
	uint16_t reply;	 /* bytes of the answer's body, or the most of it */
	uint8_t size_at; /* where in the arguments the size of the data is */
	uint8_t sizing;
	uint8_t names;
	uint8_t data;
	uint8_t answer;
	bool creates;	/* extensions may follow */
	bool remembers; /* a server that has not got it never has */
} __attribute__((aligned(16)));

#define VFS_NUM_OPCODES (VFS_FUSE_COPY_FILE_RANGE_64 + 1)

extern const struct vfs_opcode vfs_opcodes[VFS_NUM_OPCODES];

/* Of each sizing, but for the size. */
extern const struct vfs_reply_shape vfs_shapes[];

/* NULL: not known. */
static inline const struct vfs_opcode *vfs_opcode_find(uint32_t number)
{
	if (number >= VFS_NUM_OPCODES || vfs_opcodes[number].sizing == VFS_SIZING_UNKNOWN)
		return NULL;
	return &vfs_opcodes[number];
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
	op = vfs_opcode_find(*opcode);
	if (!op || length - sizeof(*header) < op->least)
		return vfs_opcode_refuse(length, *opcode);
	*shape = vfs_shapes[op->sizing];
	shape->max = op->reply;
	if (op->sizing < VFS_SIZING_READ)
		return 0;
	if (op->sizing > VFS_SIZING_READ)
		return vfs_opcode_finish(shape, op->sizing, args);
	memcpy(&shape->max, args + offsetof(struct fuse_read_in, size), sizeof(shape->max));
	return 0;
}

#endif
