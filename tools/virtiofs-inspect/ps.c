/* SPDX-License-Identifier: MIT */
/* Which sessions there are. */
#include <errno.h>

#include "attach.h"
#include "inspect.h"
#include "output.h"
#include "visit.h"

static int show(struct attached *session, void *ctx)
{
	const struct snapshot *snapshot = &session->snapshot;
	struct output *output = ctx;
	uint64_t in_flight = 0;
	uint64_t completed = 0;
	unsigned int queues = 0;

	for (unsigned int i = 0; i < snapshot_num_queues(snapshot); i++) {
		if (snapshot_queue(snapshot, i).kind == VFS_OBSERVE_REQUESTS)
			queues++;
		in_flight += snapshot_owed(snapshot, i);
		completed += snapshot_queue_field(snapshot, i, VFS_OBSERVE_COMPLETED);
	}
	output_row(output);
	output_number(output, "pid", (uint64_t)session->pid);
	output_text(output, "command", "%s", session->command);
	output_text(output, "device", "%s", session->device);
	output_text(output, "tag", "%s", session->tag);
	output_text(output, "state", "%s", visit_state_name(session));
	output_ns(output, "age_ns", snapshot_age_ns(snapshot, snapshot->created.ticks));
	output_number(output, "queues", queues);
	output_number(output, "in_flight", in_flight);
	output_number(output, "completed", completed);
	return 0;
}

int verb_ps(int count, char **names)
{
	struct output *output = output_begin(inspect_options.json);
	int ended;
	int r;

	(void)count;
	(void)names;
	if (!output)
		return -ENOMEM;
	output_list(output, NULL);
	r = attach_each(NULL, show, output);
	output_list_end(output);
	ended = output_end(output);
	return r ? r : ended;
}
