/* SPDX-License-Identifier: MIT */
/*
 * FUSE_INIT between the kernel and the server: what is offered on, and what is answered. Only
 * what the bridge understands passes, in both directions.
 */
#ifndef VIRTIOFS_FUSE_NEGOTIATE_H
#define VIRTIOFS_FUSE_NEGOTIATE_H

#include <stdbool.h>
#include <stddef.h>

#include <vfs/session.h>

struct negotiate_limits {
	size_t max_payload; /* data that a request slot carries */
	size_t max_write;   /* what the user wants it to be at most */
	size_t readahead;   /* what the user wants it to be; 0: what one request carries */
	size_t page_size;
	unsigned int depth; /* request slots */
	bool default_permissions;
	bool allow_root;
	bool posix_acl;
	bool writeback;
	bool no_cache;	/* the kernel keeps nothing */
	bool rings;	/* FUSE over io_uring, if the kernel has it */
	bool dax;	/* the bridge itself maps files */
	bool inode_dax; /* those that the server marks */
	uint64_t off;	/* features that are not used, whoever offers them */
};

enum negotiate_version {
	NEGOTIATE_GO_ON,
	NEGOTIATE_ASK_AGAIN, /* the kernel is newer: it asks again in our version */
	NEGOTIATE_REFUSE,    /* the kernel is older: nothing in common */
};

/* What a kernel with this protocol major is answered (fuse(4), FUSE_INIT). */
enum negotiate_version negotiate_version(const struct fuse_init_in *in);

/* What the server is offered. @in was filled with zeros where the kernel's is shorter. */
void negotiate_offer(const struct fuse_init_in *in, const struct negotiate_limits *limits,
	struct vfs_init *want);

/*
 * How much the kernel is to read ahead. This can be more than it offered, and so more than its
 * answer says.
 */
uint32_t negotiate_readahead(const struct fuse_init_in *in, const struct negotiate_limits *limits,
	const struct vfs_init *got);

/* What the kernel is answered. Any kernel that negotiate_version() lets pass takes all of it. */
void negotiate_answer(const struct fuse_init_in *in, const struct negotiate_limits *limits,
	const struct vfs_init *got, struct fuse_init_out *out);

#endif
