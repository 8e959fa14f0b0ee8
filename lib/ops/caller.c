/* SPDX-License-Identifier: MIT */
/* For whom a thread asks. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <vfs/caller.h>

#include "core/core.h"

#define UMASK_DEFAULT 022

static struct vfs_caller process;
static pthread_once_t process_once = PTHREAD_ONCE_INIT;
static _Thread_local struct vfs_caller own;
static _Thread_local bool has_own;

/* umask() tells it only by changing it, which files that others make meanwhile would get. */
static mode_t read_umask(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	unsigned int umask = UMASK_DEFAULT;
	char line[128];

	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "Umask: %o", &umask) == 1)
			break;
	if (status)
		fclose(status);
	return umask;
}

static void read_groups(struct vfs_caller *caller)
{
	int count = getgroups(0, NULL);
	gid_t *groups = count > 0 ? calloc((size_t)count, sizeof(*groups)) : NULL;

	if (groups)
		count = getgroups(count, groups);
	if (groups && count > 0) {
		caller->groups = groups;
		caller->num_groups = (size_t)count;
	} else {
		free(groups);
	}
}

static void read_process(void)
{
	process = (struct vfs_caller){
		.uid = geteuid(),
		.gid = getegid(),
		.pid = getpid(),
		.umask = read_umask(),
	};
	if (process.uid != 0)
		read_groups(&process);
}

VFS_EXPORT void vfs_caller_set(const struct vfs_caller *caller)
{
	has_own = caller != NULL;
	if (caller)
		own = *caller;
}

VFS_EXPORT void vfs_caller_get(struct vfs_caller *caller)
{
	if (has_own) {
		*caller = own;
		return;
	}
	pthread_once(&process_once, read_process);
	*caller = process;
}
