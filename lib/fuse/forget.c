/* SPDX-License-Identifier: MIT */
/* The messages FORGET and BATCH_FORGET. */
#include <string.h>

#include "core/core.h"
#include "fuse/fuse.h"

static size_t build_single(uint8_t *message, const struct fuse_forget_one *forget)
{
	struct fuse_in_header header = {.opcode = FUSE_FORGET, .nodeid = forget->nodeid};
	struct fuse_forget_in in = {.nlookup = forget->nlookup};

	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), &in, sizeof(in));
	return sizeof(header) + sizeof(in);
}

/* The nodes stand where they belong already. */
static size_t build_batch(uint8_t *message, size_t count)
{
	struct fuse_in_header header = {.opcode = FUSE_BATCH_FORGET};
	struct fuse_batch_forget_in in = {.count = (uint32_t)count};

	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), &in, sizeof(in));
	return VFS_BATCH_FORGET_HEAD + count * sizeof(struct fuse_forget_one);
}

void vfs_forget_build(struct vfs_request *request, struct vfs_forget_backlog *backlog)
{
	size_t room = (vfs_request_capacity(request) - VFS_BATCH_FORGET_HEAD) /
		      sizeof(struct fuse_forget_one);
	uint8_t *message = vfs_request_message(request);
	struct fuse_forget_one one;
	size_t length;

	if (backlog->count == 1) {
		(void)vfs_backlog_take(backlog, &one, 1);
		length = build_single(message, &one);
	} else {
		length = build_batch(message,
			vfs_backlog_take(backlog, (void *)(message + VFS_BATCH_FORGET_HEAD), room));
	}
	(void)vfs_request_prepare(request, length);
}

void vfs_give_lookup_back(struct vfs_session *session, uint64_t node)
{
	struct fuse_forget_one one = {.nodeid = node, .nlookup = 1};

	if (node && node != FUSE_ROOT_ID)
		(void)vfs_forget(session, &one, 1);
}
