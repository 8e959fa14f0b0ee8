/* SPDX-License-Identifier: MIT */
#include "figures.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include <vfs/request.h>

#include "report.h"
#include "trace.h"
#include "window.h"

static void say_asked(const struct figures *figures)
{
	char list[480] = "nothing";
	size_t used = 0;
	uint32_t i;

	for (i = 0; i < FIGURES_OPCODES && used < sizeof(list); i++) {
		if (!figures->asked[i])
			continue;
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s %" PRIu64,
			used ? ", " : "", i ? trace_opcode(i) : "others", figures->asked[i]);
	}
	report_note("the kernel asked: %s", list);
}

static void say_queue(const struct vfs_queue *queue)
{
	const struct vfs_queue_counters *counters = vfs_queue_counters(queue);

	report_note("the request queue: %" PRIu64 " submitted, %" PRIu64
		    " answered, %u under way, %" PRIu64 " timed out, %" PRIu64
		    " answered after that",
		counters->submitted, counters->completed, vfs_queue_in_flight(queue),
		counters->timed_out, counters->late);
}

static void say_window(const struct window *window)
{
	struct window_figures figures;

	if (!window)
		return;
	window_figures(window, &figures);
	report_note("the DAX window answered: READ %" PRIu64 " of %" PRIu64 " bytes, WRITE %" PRIu64
		    " of %" PRIu64 " bytes; it did not have %" PRIu64 ", and %" PRIu64 " faulted",
		figures.read_answers, figures.read_bytes, figures.write_answers,
		figures.written_bytes, figures.misses, figures.faults);
}

void figures_say(
	const struct figures *figures, const struct vfs_queue *queue, const struct window *window)
{
	say_asked(figures);
	say_queue(queue);
	say_window(window);
}
