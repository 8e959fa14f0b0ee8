/* SPDX-License-Identifier: MIT */
#include "uring_entry.h"

#include <errno.h>
#include <string.h>

#include <vfs/request.h>

/* Where errors end that the kernel takes. */
#define ERROR_MAX 512

static char *payload_of(const struct uring_entry *entry)
{
	return entry->iov[1].iov_base;
}

/* What the kernel says of sizes is believed as far as it fits. */
size_t uring_entry_assemble(struct uring_entry *entry)
{
	char *message = vfs_request_message(entry->slot);
	struct fuse_in_header in;
	size_t payload = entry->header->ent.payload_size;
	size_t arguments;

	memcpy(&in, entry->header->in_out, sizeof(in));
	if (in.len < sizeof(in) + payload || payload > entry->iov[1].iov_len)
		return 0;
	arguments = in.len - sizeof(in) - payload;
	if (arguments > FUSE_URING_OP_SIZE || in.len > vfs_request_capacity(entry->slot))
		return 0;
	/* The data of a WRITE is in its place. */
	if (payload && message + sizeof(in) + arguments != payload_of(entry))
		memmove(message + sizeof(in) + arguments, payload_of(entry), payload);
	memcpy(message, &in, sizeof(in));
	memcpy(message + sizeof(in), entry->header->op_in, arguments);
	return in.len;
}

/* As the kernel refuses other errors, and whoever waits would hear that something is invalid. */
static int error_for_kernel(int error)
{
	return error > 0 || error <= -ERROR_MAX ? -EIO : error;
}

void uring_entry_set_answer(struct uring_entry *entry, int error, size_t size)
{
	struct fuse_out_header out = {
		.len = (uint32_t)(sizeof(out) + size),
		.error = error_for_kernel(error),
		.unique = entry->header->ent.commit_id,
	};

	memcpy(entry->header->in_out, &out, sizeof(out));
	entry->header->ent.payload_size = (uint32_t)size;
}

/* A large body is there already, but for those few whose request has much in the same place. */
size_t uring_entry_place_body(struct uring_entry *entry, const void *body, size_t size)
{
	if (size > entry->iov[1].iov_len)
		return 0;
	if (size && body != payload_of(entry))
		memmove(payload_of(entry), body, size);
	return size;
}
