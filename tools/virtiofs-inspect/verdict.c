/* SPDX-License-Identifier: MIT */
#include "verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "output.h"

/* What has been under way for less is no matter. */
#define MOMENT_NS 1000000000ull

static const char *const names[] = {
	[VERDICT_UNUSED] = "unused",
	[VERDICT_IDLE] = "idle",
	[VERDICT_HEALTHY] = "healthy",
	[VERDICT_STALLED] = "stalled",
	[VERDICT_UNANSWERED] = "unanswered",
	[VERDICT_UNREAPED] = "unreaped",
	[VERDICT_CORRUPT] = "corrupt",
	[VERDICT_FAILED] = "failed",
};

const char *verdict_name(enum verdict_kind kind)
{
	return names[kind];
}

bool verdict_is_bad(enum verdict_kind kind)
{
	return kind >= VERDICT_STALLED;
}

/* ---- reading a queue ---- */

static void look_at_requests(const struct snapshot *snapshot, struct queue_state *state)
{
	const struct vfs_observe_queue *info = &state->info;

	for (uint64_t i = 0; i < info->requests.count; i++) {
		uint64_t request_state = snapshot_request_field(
			snapshot, info, i, VFS_OBSERVE_STATE);
		bool lent = snapshot_request_field(snapshot, info, i, VFS_OBSERVE_LENT);
		bool ended = snapshot_request_field(snapshot, info, i, VFS_OBSERVE_ENDED);
		uint64_t since = snapshot_request_field(snapshot, info, i, VFS_OBSERVE_SINCE);
		uint64_t age = snapshot_age_ns(snapshot, since);

		state->quarantined += lent && ended;
		state->parked += !lent && !ended && request_state == VFS_OBSERVE_IS_SUBMITTED;
		if (lent && age > state->oldest_ns)
			state->oldest_ns = age;
	}
}

void queue_state_read(const struct attached *session, unsigned int queue, struct queue_state *state)
{
	const struct snapshot *snapshot = &session->snapshot;

	*state = (struct queue_state){.info = snapshot_queue(snapshot, queue), .index = queue};
	state->event_idx = snapshot_queue_field(snapshot, queue, VFS_OBSERVE_EVENT_IDX);
	state->broken = snapshot_queue_field(snapshot, queue, VFS_OBSERVE_BROKEN);
	state->interrupts = snapshot_queue_field(snapshot, queue, VFS_OBSERVE_INTERRUPTS);
	state->waiting = snapshot_queue_field(snapshot, queue, VFS_OBSERVE_WAITING);
	state->asleep = snapshot_queue_field(snapshot, queue, VFS_OBSERVE_ASLEEP);
	state->free = (uint16_t)snapshot_queue_field(snapshot, queue, VFS_OBSERVE_FREE);
	state->published = (uint16_t)snapshot_queue_field(snapshot, queue, VFS_OBSERVE_PUBLISHED);
	state->used = (uint16_t)snapshot_queue_field(snapshot, queue, VFS_OBSERVE_USED);
	state->in_flight = snapshot_owed(snapshot, queue);
	state->submitted = snapshot_queue_field(snapshot, queue, VFS_OBSERVE_SUBMITTED);
	state->completed = snapshot_queue_field(snapshot, queue, VFS_OBSERVE_COMPLETED);
	state->notified = snapshot_queue_field(snapshot, queue, VFS_OBSERVE_NOTIFIED);
	look_at_requests(snapshot, state);
	(void)ring_image_read(session, &state->info, &state->image);
}

void queue_state_free(struct queue_state *state)
{
	ring_image_free(&state->image);
}

/* ---- what is wrong with a ring ---- */

static uint16_t in_ring(const struct queue_state *state)
{
	return (uint16_t)(state->published - state->used);
}

static uint16_t unreaped(const struct queue_state *state)
{
	return state->image.size ? (uint16_t)(state->image.used_idx - state->used) : 0;
}

/* The entry at this index of the used ring is wrong. */
static void corrupt_entry(
	const struct queue_state *state, uint16_t idx, const char *why, struct verdict *verdict)
{
	unsigned int entry = idx & (state->image.size - 1);
	const struct vring_used_elem *elem = &state->image.used[entry];

	verdict->kind = VERDICT_CORRUPT;
	verdict->entry = (int)entry;
	snprintf(verdict->text, sizeof(verdict->text),
		"the ring is corrupt: used ring entry %u (index %u) says descriptor %u, %u bytes: "
		"%s",
		entry, idx, elem->id, elem->len, why);
}

/* True: it is. */
static bool check_used(const struct snapshot *snapshot, const struct queue_state *state,
	uint16_t idx, struct verdict *verdict)
{
	struct vring_used_elem elem = state->image.used[idx & (state->image.size - 1)];
	uint64_t limit = snapshot_head_field(snapshot, &state->info, elem.id, VFS_OBSERVE_LIMIT);
	char why[128];

	if (elem.id >= state->image.size)
		snprintf(why, sizeof(why), "there is no such descriptor in a ring of %u",
			state->image.size);
	else if (!snapshot_head_field(snapshot, &state->info, elem.id, VFS_OBSERVE_TOKEN))
		snprintf(why, sizeof(why), "no chain in flight begins there");
	else if (elem.len > limit)
		snprintf(why, sizeof(why), "the device may write %" PRIu64 " there", limit);
	else
		return false;
	corrupt_entry(state, idx, why, verdict);
	return true;
}

