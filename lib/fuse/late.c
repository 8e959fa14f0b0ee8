/* SPDX-License-Identifier: MIT */
/* Answers that nobody waits for any more: lookups that come with them are given back. */
#include <string.h>

#include "fuse/fuse.h"
#include "fuse/opcode.h"

static void give_entry_back(struct vfs_session *session, const uint8_t *body)
{
	uint64_t node;

	memcpy(&node, body + offsetof(struct fuse_entry_out, nodeid), sizeof(node));
	vfs_give_lookup_back(session, node);
}

/* These two come without a lookup. */
static bool is_dots(const uint8_t *name, uint32_t length)
{
	return name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'));
}

/* Of READDIRPLUS, as far as it can be taken apart. */
static void give_entries_back(struct vfs_session *session, const uint8_t *body, size_t length)
{
	while (length > FUSE_NAME_OFFSET_DIRENTPLUS) {
		struct fuse_direntplus head;
		size_t size;

		memcpy(&head, body, FUSE_NAME_OFFSET_DIRENTPLUS);
		size = FUSE_DIRENTPLUS_SIZE(&head);
		if (size > length)
			return;
		if (!is_dots(body + FUSE_NAME_OFFSET_DIRENTPLUS, head.dirent.namelen))
			vfs_give_lookup_back(session, head.entry_out.nodeid);
		body += size;
		length -= size;
	}
}

/* What is not in the request may be the application's for something else by now. */
static const uint8_t *body_of(const struct vfs_request *request)
{
	return request->data.count ? vfs_data_in_slot(&request->data) : request->body;
}

void vfs_late_answer(struct vfs_request *request, uint32_t used_len)
{
	unsigned int answer = vfs_opcode_find(request->opcode)->answer;
	struct vfs_session *session = request->queue->session;
	struct vfs_reply reply = request->reply;
	const uint8_t *body = body_of(request);
	bool malformed;
	int length;

	reply.used_len = used_len;
	memcpy(&reply.header, request->page, sizeof(reply.header));
	length = vfs_reply_check(&reply, &malformed);
	if (length <= 0 || !body)
		return;
	if (answer == VFS_ANSWER_ENTRY || answer == VFS_ANSWER_CREATED)
		give_entry_back(session, body);
	if (request->opcode == FUSE_READDIRPLUS)
		give_entries_back(session, body, (size_t)length);
}
