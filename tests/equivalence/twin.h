/* SPDX-License-Identifier: MIT */
/*
 * A process whose root is a directory, and which does there by system calls what the library does
 * on its mount: paths, links and ".." mean the same in both.
 */
#ifndef EQUIVALENCE_TWIN_H
#define EQUIVALENCE_TWIN_H

#include <stdint.h>
#include <sys/types.h>

#include "outcome.h"

struct twin {
	int socket;
	pid_t pid;
};

/* -errno */
int twin_start(struct twin *twin, const char *directory, uint64_t seed);
void twin_end(struct twin *twin);

/* All of these: 0, or -errno of the process itself. */
int twin_apply(struct twin *twin, uint64_t number, struct outcome *outcome);
int twin_close(struct twin *twin);
int twin_empty(struct twin *twin);

/* To be freed; NULL: there is none. */
char *twin_tree(struct twin *twin);

#endif
