/* SPDX-License-Identifier: MIT */
/* Times that were measured, for people. */
#ifndef INSPECT_FIGURES_H
#define INSPECT_FIGURES_H

#include <stddef.h>
#include <stdint.h>

#include <vfs/dax.h>

#define FIGURES_MAX 64u

struct figures {
	uint64_t ns[FIGURES_MAX];
	size_t count;
};

/* What comes after the first FIGURES_MAX is not counted. */
void figures_add(struct figures *figures, uint64_t ns);

/* "12.3 us at least, 15.0 us in the middle, of 32". Sorts them. */
char *figures_text(struct figures *figures, char *out, size_t size);

/* "like other memory: read at 99 % of its speed". */
char *figures_memory(enum vfs_memory_type type, unsigned int speed, char *out, size_t size);

#endif