/* More than can be. True: it is. */
static bool check_index(const struct queue_state *state, struct verdict *verdict)
{
	if (unreaped(state) <= in_ring(state))
		return false;
	verdict->kind = VERDICT_CORRUPT;
	snprintf(verdict->text, sizeof(verdict->text),
		"the ring is corrupt: the used index is %u, and from %u on only %u chains are in "
		"flight",
		state->image.used_idx, state->used, in_ring(state));
	return true;
}

/* What the session has written, and somebody else may have written to. True: he has. */
static bool check_avail(const struct queue_state *state, struct verdict *verdict)
{
	if (state->image.avail_idx == state->published)
		return false;
	verdict->kind = VERDICT_CORRUPT;
	snprintf(verdict->text, sizeof(verdict->text),
		"the ring is corrupt: the available index is %u in memory, and the session has "
		"written %u",
		state->image.avail_idx, state->published);
	return true;
}

/* A chain in a table leads to that of its request. True: it does not. */
static bool check_head(const struct snapshot *snapshot, const struct queue_state *state,
	unsigned int head, struct verdict *verdict)
{
	int64_t request = snapshot_request_at(snapshot, &state->info, head);
	const struct vring_desc *desc = &state->image.desc[head];
	uint64_t table;

	if (request < 0)
		return false;
	table = snapshot_request_field(
		snapshot, &state->info, (uint64_t)request, VFS_OBSERVE_TABLE);
	if (!table || (desc->addr == table && desc->flags & VRING_DESC_F_INDIRECT))
		return false;
	verdict->kind = VERDICT_CORRUPT;
	snprintf(verdict->text, sizeof(verdict->text),
		"the ring is corrupt: descriptor %u leads to 0x%" PRIx64
		" (flags %u), and its chain is the table at 0x%" PRIx64,
		head, (uint64_t)desc->addr, desc->flags, table);
	return true;
}

/* True: something is wrong with what is in the ring. */
static bool check_ring(
	const struct snapshot *snapshot, const struct queue_state *state, struct verdict *verdict)
{
	if (!state->image.size)
		return false;
	if (check_index(state, verdict))
		return true;
	for (uint16_t i = 0; i < unreaped(state); i++)
		if (check_used(snapshot, state, (uint16_t)(state->used + i), verdict))
			return true;
	for (unsigned int i = 0; i < state->image.size; i++)
		if (check_head(snapshot, state, i, verdict))
			return true;
	return check_avail(state, verdict);
}

/*
 * The session has stopped at it, and taken its chains back, so that nothing seems to be in flight
 * any more. What was wrong it has said.
 */
static void explain_broken(
	const struct snapshot *snapshot, const struct queue_state *state, struct verdict *verdict)
{
	char last[300];

	snapshot_last_text(snapshot, last, sizeof(last));
	if (state->image.size && check_index(state, verdict))
		return;
	if (state->image.size && unreaped(state)) {
		corrupt_entry(state, state->used, last, verdict);
		return;
	}
	verdict->kind = VERDICT_CORRUPT;
	snprintf(verdict->text, sizeof(verdict->text), "the ring is corrupt: %s", last);
}

/* ---- who is to move ---- */

static bool has_moved(const struct queue_state *before, const struct queue_state *now)
{
	return before->used != now->used || before->completed != now->completed ||
	       before->image.used_idx != now->image.used_idx;
}

/* Otherwise page and ring may be of different moments, and cannot be compared. */
static bool is_still(const struct queue_state *before, const struct queue_state *now)
{
	return !has_moved(before, now) && before->submitted == now->submitted &&
	       before->published == now->published &&
	       before->image.avail_idx == now->image.avail_idx;
}

static void say_unreaped(
	const struct attached *session, const struct queue_state *now, struct verdict *verdict)
{
	char state = attach_process_state(session);
	char time[OUTPUT_TIME_MAX];

	verdict->kind = VERDICT_UNREAPED;
	verdict->since_ns = now->oldest_ns;
	snprintf(verdict->text, sizeof(verdict->text),
		"completions are not being reaped: %u wait, the oldest request was submitted %s "
		"ago; the process %s",
		unreaped(now), output_time(now->oldest_ns, time),
		state == 'T' || state == 't' ? "is stopped (SIGSTOP, or a debugger)"
		: now->asleep		     ? "sleeps and was not woken"
					     : "does not look at the queue");
}

/*
 * A device that has taken all that there is asks to be notified of the next one before it sleeps,
 * which with the event index says how far it has come.
 */
static bool has_taken_all(const struct queue_state *now)
{
	return now->event_idx && now->image.avail_event == now->published;
}

