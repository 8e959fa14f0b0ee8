/* SPDX-License-Identifier: MIT */
/* File systems that the kernel's virtiofs driver has mounted. */
#ifndef INSPECT_MOUNTS_H
#define INSPECT_MOUNTS_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct mount {
	char source[256];
	char dir[PATH_MAX];
	pid_t pid; /* a process that sees it, 0 if we do */
};

/* One line of /proc/PID/mountinfo. True: it is a virtiofs file system, and *mount says which. */
bool mount_parse(const char *line, struct mount *mount);

/*
 * Look for one from @tag, NULL for any, in the mount namespaces of all processes that can be
 * looked at. 1: found; 0: not; -errno with a message if not even our own can be read.
 */
int mounts_find(const char *tag, struct mount *mount);

#endif
