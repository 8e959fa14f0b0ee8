/* SPDX-License-Identifier: MIT */
#include <vfs/observe.h>

#include "observe/ticks.h"

VFS_EXPORT uint64_t vfs_observe_ticks(void)
{
	return vfs_ticks();
}

struct vfs_tick_pair vfs_tick_pair(void)
{
	struct vfs_tick_pair pair = {.ns = vfs_now_ns()};

	pair.ticks = vfs_ticks();
	return pair;
}

uint64_t vfs_ticks_to_ns(
	uint64_t ticks, const struct vfs_tick_pair *from, const struct vfs_tick_pair *to)
{
	double rate;
	double ns;

	/* Clocks of different machines, or numbers that somebody made up. */
	if (to->ticks <= from->ticks || to->ns <= from->ns)
		return 0;
	rate = (double)(to->ns - from->ns) / (double)(to->ticks - from->ticks);
	ns = (double)ticks * rate;
	return ns < (double)INT64_MAX ? (uint64_t)ns : INT64_MAX;
}
