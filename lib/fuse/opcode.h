/* SPDX-License-Identifier: MIT */
/*
 * What the protocol says of each opcode. Whoever writes a message, lays out its answer or reads it
 * goes by this description, so that they agree.
 */
#ifndef VFS_OPCODE_H
#define VFS_OPCODE_H

#include <stdbool.h>
#include <stdint.h>

/* Where the size of an answer's body comes from. */
enum vfs_sizing {
	VFS_SIZING_UNKNOWN, /* there is no such opcode */
	VFS_SIZING_EXACT,
	VFS_SIZING_UP_TO,
	VFS_SIZING_NO_REPLY,
	VFS_SIZING_MAY_OMIT,
	VFS_SIZING_MAY_WAIT,
	VFS_SIZING_READ,  /* fuse_read_in.size */
	VFS_SIZING_XATTR, /* fuse_getxattr_in.size; 0 asks for the size */
	VFS_SIZING_IOCTL, /* fuse_ioctl_in.out_size */
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

struct vfs_opcode {
	uint16_t args;	 /* bytes of the fixed arguments, in their shortest form */
	uint16_t reply;	 /* bytes of the answer's body, or the most of it */
	uint8_t size_at; /* where in the arguments the size of the data is */
	uint8_t sizing;
	uint8_t names;
	uint8_t data;
	uint8_t answer;
	bool creates;	/* extensions may follow */
	bool remembers; /* a server that has not got it never has */
};

/* NULL: not known. */
const struct vfs_opcode *vfs_opcode_find(uint32_t number);

#endif
