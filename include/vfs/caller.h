/* SPDX-License-Identifier: MIT */
/**
 * DOC: Callers
 *
 * Who asks the server for something. A FUSE message says with whose rights it was made
 * (struct fuse_in_header), and new files get their owner and mode by it. Unless a thread says
 * otherwise it asks for the process: its effective user and group, its process number, its umask.
 */
#ifndef VFS_CALLER_H
#define VFS_CALLER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct vfs_caller - with whose rights something is asked
 * @uid: user
 * @gid: group, of new files too
 * @pid: process, 0 if it means nothing to the server
 * @umask: bits that new files do not get
 * @groups: supplementary groups; NULL if there are none
 * @num_groups: how many
 */
struct vfs_caller {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	mode_t umask;
	const gid_t *groups;
	size_t num_groups;
};

/**
 * vfs_caller_set() - say for whom this thread asks from now on
 * @caller: copied, but for @caller->groups, which has to last as long; NULL: for the process again
 *
 * It holds for all mounts and connections, until it is set anew, and for this thread only. To ask
 * for somebody else once, set it before the call and back afterwards: it costs next to nothing.
 */
void vfs_caller_set(const struct vfs_caller *caller);

/**
 * vfs_caller_get() - for whom this thread asks
 * @caller: where to put it
 *
 * For the process it has no supplementary groups if it is root, who does not need any, and those
 * that the process had at its first call otherwise. All else of it is as it was at the first call
 * too: a process that changes its user, or its umask, says so by vfs_caller_set().
 */
void vfs_caller_get(struct vfs_caller *caller);

#ifdef __cplusplus
}
#endif

#endif
