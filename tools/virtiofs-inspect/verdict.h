/* SPDX-License-Identifier: MIT */
/* What a queue is doing, in one word and one sentence. */
#ifndef INSPECT_VERDICT_H
#define INSPECT_VERDICT_H

#include "attach.h"
#include "ring_image.h"

enum verdict_kind {
	VERDICT_UNUSED,	    /* no requests travel on it */
	VERDICT_IDLE,	    /* nothing is under way */
	VERDICT_HEALTHY,    /* requests come and go, or have been under way for a moment */
	VERDICT_STALLED,    /* the device does not take requests */
	VERDICT_UNANSWERED, /* it has taken them, and does not answer */
	VERDICT_UNREAPED,   /* the process does not take what was answered */
	VERDICT_CORRUPT,    /* the device broke the protocol of the ring */
	VERDICT_FAILED,	    /* the session has failed for another reason */
};

/* What is compared: a queue at one moment. */
struct queue_state {
	struct vfs_observe_queue info;
	struct ring_image image; /* without memory: it cannot be read */
	unsigned int index;
	bool event_idx;
	bool broken;
	bool interrupts;
	bool waiting;
	bool asleep;
	uint16_t free;
	uint16_t published; /* next index of the available ring */
	uint16_t used;	    /* next index of the used ring to be looked at */
	uint64_t in_flight;
	uint64_t submitted;
	uint64_t completed;
	uint64_t notified;
	unsigned int parked;	  /* in flight, and not in the ring */
	unsigned int quarantined; /* the device's, although they have ended */
	uint64_t oldest_ns;	  /* how long the oldest that the device has is under way */
};

struct verdict {
	enum verdict_kind kind;
	uint64_t since_ns; /* how long it has been like this, at least; 0: that is not known */
	int entry;	   /* of the used ring, that is corrupt; -1: none */
	char text[512];
};

void queue_state_read(
	const struct attached *session, unsigned int queue, struct queue_state *state);
void queue_state_free(struct queue_state *state);

/* By what has become of it between two moments of a session, which is at the second one. */
void verdict_of(const struct attached *session, const struct queue_state *before,
	const struct queue_state *now, struct verdict *verdict);

/* Between two looks at a queue: one that is well moves in this time. Tests have less of it. */
extern unsigned int queues_pause_us;

/* "stalled" */
const char *verdict_name(enum verdict_kind kind);

/* Is something wrong? */
bool verdict_is_bad(enum verdict_kind kind);

#endif
