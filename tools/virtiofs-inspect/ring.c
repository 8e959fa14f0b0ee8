/* SPDX-License-Identifier: MIT */
/* What is in the ring of a queue, taken apart. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfs/fuse_abi.h>

#include "core/core.h"
#include "inspect.h"
#include "opcodes.h"
#include "verdict.h"
#include "visit.h"

/* Completions that are shown, if they were reaped. */
#define USED_SHOWN 8u

/* Of a chain; the library has no longer ones in an indirect table. */
#define PIECES_MAX 256u

static int wanted_queue = -1; /* -1: all */

/* ---- a chain ---- */

struct chain {
	struct vring_desc pieces[PIECES_MAX];
	unsigned int count;
	bool indirect;
	const char *fault; /* what is wrong with it; NULL: nothing */
};

static void take_indirect(
	const struct attached *session, const struct vring_desc *head, struct chain *chain)
{
	unsigned int count = head->len / (unsigned int)sizeof(chain->pieces[0]);

	chain->indirect = true;
	if (!count || head->len % sizeof(chain->pieces[0]) || count > PIECES_MAX)
		chain->fault = "its table has no size";
	else if (!ring_image_table(session, head->addr, chain->pieces, count))
		chain->fault = "its table is not in the arena";
	else
		chain->count = count;
}

static void take_direct(const struct ring_image *image, unsigned int head, struct chain *chain)
{
	unsigned int next = head;

	do {
		if (next >= image->size || chain->count == PIECES_MAX) {
			chain->fault = "it does not end";
			return;
		}
		chain->pieces[chain->count++] = image->desc[next];
		next = image->desc[next].next;
	} while (chain->pieces[chain->count - 1].flags & VRING_DESC_F_NEXT);
}

static void take_chain(const struct attached *session, const struct ring_image *image,
	unsigned int head, struct chain *chain)
{
	chain->count = 0;
	chain->indirect = false;
	chain->fault = NULL;
	if (image->desc[head].flags & VRING_DESC_F_INDIRECT)
		take_indirect(session, &image->desc[head], chain);
	else
		take_direct(image, head, chain);
}

/* "r:40 w:96": who does what with how many bytes. */
static void describe_pieces(const struct chain *chain, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < chain->count && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%c:%u", i ? " " : "",
			chain->pieces[i].flags & VRING_DESC_F_WRITE ? 'w' : 'r',
			chain->pieces[i].len);
}

/* The message that it begins with; false: it cannot be read. */
static bool read_header(
	const struct attached *session, const struct chain *chain, struct fuse_in_header *header)
{
	uint64_t offset;

	return chain->count && !(chain->pieces[0].flags & VRING_DESC_F_WRITE) &&
	       snapshot_in_arena(
		       &session->snapshot, chain->pieces[0].addr, sizeof(*header), &offset) &&
	       attach_read(session, offset, header, sizeof(*header));
}

static void show_chain(struct output *output, const struct attached *session,
	const struct queue_state *state, unsigned int head)
{
	int64_t request = snapshot_request_at(&session->snapshot, &state->info, head);
	struct fuse_in_header header = {0};
	static struct chain chain;
	char pieces[160];
	bool readable;

	take_chain(session, &state->image, head, &chain);
	describe_pieces(&chain, pieces, sizeof(pieces));
	readable = read_header(session, &chain, &header);
	output_row(output);
	output_number(output, "head", head);
	output_maybe(output, "request", request);
	output_text(output, "opcode", "%s", readable ? opcode_name(header.opcode) : "-");
	output_hex(output, "unique", header.unique);
	output_number(output, "node", header.nodeid);
	output_number(output, "length", header.len);
	output_flag(output, "indirect", chain.indirect);
	output_text(output, "pieces", "%s", pieces);
	output_text(output, "fault", "%s", chain.fault ? chain.fault : "-");
}

static void show_chains(
	struct output *output, const struct attached *session, const struct queue_state *state)
{
	output_list(output, "chains");
	for (unsigned int i = 0; i < state->image.size; i++)
		if (snapshot_head_field(&session->snapshot, &state->info, i, VFS_OBSERVE_TOKEN))
			show_chain(output, session, state, i);
	output_list_end(output);
}

/* ---- the parts of a ring ---- */

