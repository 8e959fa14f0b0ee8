/* SPDX-License-Identifier: MIT */
/*
 * A process that unmounts and does nothing else. To unmount takes rights, as root's or those of
 * fusermount3, which the bridge gives up; and it can take as long as what the kernel still holds
 * takes to be served, by the bridge. With auto_unmount it does so too when the bridge was killed.
 */
#ifndef VIRTIOFS_FUSE_UNMOUNTER_H
#define VIRTIOFS_FUSE_UNMOUNTER_H

#include <sys/types.h>

struct mount;

struct unmounter {
	int fd; /* polls readable when what was asked is done, or the process is gone */
	pid_t pid;
};

enum unmount_how {
	UNMOUNT_WRITTEN_BACK, /* a busy mount is written back and detached */
	UNMOUNT_AT_ONCE,      /* a busy mount is detached */
};

/* Start it for @mount, which is there. It has nothing open of what is open now. 0 or -errno. */
int unmounter_start(struct unmounter *unmounter, const struct mount *mount);

/* Does not wait for it. What is mounted there meanwhile by others stays. 0 or -errno. */
int unmounter_ask(const struct unmounter *unmounter, enum unmount_how how);

/* Unmount at once if it still has to be, and end the process. 0 or -errno. */
int unmounter_finish(struct unmounter *unmounter);

#endif
