/* SPDX-License-Identifier: MIT */
/*
 * Sessions of other processes. They are not stopped and not asked, and it does not matter to either
 * side if the other one dies.
 */
#ifndef INSPECT_ATTACH_H
#define INSPECT_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "snapshot.h"

struct attached {
	pid_t pid;
	char command[64]; /* printable, as the next two */
	char device[128];
	char tag[128];
	int page_fd;
	int arena_fd;
	int wish_fd; /* -1: not to be written by us */
	struct snapshot snapshot;
};

/*
 * Call @visit for each session that @target names: a process, a tag, or a device as `ps` shows it;
 * NULL: all. What @visit returns other than 0 ends it, and is returned.
 * -ESRCH: there is none. -EACCES: or it may not be looked at.
 */
int attach_each(const char *target, int (*visit)(struct attached *session, void *ctx), void *ctx);

/* Look once more. -ESRCH: it has ended. */
int attach_again(struct attached *session);

/* Bytes of the arena. False: there are none, or the session has ended. */
bool attach_read(const struct attached *session, uint64_t offset, void *bytes, size_t length);

/* The state of the process as in proc(5), 'T' for one that is stopped; '?': nobody knows. */
char attach_process_state(const struct attached *session);

#endif
