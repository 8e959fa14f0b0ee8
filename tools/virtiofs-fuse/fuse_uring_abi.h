/* SPDX-License-Identifier: MIT */
/* FUSE over io_uring (Linux 6.14), as Documentation/filesystems/fuse/fuse-io-uring.rst has it. */
#ifndef VIRTIOFS_FUSE_FUSE_URING_ABI_H
#define VIRTIOFS_FUSE_FUSE_URING_ABI_H

#include <stdint.h>

enum {
	FUSE_URING_REGISTER = 1,
	FUSE_URING_COMMIT_AND_FETCH = 2,
};

#define FUSE_URING_HEADER_SIZE 128
#define FUSE_URING_OP_SIZE     128

/* How the two sides of an entry belong together. */
struct fuse_uring_ent {
	uint64_t flags;
	uint64_t commit_id;
	uint32_t payload_size;
	uint32_t padding;
	uint64_t reserved;
};

/* What goes to and fro beside the payload. */
struct fuse_uring_header {
	char in_out[FUSE_URING_HEADER_SIZE]; /* struct fuse_in_header, then struct fuse_out_header
					      */
	char op_in[FUSE_URING_OP_SIZE];	     /* the arguments of the opcode */
	struct fuse_uring_ent ent;
};

/* In the second half of a submission of 128 bytes */
struct fuse_uring_cmd {
	uint64_t flags;
	uint64_t commit_id;
	uint16_t queue; /* the processor's number */
	uint8_t padding[6];
};

#endif
