/* SPDX-License-Identifier: MIT */
#include "figures.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include <vfs/request.h>

#include "opcodes.h"
#include "plan.h"
#include "relay.h"
#include "report.h"
#include "window.h"

static uint64_t asked(const struct crew *crew, uint32_t opcode)
{
	uint64_t count = 0;
	unsigned int i;

	for (i = 0; i < crew->num_workers; i++)
		count += atomic_load_explicit(
			&crew->workers[i].intake.figures.asked[opcode], memory_order_relaxed);
	return count;
}

static void say_asked(const struct crew *crew)
{
	char list[480] = "nothing";
	size_t used = 0;
	uint32_t i;

	for (i = 0; i < FIGURES_OPCODES && used < sizeof(list); i++) {
		uint64_t count = asked(crew, i);

		if (!count)
			continue;
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s %" PRIu64,
			used ? ", " : "", i ? opcode_name(i) : "others", count);
	}
	report_note("the kernel asked: %s", list);
}

static void say_channel(struct channel *channel, unsigned int number)
{
	struct vfs_queue_counters counters;
	unsigned int in_flight;

	pthread_mutex_lock(&channel->lock);
	counters = *vfs_queue_counters(channel->queue);
	in_flight = vfs_queue_in_flight(channel->queue);
	pthread_mutex_unlock(&channel->lock);
	report_note("request queue %u: %" PRIu64 " submitted, %" PRIu64
		    " answered, %u under way, %" PRIu64 " timed out, %" PRIu64
		    " answered after that",
		number, counters.submitted, counters.completed, in_flight, counters.timed_out,
		counters.late);
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

void figures_say(struct relay *relay)
{
	struct crew *crew = &relay->crew;
	unsigned int i;

	plan_say(relay->plan);
	say_asked(crew);
	for (i = 0; i < crew->num_channels; i++)
		say_channel(&crew->channels[i], i);
	say_window(crew_window(crew));
}
