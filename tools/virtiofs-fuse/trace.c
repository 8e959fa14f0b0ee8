/* SPDX-License-Identifier: MIT */
#include "trace.h"

#include <inttypes.h>
#include <stdio.h>

#include <vfs/request.h>

#include "opcodes.h"

static void trace_start(const struct fuse_in_header *header)
{
	fprintf(stderr, "virtiofs-fuse: %s unique %" PRIu64 " node %" PRIu64 " length %" PRIu32,
		opcode_name(header->opcode), (uint64_t)header->unique, (uint64_t)header->nodeid,
		header->len);
}

void trace_request(struct vfs_request *request)
{
	const struct fuse_in_header *header = vfs_request_message(request);
	struct iovec iov[2];
	int count = vfs_request_reply(request, iov);
	size_t length = 0;
	int i;

	for (i = 0; i < count; i++)
		length += iov[i].iov_len;
	trace_start(header);
	fprintf(stderr, ": error %d, reply %zu\n", vfs_request_error(request), length);
}

void trace_own(const struct fuse_in_header *header, const char *what)
{
	trace_start(header);
	fprintf(stderr, ": %s\n", what);
}

void trace_init(const struct fuse_init_out *answer)
{
	fprintf(stderr,
		"virtiofs-fuse: FUSE %u.%u, flags %#" PRIx64
		", max_write %u, max_pages %u, max_readahead %u, max_background %u\n",
		answer->major, answer->minor, (uint64_t)answer->flags2 << 32 | answer->flags,
		answer->max_write, answer->max_pages, answer->max_readahead,
		answer->max_background);
}
