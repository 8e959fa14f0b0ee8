/* SPDX-License-Identifier: MIT */
/*
 * One operation of the sequence: what it is, and on what. It follows from the seed and its number
 * alone, not from what came before, so any of them can be left out and the others stay as they are.
 */
#ifndef EQUIVALENCE_OP_H
#define EQUIVALENCE_OP_H

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

#include <vfs/caller.h>

struct side;
struct outcome;

#define OP_FILES 6u /* that can be open at a time */
#define OP_DIRS	 2u /* the same as streams of entries */

/* Longer by some than what is allowed. */
#define OP_PATH_ROOM (PATH_MAX + 16)

/* What a server need not have. */
enum feature {
	FEATURE_POSIX_LOCKS = 1 << 0,
	FEATURE_FLOCK = 1 << 1,
	FEATURE_TMPFILE = 1 << 2,
	FEATURE_XATTR = 1 << 3,
	FEATURE_HOLES = 1 << 4, /* SEEK_DATA and SEEK_HOLE, and fallocate() */
	FEATURE_SHIFT = 1 << 5, /* fallocate() that moves what is behind */
	FEATURE_WHITEOUT = 1 << 6,
	FEATURE_HUGE = 1 << 7,	 /* the same largest size of files on both sides */
	FEATURE_SET_ID = 1 << 8, /* set-ID bits that writing takes away */
};

/* What of an operation counts. */
enum op_field {
	OP_SLOT = 1 << 0,
	OP_SLOT2 = 1 << 1,
	OP_STREAM = 1 << 2, /* the slot is one of a directory's entries */
	OP_PATH = 1 << 3,
	OP_PATH2 = 1 << 4,
	OP_DIR = 1 << 5, /* the path begins at an open file, or at the root */
	OP_MODE = 1 << 6,
	OP_OFFSET = 1 << 7,
	OP_OFFSET2 = 1 << 8,
	OP_LENGTH = 1 << 9,
	OP_OWNER = 1 << 10,
	OP_TIMES = 1 << 11,
	OP_XATTR = 1 << 12,
	OP_RANGE = 1 << 13, /* offset and length are those of a lock */
	OP_CREATES = 1 << 14,
};

/* A flag by its name. Of a list of choices one is taken; of a list of bits each with its chance. */
struct flag {
	const char *name;
	int value;
	unsigned int in_1000;
};

struct op;

struct kind {
	const char *name;
	unsigned int weight;
	unsigned int fields;
	const struct flag *choices; /* the list ends with a name of NULL */
	const struct flag *bits;
	const struct flag *at; /* bits too, of the AT_* argument */
	unsigned int feature;
	void (*apply)(struct side *side, const struct op *op, struct outcome *outcome);
};

extern const struct kind op_kinds[];
extern const unsigned int op_num_kinds;

struct op {
	const struct kind *kind;
	uint64_t number;
	unsigned int caller; /* of op_callers */
	unsigned int slot;
	unsigned int slot2;
	int dir; /* a slot; -1: the root */
	int dir2;
	const struct flag *choice; /* NULL: there is none */
	int bits;
	int at;
	mode_t mode;
	off_t offset;
	off_t offset2;
	size_t length;
	uid_t uid;
	gid_t gid;
	struct timespec times[2];
	const char *xattr;
	char path[OP_PATH_ROOM];
	char path2[OP_PATH_ROOM];
};

extern const struct vfs_caller op_callers[];

/* The choice and the bits. */
static inline int op_flags(const struct op *op)
{
	return op->bits | (op->choice ? op->choice->value : 0);
}

/* FEATURE_* without which it cannot be compared. */
unsigned int op_features(const struct op *op);

/* The operation of this number. */
void op_make(uint64_t seed, uint64_t number, struct op *op);

/* On a line, with a newline. */
void op_print(const struct op *op, FILE *stream);

/* A path of few names, so that it often leads to something. op_path.c */
void op_make_path(uint64_t *random, char *path);

#endif
