/* SPDX-License-Identifier: MIT */
/* The requests that are under way. */
#include <string.h>

#include <vfs/fuse_abi.h>

#include "inspect.h"
#include "opcodes.h"
#include "visit.h"

static const char *where_is(
	const struct snapshot *snapshot, const struct vfs_observe_queue *queue, uint64_t request)
{
	bool lent = snapshot_request_field(snapshot, queue, request, VFS_OBSERVE_LENT);
	bool ended = snapshot_request_field(snapshot, queue, request, VFS_OBSERVE_ENDED);

	if (snapshot_request_field(snapshot, queue, request, VFS_OBSERVE_RELEASES))
		return "releasing";
	if (lent)
		return ended ? "quarantined" : "device";
	return ended ? "ended" : "parked";
}

/* 0: it cannot be read. */
static uint64_t node_of(
	const struct attached *session, const struct vfs_observe_queue *queue, uint64_t request)
{
	const struct vfs_observe_array *messages = &queue->messages;
	struct fuse_in_header header;
	uint64_t offset = request * messages->stride;

	if (request >= messages->count ||
		__builtin_add_overflow(offset, messages->offset, &offset) ||
		__builtin_add_overflow(offset, queue->message_head, &offset) ||
		!attach_read(session, offset, &header, sizeof(header)))
		return 0;
	return header.nodeid;
}

static void show_request(struct output *output, const struct attached *session, unsigned int index,
	const struct vfs_observe_queue *queue, uint64_t request)
{
	const struct snapshot *snapshot = &session->snapshot;
	uint64_t deadline = snapshot_request_field(snapshot, queue, request, VFS_OBSERVE_DEADLINE);
	uint64_t now = snapshot->taken.ns;

	output_row(output);
	output_number(output, "queue", index);
	output_number(output, "request", request);
	output_text(output, "opcode", "%s",
		opcode_name((uint32_t)snapshot_request_field(
			snapshot, queue, request, VFS_OBSERVE_OPCODE)));
	output_hex(output, "unique",
		snapshot_request_field(snapshot, queue, request, VFS_OBSERVE_UNIQUE));
	output_number(output, "node", node_of(session, queue, request));
	output_bytes(
		output, "sent", snapshot_request_field(snapshot, queue, request, VFS_OBSERVE_SENT));
	output_bytes(
		output, "room", snapshot_request_field(snapshot, queue, request, VFS_OBSERVE_ROOM));
	output_text(output, "state", "%s", where_is(snapshot, queue, request));
	output_ns(output, "age_ns",
		snapshot_age_ns(snapshot,
			snapshot_request_field(snapshot, queue, request, VFS_OBSERVE_SINCE)));
	output_ns(output, "left_ns", deadline > now ? deadline - now : 0);
}

static int show(struct attached *session, struct output *output)
{
	const struct snapshot *snapshot = &session->snapshot;

	output_list(output, "requests");
	for (unsigned int i = 0; i < snapshot_num_queues(snapshot); i++) {
		struct vfs_observe_queue queue = snapshot_queue(snapshot, i);

		for (uint64_t j = 0; j < queue.requests.count; j++)
			if (snapshot_in_flight(snapshot, &queue, j))
				show_request(output, session, i, &queue, j);
	}
	output_list_end(output);
	return 0;
}

int verb_inflight(int count, char **names)
{
	return visit_sessions(count, names, show);
}
