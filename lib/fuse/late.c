/* SPDX-License-Identifier: MIT */
/* Answers that nobody waits for any more. */
#include <string.h>

#include "fuse/fuse.h"
#include "fuse/opcode.h"

static bool begins_with_entry(uint32_t opcode)
{
	unsigned int answer = vfs_opcode_find(opcode)->answer;

	return answer == VFS_ANSWER_ENTRY || answer == VFS_ANSWER_CREATED;
}

void vfs_late_answer(struct vfs_request *request, uint32_t used_len)
{
	struct vfs_reply reply = request->reply;
	struct fuse_forget_one one = {.nlookup = 1};
	bool malformed;

	if (!begins_with_entry(request->opcode))
		return;
	reply.used_len = used_len;
	memcpy(&reply.header, request->page, sizeof(reply.header));
	if (vfs_reply_check(&reply, &malformed) <= 0)
		return;
	memcpy(&one.nodeid, request->body + offsetof(struct fuse_entry_out, nodeid),
		sizeof(one.nodeid));
	/* The root is not counted, and no node is none. */
	if (one.nodeid && one.nodeid != FUSE_ROOT_ID)
		(void)vfs_forget(request->queue->session, &one, 1);
}
