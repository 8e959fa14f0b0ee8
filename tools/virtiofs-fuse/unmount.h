/* SPDX-License-Identifier: MIT */
/*
 * Unmounting while the file system is being served: what programs have written and the kernel
 * still holds goes to the server on the way.
 */
#ifndef VIRTIOFS_FUSE_UNMOUNT_H
#define VIRTIOFS_FUSE_UNMOUNT_H

struct mount;

struct unmount {
	int done_fd; /* polls readable when it is through; -1 before unmount_start() */
};

/* Start it. A busy mount is written back and detached. 0 or -errno. */
int unmount_start(struct unmount *unmount, const struct mount *mount);

/* The mount has to be gone. */
void unmount_join(struct unmount *unmount);

#endif
