/* SPDX-License-Identifier: MIT */
/* What a session has done, for its own program. */
#include <string.h>

#include "fuse/fuse.h"
#include "observe/times.h"

static void add_queue(struct vfs_session_stats *stats, const struct vfs_queue *queue)
{
	const struct vfs_queue_counters *counters = &queue->counters;
	const struct vfs_observe_counts *counts = &queue->observed.counts;

	stats->submitted += counters->submitted;
	stats->completed += counters->completed;
	stats->timed_out += counters->timed_out;
	stats->late += counters->late;
	stats->parked += counters->parked;
	stats->quarantined += counters->quarantined;
	stats->published += queue->ring.batch;
	stats->notified += counters->notified;
	stats->wakeups += counters->wakeups;
	stats->sleeps += counters->sleeps;
	stats->looks += counters->looks;
	for (unsigned int i = 0; i < VFS_NUM_OPCODES; i++) {
		stats->opcodes[i].completed += counts->completed[i];
		stats->opcodes[i].failed += counts->failed[i];
		stats->opcodes[i].sent += counts->sent[i];
		stats->opcodes[i].received += counts->received[i];
	}
}

/* Of all queues. */
static void add_times(const struct vfs_session *session, unsigned int opcode,
	const struct vfs_tick_pair *now, struct vfs_opcode_stats *stats)
{
	const struct vfs_observe_page *head = session->page.head;
	struct vfs_tick_pair created = {head->created_ticks, head->created_ns};
	struct vfs_observe_times times = {0};

	for (unsigned int i = 0; i < session->num_rings; i++)
		if (session->queues[i].observed.times)
			vfs_times_merge(&times, &session->queues[i].observed.times[opcode]);
	stats->timed = times.count;
	stats->p50_ns = vfs_ticks_to_ns(vfs_times_quantile(&times, 500), &created, now);
	stats->p90_ns = vfs_ticks_to_ns(vfs_times_quantile(&times, 900), &created, now);
	stats->p99_ns = vfs_ticks_to_ns(vfs_times_quantile(&times, 990), &created, now);
	stats->max_ns = vfs_ticks_to_ns(times.max, &created, now);
}

VFS_EXPORT void vfs_session_stats(
	const struct vfs_session *session, struct vfs_session_stats *stats)
{
	struct vfs_tick_pair now = vfs_tick_pair();

	memset(stats, 0, sizeof(*stats));
	for (unsigned int i = 0; i < session->num_rings; i++)
		add_queue(stats, &session->queues[i]);
	for (unsigned int i = 0; i < VFS_NUM_OPCODES; i++)
		if (stats->opcodes[i].completed)
			add_times(session, i, &now, &stats->opcodes[i]);
}