static void show_descriptors(
	struct output *output, const struct attached *session, const struct queue_state *state)
{
	output_list(output, "descriptors");
	for (unsigned int i = 0; i < state->image.size; i++) {
		const struct vring_desc *desc = &state->image.desc[i];
		bool head = snapshot_head_field(
			&session->snapshot, &state->info, i, VFS_OBSERVE_TOKEN);

		/* One that was never used. */
		if (!head && !desc->len)
			continue;
		output_row(output);
		output_number(output, "descriptor", i);
		output_hex(output, "address", desc->addr);
		output_number(output, "length", desc->len);
		output_text(output, "flags", "%s%s%s%s",
			desc->flags & VRING_DESC_F_INDIRECT ? "indirect " : "",
			desc->flags & VRING_DESC_F_WRITE ? "write " : "",
			desc->flags & VRING_DESC_F_NEXT ? "next" : "", desc->flags & 7 ? "" : "-");
		output_number(output, "next", desc->next);
		output_flag(output, "in_flight", head);
	}
	output_list_end(output);
}

/* What the device has not returned. */
static void show_avail(struct output *output, const struct queue_state *state)
{
	const struct ring_image *image = &state->image;
	uint16_t count = (uint16_t)(state->published - state->used);

	output_list(output, "available");
	for (uint16_t i = 0; i < count && i < image->size; i++) {
		uint16_t idx = (uint16_t)(state->published - 1 - i);

		output_row(output);
		output_number(output, "index", idx);
		output_number(output, "entry", idx & (image->size - 1));
		output_number(output, "head", image->avail[idx & (image->size - 1)]);
	}
	output_list_end(output);
}

static void show_used(struct output *output, const struct queue_state *state)
{
	const struct ring_image *image = &state->image;
	uint16_t unreaped = (uint16_t)(image->used_idx - state->used);
	uint16_t i;

	output_list(output, "used");
	for (i = 0; i < unreaped + USED_SHOWN && i < image->size && i < image->used_idx; i++) {
		uint16_t idx = (uint16_t)(image->used_idx - 1 - i);
		const struct vring_used_elem *elem = &image->used[idx & (image->size - 1)];

		output_row(output);
		output_number(output, "index", idx);
		output_number(output, "entry", idx & (image->size - 1));
		output_number(output, "descriptor", elem->id);
		output_number(output, "length", elem->len);
		output_flag(output, "reaped", i >= unreaped);
	}
	output_list_end(output);
}

static void show_ring(
	struct output *output, const struct attached *session, const struct queue_state *state)
{
	char heading[256];

	snprintf(heading, sizeof(heading),
		"queue %u (%s): %u entries, available index %u (in memory %u), used index %u (the "
		"device's %u)",
		state->index, visit_kind_name(&state->info), state->info.size, state->published,
		state->image.avail_idx, state->used, state->image.used_idx);
	output_open(output, heading);
	output_number(output, "queue", state->index);
	output_number(output, "size", state->info.size);
	output_number(output, "avail", state->published);
	output_number(output, "avail_in_memory", state->image.avail_idx);
	output_number(output, "used", state->used);
	output_number(output, "device_used", state->image.used_idx);
	output_number(output, "avail_flags", state->image.avail_flags);
	output_number(output, "used_flags", state->image.used_flags);
	output_number(output, "avail_event", state->image.avail_event);
	output_number(output, "used_event", state->image.used_event);
	show_descriptors(output, session, state);
	show_avail(output, state);
	show_used(output, state);
	show_chains(output, session, state);
	output_close(output);
}

static int show(struct attached *session, struct output *output)
{
	unsigned int count = snapshot_num_queues(&session->snapshot);
	unsigned int i;

	output_list(output, "rings");
	for (i = 0; i < count; i++) {
		struct queue_state state;

		if (wanted_queue >= 0 && i != (unsigned int)wanted_queue)
			continue;
		queue_state_read(session, i, &state);
		if (state.image.size)
			show_ring(output, session, &state);
		queue_state_free(&state);
	}
	output_list_end(output);
	if (wanted_queue >= (int)count)
		return vfs_error(-EINVAL, "the session has %u queues", count);
	return 0;
}

int verb_ring(int count, char **names)
{
	if (count == 2) {
		char *end;
		unsigned long number = strtoul(names[1], &end, 10);

		if (!*names[1] || *end || number > UINT16_MAX)
			return vfs_error(-EINVAL, "%s is no number of a queue", names[1]);
		wanted_queue = (int)number;
	}
	return visit_sessions(count, names, show);
}
