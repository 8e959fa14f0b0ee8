/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <sched.h>

#include "fuse/patience.h"

/* What an interrupt and waking up by it cost, in a guest; nobody looks longer for less. */
#define LOOK_MAX_NS 50000u

/*
 * Most waits in a row without looking, before one that does: answers may have become faster. There
 * are few at first, as it may have been no more than a disturbance.
 */
#define PAUSE_MAX 32u

/* A longer one says no more than that it was too long; a single one is not to say that for all. */
#define LONG_NS (2 * LOOK_MAX_NS)

/* Before it was measured. */
#define LOOK_PS 50000u

#define PS_PER_NS 1000u

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
	*patience = (struct vfs_patience){.poll = poll, .usual_ns = LOOK_MAX_NS / 2, .pause = 1};
	vfs_patience_look_takes(patience, LOOK_PS);
}

static unsigned int looks_of(const struct vfs_patience *patience)
{
	uint64_t looks = (uint64_t)LOOK_MAX_NS * PS_PER_NS / patience->look_ps;

	if (patience->poll == VFS_POLL_ALWAYS)
		return UINT_MAX;
	if (patience->poll == VFS_POLL_NEVER)
		return 0;
	return looks ? (unsigned int)looks : 1;
}

void vfs_patience_look_takes(struct vfs_patience *patience, uint64_t look_ps)
{
	patience->look_ps = look_ps;
	patience->looks = looks_of(patience);
	patience->first = patience->looks < VFS_LOOKS_AT_ONCE ? patience->looks : VFS_LOOKS_AT_ONCE;
}

uint64_t vfs_patience_time_of(const struct vfs_patience *patience, unsigned int looks)
{
	return looks * patience->look_ps / PS_PER_NS;
}

static bool is_slow(const struct vfs_patience *patience)
{
	return patience->usual_ns > LOOK_MAX_NS;
}

unsigned int vfs_patience_first_of(struct vfs_patience *patience)
{
	unsigned int found = patience->found;

	patience->found = 0;
	if (found)
		vfs_patience_end(patience, vfs_patience_time_of(patience, found - 1), true);
	return is_slow(patience) ? 0 : patience->first;
}

unsigned int vfs_patience_begin(struct vfs_patience *patience)
{
	if (patience->poll != VFS_POLL_AUTO)
		return patience->looks;
	if (is_slow(patience) && patience->slept++ < patience->pause)
		return 0;
	patience->slept = 0;
	return patience->looks;
}

void vfs_patience_end(struct vfs_patience *patience, uint64_t waited_ns, bool looked)
{
	if (waited_ns > LONG_NS)
		waited_ns = LONG_NS;
	if (is_slow(patience) && looked) {
		/* Having slept, what was measured is the interrupt; now it is the answer. */
		patience->usual_ns = waited_ns;
		patience->pause = 1;
	} else if (is_slow(patience) && !patience->slept && patience->pause < PAUSE_MAX) {
		patience->pause *= 2;
	}
	patience->usual_ns = patience->usual_ns - (patience->usual_ns >> WEIGHT) +
			     (waited_ns >> WEIGHT);
}
