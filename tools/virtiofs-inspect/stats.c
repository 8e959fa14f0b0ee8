/* SPDX-License-Identifier: MIT */
/* What a session has done so far. */
#include <string.h>

#include "inspect.h"
#include "observe/times.h"
#include "opcodes.h"
#include "text.h"
#include "visit.h"

struct total {
	uint64_t completed;
	uint64_t failed;
	uint64_t sent;
	uint64_t received;
	struct vfs_observe_times times;
};

static void add_counts(
	const struct snapshot *snapshot, uint64_t offset, unsigned int opcode, struct total *total)
{
	const void *place = snapshot_at(snapshot, offset, sizeof(struct vfs_observe_counts));
	struct vfs_observe_counts counts;

	if (!offset || !place)
		return;
	memcpy(&counts, place, sizeof(counts));
	total->completed += counts.completed[opcode];
	total->failed += counts.failed[opcode];
	total->sent += counts.sent[opcode];
	total->received += counts.received[opcode];
}

static void add_times(const struct snapshot *snapshot, const struct vfs_observe_array *array,
	unsigned int opcode, struct total *total)
{
	const void *place = snapshot_element(snapshot, array, opcode);
	struct vfs_observe_times times;

	if (!place || array->stride < sizeof(times))
		return;
	memcpy(&times, place, sizeof(times));
	vfs_times_merge(&total->times, &times);
}

static void show_opcode(struct output *output, const struct snapshot *snapshot, unsigned int opcode)
{
	struct total total = {0};

	for (unsigned int i = 0; i < snapshot_num_queues(snapshot); i++) {
		struct vfs_observe_queue queue = snapshot_queue(snapshot, i);

		add_counts(snapshot, queue.counts, opcode, &total);
		add_times(snapshot, &queue.times, opcode, &total);
	}
	if (!total.completed)
		return;
	output_row(output);
	output_text(output, "opcode", "%s", opcode_name(opcode));
	output_number(output, "count", total.completed);
	output_number(output, "errors", total.failed);
	output_bytes(output, "sent_bytes", total.sent);
	output_bytes(output, "received_bytes", total.received);
	output_number(output, "timed", total.times.count);
	output_ns(output, "p50_ns", snapshot_ns(snapshot, vfs_times_quantile(&total.times, 500)));
	output_ns(output, "p90_ns", snapshot_ns(snapshot, vfs_times_quantile(&total.times, 900)));
	output_ns(output, "p99_ns", snapshot_ns(snapshot, vfs_times_quantile(&total.times, 990)));
	output_ns(output, "max_ns", snapshot_ns(snapshot, total.times.max));
}

static void show_queue(struct output *output, const struct snapshot *snapshot, unsigned int i)
{
	static const struct {
		const char *name;
		enum vfs_observe_queue_field field;
	} fields[] = {
		{"submitted", VFS_OBSERVE_SUBMITTED},
		{"completed", VFS_OBSERVE_COMPLETED},
		{"published", VFS_OBSERVE_PUBLICATIONS},
		{"notified", VFS_OBSERVE_NOTIFIED},
		{"wakeups", VFS_OBSERVE_WAKEUPS},
		{"sleeps", VFS_OBSERVE_SLEEPS},
		{"looks", VFS_OBSERVE_LOOKS},
		{"parked", VFS_OBSERVE_PARKED},
		{"timed_out", VFS_OBSERVE_TIMED_OUT},
		{"quarantined", VFS_OBSERVE_QUARANTINED},
		{"late", VFS_OBSERVE_LATE},
	};
	struct vfs_observe_queue queue = snapshot_queue(snapshot, i);

	output_row(output);
	output_number(output, "queue", i);
	output_text(output, "kind", "%s", visit_kind_name(&queue));
	for (size_t j = 0; j < sizeof(fields) / sizeof(fields[0]); j++)
		output_number(
			output, fields[j].name, snapshot_queue_field(snapshot, i, fields[j].field));
}

static void show_figures(struct output *output, const struct snapshot *snapshot)
{
	static const char *const names[VFS_OBSERVE_FIGURES] = {
		[VFS_OBSERVE_NODES] = "nodes",
		[VFS_OBSERVE_NAME_HITS] = "name hits",
		[VFS_OBSERVE_NAME_MISSES] = "name misses",
		[VFS_OBSERVE_DATA_BLOCKS] = "data blocks",
		[VFS_OBSERVE_DIRTY_BLOCKS] = "dirty data blocks",
		[VFS_OBSERVE_DATA_HITS] = "data hits",
		[VFS_OBSERVE_DATA_MISSES] = "data misses",
		[VFS_OBSERVE_DAX_FREE] = "dax ranges free",
		[VFS_OBSERVE_DAX_MAPPING] = "dax ranges being mapped",
		[VFS_OBSERVE_DAX_READABLE] = "dax ranges readable",
		[VFS_OBSERVE_DAX_WRITABLE] = "dax ranges writable",
		[VFS_OBSERVE_DAX_RECLAIMING] = "dax ranges being reclaimed",
		[VFS_OBSERVE_DAX_RETIRED] = "dax ranges retired",
	};

	output_list(output, "figures");
	for (unsigned int i = 0; i < VFS_OBSERVE_FIGURES; i++) {
		uint64_t value;

		if (!snapshot_figure(snapshot, i, &value))
			continue;
		output_row(output);
		output_text(output, "figure", "%s", names[i]);
		output_number(output, "value", value);
	}
	output_list_end(output);
}

static void show_errors(struct output *output, const struct snapshot *snapshot)
{
	struct vfs_observe_text text;
	char safe[sizeof(text.text) * 4];

	output_list(output, "errors");
	for (uint64_t i = 0; snapshot_text(snapshot, i, &text); i++) {
		uint64_t now = snapshot->taken.ns;

		output_row(output);
		output_ns(output, "age_ns", text.at_ns < now ? now - text.at_ns : 0);
		output_text(output, "error", "%s",
			text_escape(text.text, strnlen(text.text, sizeof(text.text)), safe,
				sizeof(safe)));
	}
	output_list_end(output);
}

static int show(struct attached *session, struct output *output)
{
	const struct snapshot *snapshot = &session->snapshot;

	output_list(output, "opcodes");
	for (unsigned int i = 0; i < VFS_OBSERVE_OPCODES; i++)
		show_opcode(output, snapshot, i);
	output_list_end(output);
	output_list(output, "queues");
	for (unsigned int i = 0; i < snapshot_num_queues(snapshot); i++)
		show_queue(output, snapshot, i);
	output_list_end(output);
	show_figures(output, snapshot);
	show_errors(output, snapshot);
	return 0;
}

int verb_stats(int count, char **names)
{
	return visit_sessions(count, names, show);
}
