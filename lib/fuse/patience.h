/* SPDX-License-Identifier: MIT */
/*
 * How long it is worth to look for an answer before sleeping. An interrupt costs tens of
 * microseconds, on both sides; an answer that comes sooner is best looked for. How soon they come
 * is measured, and it is tried again now and then.
 *
 * Looks are counted, not timed. A guest without a stable TSC reads its clock by a trap, which takes
 * longer than many answers.
 */
#ifndef VFS_PATIENCE_H
#define VFS_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include <vfs/session.h>

struct vfs_patience {
	enum vfs_poll poll;
	uint64_t usual_ns;  /* between beginning to wait and an answer, a running mean */
	unsigned int pause; /* waits without looking, before it is tried again */
	unsigned int slept; /* of these, so far */
	uint64_t look_ps;   /* picoseconds that a look takes; measured once, see wait.c */
	unsigned int looks; /* that are worth it, before sleeping is */
	unsigned int first; /* of these, at once */
	unsigned int
		found; /* which of them did it the last time, from 1 on; 0: it is in the mean */
};

void vfs_patience_init(struct vfs_patience *patience, enum vfs_poll poll);

/* A look was found to take so many picoseconds, not 0. */
void vfs_patience_look_takes(struct vfs_patience *patience, uint64_t look_ps);

/* Most of the first looks of a wait, which come before anything else. */
#define VFS_LOOKS_AT_ONCE 256u

/* vfs_patience_first(), if it is VFS_POLL_AUTO. */
unsigned int vfs_patience_first_of(struct vfs_patience *patience);

/* How many looks a wait begins with. They are part of those that vfs_patience_begin() grants. */
static inline unsigned int vfs_patience_first(struct vfs_patience *patience)
{
	return patience->poll == VFS_POLL_AUTO ? vfs_patience_first_of(patience) : patience->first;
}

/* One of these found it, after so many in vain. It is accounted for later: now there is work. */
static inline void vfs_patience_found(struct vfs_patience *patience, unsigned int looks)
{
	patience->found = looks + 1;
}

/* Nanoseconds that so many looks take. */
uint64_t vfs_patience_time_of(const struct vfs_patience *patience, unsigned int looks);

/* How often to look in this wait; UINT_MAX: never sleep. */
unsigned int vfs_patience_begin(struct vfs_patience *patience);

/*
 * It took so long until there was an answer; @looked: it was found without sleeping. Of no interest
 * unless it is VFS_POLL_AUTO.
 */
void vfs_patience_end(struct vfs_patience *patience, uint64_t waited_ns, bool looked);

#endif
