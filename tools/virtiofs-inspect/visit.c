/* SPDX-License-Identifier: MIT */
#include "visit.h"

#include <errno.h>
#include <stdio.h>

#include "inspect.h"

struct inspect_options inspect_options;

struct visiting {
	struct output *output;
	int (*visit)(struct attached *session, struct output *output);
	int status;
};

const char *visit_state_name(const struct attached *session)
{
	static const char *const names[] = {
		[VFS_OBSERVE_STARTING] = "starting",
		[VFS_OBSERVE_STARTED] = "started",
		[VFS_OBSERVE_CONNECTED] = "connected",
		[VFS_OBSERVE_FAILED] = "failed",
	};
	uint32_t state = session->snapshot.head.state;

	return state <= VFS_OBSERVE_FAILED ? names[state] : "?";
}

const char *visit_kind_name(const struct vfs_observe_queue *queue)
{
	static const char *const names[] = {
		[VFS_OBSERVE_UNUSED] = "unused",
		[VFS_OBSERVE_HIPRIO] = "hiprio",
		[VFS_OBSERVE_NOTIFY] = "notify",
		[VFS_OBSERVE_REQUESTS] = "requests",
	};

	return queue->kind <= VFS_OBSERVE_REQUESTS ? names[queue->kind] : "?";
}

static int visit_one(struct attached *session, void *ctx)
{
	struct visiting *visiting = ctx;
	struct output *output = visiting->output;
	char heading[512];
	int r;

	snprintf(heading, sizeof(heading), "%s (process %d): %s \"%s\", %s", session->command,
		session->pid, session->device, session->tag, visit_state_name(session));
	output_open(output, heading);
	output_number(output, "pid", (uint64_t)session->pid);
	output_text(output, "command", "%s", session->command);
	output_text(output, "device", "%s", session->device);
	output_text(output, "tag", "%s", session->tag);
	output_text(output, "state", "%s", visit_state_name(session));
	r = visiting->visit(session, output);
	output_close(output);
	/* It is no error of ours that somebody ends. */
	if (r < 0)
		return r == -ESRCH ? 0 : r;
	visiting->status = r > visiting->status ? r : visiting->status;
	return 0;
}

int visit_sessions(
	int count, char **names, int (*visit)(struct attached *session, struct output *output))
{
	struct visiting visiting = {.output = output_begin(inspect_options.json), .visit = visit};
	int ended;
	int r;

	if (!visiting.output)
		return -ENOMEM;
	r = attach_each(count ? names[0] : NULL, visit_one, &visiting);
	ended = output_end(visiting.output);
	if (r < 0 || ended < 0)
		return r < 0 ? r : ended;
	return visiting.status;
}
