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
	unsigned int slept; /* waits in a row that did not look */
	uint64_t look_ps;   /* picoseconds that a look takes; measured once, see wait.c */
};

void vfs_patience_init(struct vfs_patience *patience, enum vfs_poll poll);

/* How long to look in this wait; UINT64_MAX: never sleep. */
uint64_t vfs_patience_begin(struct vfs_patience *patience);

/* It took so long until there was an answer; @looked: it was found without sleeping. */
void vfs_patience_end(struct vfs_patience *patience, uint64_t waited_ns, bool looked);

#endif
