/* SPDX-License-Identifier: MIT */
#include <sched.h>

#include "fuse/patience.h"

/* What an interrupt and waking up by it cost, in a guest; nobody looks longer for less. */
#define LOOK_MAX_NS 50000u

/* So many waits in a row without looking, then one that does: answers may have become faster. */
#define TRY_AGAIN 32u

#define LONG_NS (16 * LOOK_MAX_NS)

/* Before it was measured. */
#define LOOK_PS 50000u

/* Weight of the newest one in the mean, as a shift. */
#define WEIGHT 3

/* On a single processor whoever looks takes the time that the answer needs. */
static int processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 2;
}

void vfs_patience_init(struct vfs_patience *patience, enum vfs_poll poll)
{
	if (poll == VFS_POLL_AUTO && processors() < 2)
		poll = VFS_POLL_NEVER;
	*patience = (struct vfs_patience){
		.poll = poll, .usual_ns = LOOK_MAX_NS / 2, .look_ps = LOOK_PS};
}

uint64_t vfs_patience_begin(struct vfs_patience *patience)
{
	if (patience->poll == VFS_POLL_ALWAYS)
		return UINT64_MAX;
	if (patience->poll == VFS_POLL_NEVER)
		return 0;
	if (patience->usual_ns > LOOK_MAX_NS && patience->slept++ < TRY_AGAIN)
		return 0;
	patience->slept = 0;
	return 2 * patience->usual_ns < LOOK_MAX_NS ? 2 * patience->usual_ns : LOOK_MAX_NS;
}

void vfs_patience_end(struct vfs_patience *patience, uint64_t waited_ns, bool looked)
{
	/* A long pause says no more than that it was too long. */
	if (waited_ns > LONG_NS)
		waited_ns = LONG_NS;
	/* Having slept, what was measured is the interrupt; now it is the answer. */
	if (looked && waited_ns <= LOOK_MAX_NS && patience->usual_ns > LOOK_MAX_NS)
		patience->usual_ns = waited_ns;
	patience->usual_ns = patience->usual_ns - (patience->usual_ns >> WEIGHT) +
			     (waited_ns >> WEIGHT);
}
