/* SPDX-License-Identifier: MIT */
/*
 * Going to the background. The fork comes first, before anything is opened: devices and mounts
 * belong to the process that serves them. The parent waits and ends as the start did.
 */
#ifndef VIRTIOFS_FUSE_DAEMON_H
#define VIRTIOFS_FUSE_DAEMON_H

/* Make sure that descriptors 0 to 2 are open, so that nothing else takes their place. */
void daemon_open_std_fds(void);

/* Fork; returns in the child only: where to report to, or -errno if there is no child. */
int daemon_fork(void);

/* Leave the directory and the terminal; what is printed still gets out. 0 or -errno. */
int daemon_detach(void);

/* After that: print nothing more, and tell the parent. -errno if it does not wait any more. */
int daemon_ready(int ready_fd);

#endif
