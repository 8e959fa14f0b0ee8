/* SPDX-License-Identifier: MIT */
/* The verbs of virtiofs-inspect. */
#ifndef INSPECT_H
#define INSPECT_H

#include <stdbool.h>

/* What was given on the command line. */
struct inspect_options {
	bool json;
	unsigned int seconds; /* 0: no limit */
};

extern struct inspect_options inspect_options;

/* Of a verb that looks at something: it is not well. */
#define EXIT_UNWELL 3

/*
 * Each gets its operands and returns 0, an exit status, or a negative errno with a message in
 * vfs_last_error(), which main() prints.
 */
int verb_list(int count, char **names);
int verb_show(int count, char **names);
int verb_dax(int count, char **names);
int verb_bind(int count, char **names);
int verb_unbind(int count, char **names);
int verb_ps(int count, char **names);
int verb_queues(int count, char **names);
int verb_ring(int count, char **names);
int verb_inflight(int count, char **names);
int verb_stats(int count, char **names);
int verb_trace(int count, char **names);

#endif