/* "1.8 s, since 14:48:01" */
static void say_since(uint64_t ns, char *text, size_t size)
{
	time_t then = time(NULL) - (time_t)(ns / 1000000000u);
	char duration[OUTPUT_TIME_MAX];
	char when[16] = "?";
	struct tm tm;

	if (localtime_r(&then, &tm))
		strftime(when, sizeof(when), "%H:%M:%S", &tm);
	snprintf(text, size, "%s, since %s", output_time(ns, duration), when);
}

static void say_stalled(const struct queue_state *now, struct verdict *verdict)
{
	uint16_t owed = (uint16_t)(in_ring(now) - unreaped(now));
	char since[64];

	verdict->since_ns = now->oldest_ns;
	say_since(now->oldest_ns, since, sizeof(since));
	if (has_taken_all(now)) {
		verdict->kind = VERDICT_UNANSWERED;
		snprintf(verdict->text, sizeof(verdict->text),
			"the device has taken all requests and does not answer: it has had %u of "
			"them for up to %s",
			owed, since);
		return;
	}
	verdict->kind = VERDICT_STALLED;
	snprintf(verdict->text, sizeof(verdict->text),
		"the device has not taken requests for %s: %u in the ring%s", since, owed,
		now->event_idx ? "" : ", unless it took them and does not answer");
}

static void say_healthy(const struct queue_state *now, struct verdict *verdict)
{
	char time[OUTPUT_TIME_MAX];
	size_t used;

	verdict->kind = VERDICT_HEALTHY;
	snprintf(verdict->text, sizeof(verdict->text),
		"healthy: %" PRIu64 " in flight, %" PRIu64 " answered so far", now->in_flight,
		now->completed);
	used = strlen(verdict->text);
	if (now->oldest_ns >= MOMENT_NS)
		snprintf(verdict->text + used, sizeof(verdict->text) - used,
			"; the oldest has been under way for %s",
			output_time(now->oldest_ns, time));
}

static void say_idle(const struct queue_state *now, struct verdict *verdict)
{
	verdict->kind = VERDICT_IDLE;
	snprintf(verdict->text, sizeof(verdict->text),
		"idle: nothing is in flight, %" PRIu64 " answered so far", now->completed);
}

static void say_parked(const struct queue_state *now, struct verdict *verdict)
{
	size_t used = strlen(verdict->text);

	if (now->parked)
		snprintf(verdict->text + used, sizeof(verdict->text) - used,
			"; %u more wait for room in the ring", now->parked);
	used = strlen(verdict->text);
	if (now->quarantined)
		snprintf(verdict->text + used, sizeof(verdict->text) - used,
			"; the device has %u that were given up", now->quarantined);
}

static void say_failed(const struct snapshot *snapshot, struct verdict *verdict)
{
	char last[400];

	snapshot_last_text(snapshot, last, sizeof(last));
	verdict->kind = VERDICT_FAILED;
	snprintf(verdict->text, sizeof(verdict->text), "the session has failed: %s",
		last[0] ? last : strerror(-snapshot->head.failed));
}

/* Buffers for notifications are in the ring for as long as nothing comes. */
static void judge_notifications(
	const struct queue_state *before, const struct queue_state *now, struct verdict *verdict)
{
	if (unreaped(now) && !has_moved(before, now)) {
		verdict->kind = VERDICT_UNREAPED;
		snprintf(verdict->text, sizeof(verdict->text),
			"%u notifications are not being taken by the process", unreaped(now));
		return;
	}
	verdict->kind = VERDICT_IDLE;
	snprintf(verdict->text, sizeof(verdict->text), "idle: the device has %u buffers",
		in_ring(now));
}

static void judge_requests(const struct attached *session, const struct queue_state *before,
	const struct queue_state *now, struct verdict *verdict)
{
	bool moved = has_moved(before, now);

	if (!now->in_flight && !in_ring(now))
		say_idle(now, verdict);
	else if (moved)
		say_healthy(now, verdict);
	else if (unreaped(now))
		say_unreaped(session, now, verdict);
	else if (in_ring(now) && now->oldest_ns >= MOMENT_NS)
		say_stalled(now, verdict);
	else
		say_healthy(now, verdict);
	say_parked(now, verdict);
}

void verdict_of(const struct attached *session, const struct queue_state *before,
	const struct queue_state *now, struct verdict *verdict)
{
	const struct snapshot *snapshot = &session->snapshot;

	*verdict = (struct verdict){.kind = VERDICT_UNUSED, .entry = -1};
	if (!now->info.size || now->info.kind == VFS_OBSERVE_UNUSED)
		snprintf(verdict->text, sizeof(verdict->text), "unused by this session");
	else if (now->broken)
		explain_broken(snapshot, now, verdict);
	else if (snapshot->head.state == VFS_OBSERVE_FAILED)
		say_failed(snapshot, verdict);
	else if (is_still(before, now) && check_ring(snapshot, now, verdict))
		return;
	else if (now->info.kind == VFS_OBSERVE_NOTIFY)
		judge_notifications(before, now, verdict);
	else
		judge_requests(session, before, now, verdict);
}
