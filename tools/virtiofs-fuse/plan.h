/* SPDX-License-Identifier: MIT */
/* Which lanes there will be, how many workers, and where they run. */
#ifndef VIRTIOFS_FUSE_PLAN_H
#define VIRTIOFS_FUSE_PLAN_H

#include <sched.h>
#include <stdbool.h>

#include "lane_choice.h"

struct options;

/* Of one worker */
#define PLAN_ENTRIES_MAX 512u

struct plan {
	enum lane_choice lane; /* not LANE_AUTO */
	const char *why;       /* rings are not used, although they could have been; NULL */
	unsigned int cpus[CPU_SETSIZE]; /* one worker each, but for LANE_SINGLE */
	unsigned int num_cpus;
	unsigned int num_queues; /* of the device */
	unsigned int depth;	 /* of each */
	unsigned int possible_cpus;
	unsigned int entries; /* of a worker's own processor, in a ring */
};

/*
 * What is wanted of a device with @device_queues, if the kernel plays along: LANE_URING is what
 * will be tried. 0, or -1 after the line that says what is in the way.
 */
int plan_make(struct plan *plan, const struct options *options, unsigned int device_queues);

/* What came out of the handshake, and what there is where the bridge runs. */
struct plan_facts {
	unsigned int num_queues; /* of the session */
	bool rings;		 /* the kernel has agreed to them */
	bool clones;		 /* there can be more descriptors for the connection */
};

/* 0, or -1 as above. */
int plan_settle(struct plan *plan, const struct options *options, const struct plan_facts *facts);

/*
 * The kernel's queues that the entries of a worker's ring are for, at most PLAN_ENTRIES_MAX. How
 * many there are.
 */
unsigned int plan_entries(const struct plan *plan, unsigned int worker, unsigned int *queues);

/* One line: which lanes there are, why no rings, on how many processors and request queues. */
void plan_say(const struct plan *plan);

#endif
