/* SPDX-License-Identifier: MIT */
#include "observe/times.h"
#include "core/core.h"

/* To each doubling. Below twice as many each number has a bucket of its own. */
#define STEPS	    8u
#define STEPS_SHIFT 3u

static unsigned int bucket_of(uint64_t ticks)
{
	unsigned int log2;
	unsigned int bucket;

	if (ticks < 2 * STEPS)
		return (unsigned int)ticks;
	log2 = 63u - (unsigned int)__builtin_clzll(ticks) - STEPS_SHIFT;
	bucket = log2 * STEPS + (unsigned int)(ticks >> log2);
	return bucket < VFS_OBSERVE_BUCKETS ? bucket : VFS_OBSERVE_BUCKETS - 1;
}

VFS_EXPORT uint64_t vfs_observe_bucket_end(unsigned int bucket)
{
	unsigned int shift = bucket < 2 * STEPS ? 0 : bucket / STEPS - 1;

	if (bucket >= VFS_OBSERVE_BUCKETS - 1)
		return UINT64_MAX;
	return ((uint64_t)(bucket - shift * STEPS) + 1) << shift;
}

void vfs_times_add(struct vfs_observe_times *times, uint64_t ticks)
{
	times->buckets[bucket_of(ticks)]++;
	times->count++;
	if (ticks > times->max)
		times->max = ticks;
}

void vfs_times_merge(struct vfs_observe_times *to, const struct vfs_observe_times *from)
{
	for (unsigned int i = 0; i < VFS_OBSERVE_BUCKETS; i++)
		to->buckets[i] += from->buckets[i];
	to->count += from->count;
	if (from->max > to->max)
		to->max = from->max;
}

uint64_t vfs_times_quantile(const struct vfs_observe_times *times, unsigned int thousandths)
{
	uint64_t total = 0;
	uint64_t seen = 0;
	unsigned int i;

	/* The count may be of another moment than the buckets. */
	for (i = 0; i < VFS_OBSERVE_BUCKETS; i++)
		total += times->buckets[i];
	for (i = 0; i < VFS_OBSERVE_BUCKETS; i++) {
		uint64_t end = vfs_observe_bucket_end(i) - 1;

		seen += times->buckets[i];
		/* As many as there are of a thousandth, and no number is too large for that. */
		if (seen && seen >= total - total / 1000 * (1000 - thousandths) -
					    total % 1000 * (1000 - thousandths) / 1000)
			return end < times->max ? end : times->max;
	}
	return 0;
}
