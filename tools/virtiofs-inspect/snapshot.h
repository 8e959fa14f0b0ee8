/* SPDX-License-Identifier: MIT */
/*
 * A copy of a session's page (vfs/observe.h). What it says may be anything: the process may have
 * written to it meanwhile, or be nobody's friend. So nothing that is read from it leads anywhere
 * without being checked; what leads nowhere reads as 0.
 */
#ifndef INSPECT_SNAPSHOT_H
#define INSPECT_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vfs/observe.h>

#include "observe/ticks.h"

struct snapshot {
	uint8_t *bytes;
	size_t size;
	struct vfs_observe_page head;
	struct vfs_tick_pair created;
	struct vfs_tick_pair taken;
};

/* More than any session has. */
#define SNAPSHOT_SIZE_MAX (256u << 20)

/* Take over @size bytes of malloc(). -EPROTO: no page that can be understood; they are freed. */
int snapshot_init(struct snapshot *snapshot, uint8_t *bytes, size_t size);
void snapshot_free(struct snapshot *snapshot);

/* NULL: it is not all in there. */
const void *snapshot_at(const struct snapshot *snapshot, uint64_t offset, size_t length);
const void *snapshot_element(
	const struct snapshot *snapshot, const struct vfs_observe_array *array, uint64_t index);

unsigned int snapshot_num_queues(const struct snapshot *snapshot);
struct vfs_observe_queue snapshot_queue(const struct snapshot *snapshot, unsigned int queue);

uint64_t snapshot_queue_field(
	const struct snapshot *snapshot, unsigned int queue, enum vfs_observe_queue_field field);
uint64_t snapshot_request_field(const struct snapshot *snapshot,
	const struct vfs_observe_queue *queue, uint64_t request,
	enum vfs_observe_request_field field);
uint64_t snapshot_head_field(const struct snapshot *snapshot, const struct vfs_observe_queue *queue,
	uint64_t head, enum vfs_observe_head_field field);

/* Requests of a queue that were submitted and not reaped. */
uint64_t snapshot_owed(const struct snapshot *snapshot, unsigned int queue);

/* The request whose chain begins at a head; -1: none does. */
int64_t snapshot_request_at(
	const struct snapshot *snapshot, const struct vfs_observe_queue *queue, uint64_t head);

/* Does the device have it, or will it get it? */
bool snapshot_in_flight(
	const struct snapshot *snapshot, const struct vfs_observe_queue *queue, uint64_t request);

/* How long ago that was. */
uint64_t snapshot_age_ns(const struct snapshot *snapshot, uint64_t ticks);
/* How long so many take. */
uint64_t snapshot_ns(const struct snapshot *snapshot, uint64_t ticks);

/* False: it is not there. */
bool snapshot_figure(
	const struct snapshot *snapshot, enum vfs_observe_figure figure, uint64_t *value);

/* Its texts, the newest first. False: there are no more. */
bool snapshot_text(const struct snapshot *snapshot, uint64_t index, struct vfs_observe_text *text);

/* The last of its texts, escaped for a terminal; "" if there is none. */
void snapshot_last_text(const struct snapshot *snapshot, char *text, size_t size);

/* Where an address of the device's is in the arena, at least @length bytes; false: nowhere. */
bool snapshot_in_arena(
	const struct snapshot *snapshot, uint64_t address, size_t length, uint64_t *offset);

#endif
