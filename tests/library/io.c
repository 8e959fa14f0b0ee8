/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "io.h"

static uint32_t length_of(const struct io *io)
{
	size_t length = 0;
	unsigned int i;

	for (i = 0; i < io->count; i++)
		length += io->iov[i].iov_len;
	return (uint32_t)length;
}

int io_prepare(struct vfs_request *request, const struct io *io)
{
	const struct fuse_write_in write = {
		.fh = io->file->fh, .offset = io->offset, .size = length_of(io)};
	const struct fuse_read_in read = {
		.fh = io->file->fh, .offset = io->offset, .size = length_of(io)};
	struct op op = {.opcode = io->opcode, .node = io->file->node};
	int r = vfs_request_set_data(request, io->iov, io->count);

	if (io->opcode == FUSE_WRITE)
		op.in[0] = (struct part)PART(write);
	else
		op.in[0] = (struct part)PART(read);
	return r < 0 ? r : vfs_request_prepare(request, op_write(request, &op));
}

ssize_t io_result(const struct vfs_request *request, const struct io *io)
{
	int error = vfs_request_error(request);
	struct iovec reply[2];

	if (error || io->opcode == FUSE_WRITE)
		return error ? error : (ssize_t)length_of(io);
	if (vfs_request_reply(request, reply) != 1)
		return 0;
	return (ssize_t)(((struct fuse_out_header *)reply[0].iov_base)->len -
			 sizeof(struct fuse_out_header));
}

int io_memory_get(struct client *client, size_t size, void **addr, struct vfs_mem **mem)
{
	int r = vfs_mem_alloc(client->session, size, addr, mem);

	if (!client->settings->fixed_memory)
		return r;
	if (r != -ENOTSUP || !strstr(vfs_last_error(), "CONFIGURE_MEM_SLOTS"))
		return -EBADMSG;
	*mem = NULL;
	*addr = calloc(1, size);
	return *addr ? 0 : -ENOMEM;
}

int io_memory_put(void *addr, struct vfs_mem *mem)
{
	if (mem)
		return vfs_mem_unregister(mem);
	free(addr);
	return 0;
}
