/* SPDX-License-Identifier: MIT */
/* Answers that nobody waits for any more: lookups and handles in them are given back. */
#include <fcntl.h>
#include <string.h>

#include "fuse/fuse.h"
#include "fuse/opcode.h"

/* ---- lookups ---- */

static uint64_t entry_of(const uint8_t *body)
{
	uint64_t node;

	memcpy(&node, body + offsetof(struct fuse_entry_out, nodeid), sizeof(node));
	return node;
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

/* ---- handles ---- */

/* They are no state of an open file, and Linux does not send them here either. */
#define FLAGS_OF_OPENING ((uint32_t)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC))

struct release {
	struct fuse_in_header header;
	struct fuse_release_in in;
};

_Static_assert(sizeof(struct release) <= VFS_REQUEST_HEAD, "it is in one piece in the slot");

/* All of these messages begin with the flags, and all bodies end with the handle. */
static struct release release_of(
	struct vfs_request *request, const uint8_t *body, size_t length, uint64_t entry)
{
	const uint8_t *message = vfs_slot_message(request);
	struct fuse_in_header header;
	struct fuse_open_out out;
	struct fuse_open_in in;

	memcpy(&header, message, sizeof(header));
	memcpy(&in, message + sizeof(header), sizeof(in));
	memcpy(&out, body + length - sizeof(out), sizeof(out));
	return (struct release){
		.header = {.len = sizeof(struct release),
			.opcode = request->opcode == FUSE_OPENDIR ? FUSE_RELEASEDIR : FUSE_RELEASE,
			.unique = vfs_request_next_unique(request),
			.nodeid = entry ? entry : header.nodeid},
		.in = {.fh = out.fh, .flags = in.flags & ~FLAGS_OF_OPENING},
	};
}

/*
 * The slot that the answer came in takes the message: it has room, whatever else has not, and the
 * descriptors that were just returned are at least as many. What the caller can still see of the
 * request is left alone. False: nothing is sent any more.
 */
static bool send(struct vfs_request *request, const struct release *release)
{
	size_t offset = VFS_SLOT_HEADER_SIZE - VFS_REQUEST_HEAD;
	struct vfs_queue *queue = request->queue;

	/* DESTROY is on its way, and ends all handles. */
	if (queue->reserved->state == VFS_REQUEST_SUBMITTED)
		return false;
	memcpy(vfs_slot_message(request), release, sizeof(*release));
	vfs_chain_begin(&request->chain, request->page_addr + offset, sizeof(*release));
	if (!vfs_chain_add_answer(request, 0) || vfs_ring_add(&queue->ring, &request->chain) < 0)
		return false;
	queue->releasing++;
	vfs_queue_publish(queue);
	return true;
}

/* @entry: the node of what was made, which is needed until it is closed; 0: nothing was. */
static void give_handle_back(
	struct vfs_request *request, const uint8_t *body, size_t length, uint64_t entry)
{
	struct release release = release_of(request, body, length, entry);

	request->release_entry = entry;
	request->releases = send(request, &release);
	if (!request->releases)
		vfs_give_lookup_back(request->queue->session, entry);
}

void vfs_late_release_ended(struct vfs_request *request)
{
	request->releases = false;
	request->queue->releasing--;
	vfs_give_lookup_back(request->queue->session, request->release_entry);
}

/* ---- answers ---- */

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
	if (answer == VFS_ANSWER_ENTRY)
		vfs_give_lookup_back(session, entry_of(body));
	else if (answer == VFS_ANSWER_CREATED)
		give_handle_back(request, body, (size_t)length, entry_of(body));
	else if (request->opcode == FUSE_OPEN || request->opcode == FUSE_OPENDIR)
		give_handle_back(request, body, (size_t)length, 0);
	else if (request->opcode == FUSE_READDIRPLUS)
		give_entries_back(session, body, (size_t)length);
}
