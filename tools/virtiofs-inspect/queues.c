/* SPDX-License-Identifier: MIT */
/* What each queue is doing, and whether it is well. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/core.h"
#include "inspect.h"
#include "verdict.h"
#include "visit.h"

unsigned int queues_pause_us = 100000;

static void show_rings(struct output *output, const struct queue_state *states, unsigned int count)
{
	output_list(output, "queues");
	for (unsigned int i = 0; i < count; i++) {
		const struct queue_state *state = &states[i];
		const struct ring_image *image = &state->image;

		output_row(output);
		output_number(output, "queue", i);
		output_text(output, "kind", "%s", visit_kind_name(&state->info));
		output_number(output, "size", state->info.size);
		output_number(output, "free", state->free);
		output_number(output, "in_flight", state->in_flight);
		output_number(output, "parked", state->parked);
		output_number(output, "quarantined", state->quarantined);
		output_number(output, "avail", state->published);
		output_number(output, "used", state->used);
		output_number(output, "device_used", image->used_idx);
		output_number(output, "avail_event", image->avail_event);
		output_number(output, "used_event", image->used_event);
		output_flag(output, "event_idx", state->event_idx);
		output_text(output, "notify", "%s",
			state->event_idx
				? (image->avail_event == state->published ? "wanted" : "no")
			: image->used_flags & VRING_USED_F_NO_NOTIFY ? "no"
								     : "wanted");
		output_text(output, "interrupt", "%s", state->interrupts ? "wanted" : "no");
		output_text(output, "waiter", "%s",
			state->asleep	 ? "asleep"
			: state->waiting ? "looking"
					 : "none");
		output_ns(output, "oldest_ns", state->oldest_ns);
	}
	output_list_end(output);
}

/* The highest exit status. */
static int show_verdicts(struct output *output, const struct attached *session,
	const struct queue_state *before, const struct queue_state *now, unsigned int count)
{
	int status = 0;

	output_list(output, "verdicts");
	for (unsigned int i = 0; i < count; i++) {
		struct verdict verdict;

		verdict_of(session, &before[i], &now[i], &verdict);
		if (verdict_is_bad(verdict.kind))
			status = EXIT_UNWELL;
		output_row(output);
		output_number(output, "queue", i);
		output_text(output, "verdict", "%s", verdict_name(verdict.kind));
		output_maybe(output, "entry", verdict.entry);
		output_ns(output, "since_ns", verdict.since_ns);
		output_text(output, "text", "%s", verdict.text);
	}
	output_list_end(output);
	return status;
}

static void read_all(const struct attached *session, struct queue_state *states, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		queue_state_read(session, i, &states[i]);
}

static void free_all(struct queue_state *states, unsigned int count)
{
	for (unsigned int i = 0; states && i < count; i++)
		queue_state_free(&states[i]);
	free(states);
}

static int show(struct attached *session, struct output *output)
{
	unsigned int count = snapshot_num_queues(&session->snapshot);
	struct queue_state *before = calloc(count, sizeof(*before));
	struct queue_state *now = calloc(count, sizeof(*now));
	int r = before && now ? 0 : vfs_error(-ENOMEM, "out of memory");

	if (r == 0) {
		read_all(session, before, count);
		usleep(queues_pause_us);
		r = attach_again(session);
	}
	if (r == 0 && snapshot_num_queues(&session->snapshot) != count)
		r = vfs_error(-EPROTO, "the page of process %d changes its size", session->pid);
	if (r == 0) {
		read_all(session, now, count);
		show_rings(output, now, count);
		r = show_verdicts(output, session, before, now, count);
	}
	free_all(before, count);
	free_all(now, count);
	return r;
}

int verb_queues(int count, char **names)
{
	return visit_sessions(count, names, show);
}
