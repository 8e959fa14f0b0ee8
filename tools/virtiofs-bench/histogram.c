/* SPDX-License-Identifier: MIT */
#include "histogram.h"

/* Below HISTOGRAM_STEPS each number has a bucket; then each doubling has that many. */
static unsigned int bucket_of(uint64_t ns)
{
	unsigned int shift = 0;

	while (ns >> shift >= 2 * HISTOGRAM_STEPS)
		shift++;
	return shift * HISTOGRAM_STEPS + (unsigned int)(ns >> shift);
}

static uint64_t end_of(unsigned int bucket)
{
	unsigned int shift = bucket < 2 * HISTOGRAM_STEPS ? 0 : bucket / HISTOGRAM_STEPS - 1;

	return ((uint64_t)(bucket - shift * HISTOGRAM_STEPS) + 1) << shift;
}

void histogram_add(struct histogram *h, uint64_t ns, uint64_t count)
{
	unsigned int bucket = bucket_of(ns);

	h->buckets[bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1] += count;
	if (!h->count || ns < h->min)
		h->min = ns;
	h->count += count;
	h->sum += ns * count;
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
	unsigned int i;

	if (from->count && (!to->count || from->min < to->min))
		to->min = from->min;
	for (i = 0; i < HISTOGRAM_BUCKETS; i++)
		to->buckets[i] += from->buckets[i];
	to->count += from->count;
	to->sum += from->sum;
}

uint64_t histogram_quantile(const struct histogram *h, double share)
{
	uint64_t wanted = (uint64_t)((double)h->count * share);
	uint64_t seen = 0;
	unsigned int i;

	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen > wanted)
			return end_of(i);
	}
	return h->min;
}
