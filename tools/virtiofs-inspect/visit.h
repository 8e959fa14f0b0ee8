/* SPDX-License-Identifier: MIT */
/* What the verbs that look at sessions have in common. */
#ifndef INSPECT_VISIT_H
#define INSPECT_VISIT_H

#include "attach.h"
#include "output.h"

/*
 * Each session that the operand names, or all, with a heading. What @visit returns is an exit
 * status or an error; the highest status is returned, or the first error.
 */
int visit_sessions(
	int count, char **names, int (*visit)(struct attached *session, struct output *output));

const char *visit_state_name(const struct attached *session);

/* "requests" */
const char *visit_kind_name(const struct vfs_observe_queue *queue);

#endif
