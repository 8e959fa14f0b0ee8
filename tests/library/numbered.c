/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "numbered.h"

int numbered_create(struct client *client, unsigned int blocks, struct numbered *numbered)
{
	size_t size = (size_t)blocks * BLOCK_SIZE;
	char *data = client_scratch(client, size);
	int r = fuse_create(client, client->directory, "numbered", &numbered->file);

	numbered->blocks = blocks;
	fill_pattern(data, size, 0, 10);
	return r == 0 ? fuse_write_all(client, &numbered->file, data, size) : r;
}

void numbered_make(void *ctx, unsigned int i, struct op *op)
{
	struct numbered *numbered = ctx;

	numbered->in = (struct fuse_read_in){
		.fh = numbered->file.fh,
		.offset = (uint64_t)(i % numbered->blocks) * BLOCK_SIZE,
		.size = BLOCK_SIZE,
	};
	*op = (struct op){
		.opcode = FUSE_READ, .node = numbered->file.node, .in = {PART(numbered->in)}};
}

int numbered_compare(void *ctx, unsigned int i, const struct vfs_request *request)
{
	const struct numbered *numbered = ctx;
	unsigned char block[BLOCK_SIZE];
	ssize_t n = op_answer(request, block, sizeof(block));

	if (n < 0)
		return (int)n;
	return n == sizeof(block) && is_pattern(block, sizeof(block),
					     (uint64_t)(i % numbered->blocks) * BLOCK_SIZE, 10)
		       ? 0
		       : -EBADMSG;
}
