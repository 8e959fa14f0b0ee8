/* SPDX-License-Identifier: MIT */
/* A sequence of operations on the library and on its twin, once, in a process of its own. */
#ifndef EQUIVALENCE_RUN_H
#define EQUIVALENCE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../file/mount.h"

struct settings {
	struct mount_settings mount;
	struct run_settings run;
	const char *twin;      /* an empty directory for the kernel */
	unsigned int without;  /* FEATURE_* that are not to be tried */
	unsigned int may_lack; /* FEATURE_* that the server need not have */
	bool stats;
	unsigned int differences_max; /* go on until there are so many */
	bool print;		      /* each operation, and what it came to */
};

enum run_result {
	RUN_AGREES,
	RUN_DIFFERS,
	RUN_CANNOT, /* it did not come so far that there is something to compare */
};

/*
 * The operations of these numbers, beginning with nothing in both directories. What is different is
 * said, unless @quiet. @done is how many were done before.
 */
enum run_result run(const struct settings *settings, const uint64_t *numbers, size_t count,
	bool quiet, size_t *done);

#endif
