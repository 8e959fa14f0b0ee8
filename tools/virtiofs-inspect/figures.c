/* SPDX-License-Identifier: MIT */
#include "figures.h"

#include <stdio.h>
#include <stdlib.h>

void figures_add(struct figures *figures, uint64_t ns)
{
	if (figures->count < FIGURES_MAX)
		figures->ns[figures->count++] = ns;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

char *figures_text(struct figures *figures, char *out, size_t size)
{
	if (!figures->count) {
		snprintf(out, size, "not measured");
		return out;
	}
	qsort(figures->ns, figures->count, sizeof(figures->ns[0]), compare);
	snprintf(out, size, "%.1f us at least, %.1f us in the middle, of %zu",
		(double)figures->ns[0] / 1000, (double)figures->ns[figures->count / 2] / 1000,
		figures->count);
	return out;
}

char *figures_memory(enum vfs_memory_type type, unsigned int speed, char *out, size_t size)
{
	switch (type) {
	case VFS_MEMORY_CACHED:
		snprintf(out, size, "cached: read at %u %% of the speed of other memory", speed);
		break;
	case VFS_MEMORY_UNCACHED:
		snprintf(
			out, size, "not cached: read at %u %% of the speed of other memory", speed);
		break;
	default:
		snprintf(out, size, "not measured");
		break;
	}
	return out;
}
