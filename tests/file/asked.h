/* SPDX-License-Identifier: MIT */
/* Functions of file.h, each with the message of its own that it cannot do without. */
#ifndef TESTS_FILE_ASKED_H
#define TESTS_FILE_ASKED_H

#include <stdint.h>

#include <vfs/file.h>

/* What they are about, open before. */
struct asked_of {
	struct vfs_fs *fs;
	struct vfs_file *file;
	struct vfs_dir *dir;
};

struct asked {
	const char *name;
	uint32_t opcode;
	int64_t (*call)(struct asked_of *of);
};

/* Up to the one without a name. */
extern const struct asked asked[];

/* The directory on the host has what they need. */
void asked_prepare(void);

/* Open what they need; closed by unmounting. */
void asked_open(struct vfs_fs *fs, struct asked_of *of);

#endif
