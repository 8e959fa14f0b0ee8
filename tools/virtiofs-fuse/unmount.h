/* SPDX-License-Identifier: MIT */
/*
 * Unmounting while the file system is being served: what programs have written and the kernel
 * still holds goes to the server on the way. That takes a second thread, since the relay has to
 * answer meanwhile.
 */
#ifndef VIRTIOFS_FUSE_UNMOUNT_H
#define VIRTIOFS_FUSE_UNMOUNT_H

#include <pthread.h>
#include <stdbool.h>

struct mount;

struct unmount {
	pthread_t thread;
	const struct mount *mount;
	int done_fd; /* polls readable when the thread is through; -1 before unmount_start() */
};

/* Start it. A busy mount is written back and detached. 0 or -errno. */
int unmount_start(struct unmount *unmount, const struct mount *mount);

/* Wait for the thread, if there is one. The connection has to be closed by now. */
void unmount_join(struct unmount *unmount);

/* umount(2), or as other user than root fusermount3. 0 or -errno. */
int unmount_path(const char *dir, bool lazy);

#endif
