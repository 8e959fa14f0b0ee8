/* SPDX-License-Identifier: MIT */
/* Times, counted in buckets that are each 3 % wide: no memory grows with their number. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS	  32u /* to each doubling */
#define HISTOGRAM_BUCKETS (60u * HISTOGRAM_STEPS)

struct histogram {
	uint64_t buckets[HISTOGRAM_BUCKETS];
	uint64_t count;
	uint64_t sum;
	uint64_t min; /* 0 if there is none */
};

/* @count times of @ns each. */
void histogram_add(struct histogram *h, uint64_t ns, uint64_t count);
void histogram_merge(struct histogram *to, const struct histogram *from);

/* What a share of them, 0 to 1, is not above. */
uint64_t histogram_quantile(const struct histogram *h, double share);

#endif
