/* SPDX-License-Identifier: MIT */
/* For whom a thread asks. */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <vfs/caller.h>

#include "core/core.h"

#define UMASK_DEFAULT 022

static struct vfs_caller process;
static pthread_once_t process_once = PTHREAD_ONCE_INIT;
static _Thread_local struct vfs_caller own;
static _Thread_local bool has_own;

/*
 * umask() tells it only by changing it, which files that others make meanwhile would get. It is in
 * the second line.
 */
static mode_t read_umask(void)
{
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	unsigned int umask = UMASK_DEFAULT;
	char text[256] = "";
	const char *line;

	if (fd < 0)
		return UMASK_DEFAULT;
	if (read(fd, text, sizeof(text) - 1) > 0) {
		line = strstr(text, "Umask:");
		if (line)
			(void)sscanf(line, "Umask: %o", &umask);
	}
	close(fd);
	return umask;
}

static void read_groups(struct vfs_caller *caller)
{
	static gid_t groups[NGROUPS_MAX];
	int count = getgroups(NGROUPS_MAX, groups);

	if (count <= 0)
		return;
	caller->groups = groups;
	caller->num_groups = (size_t)count;
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
