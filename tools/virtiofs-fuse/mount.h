/* SPDX-License-Identifier: MIT */
/*
 * The mount point and libfuse's session on it. libfuse mounts (as other users than root through
 * fusermount3) and unmounts; what is read from and written to the descriptor is ours.
 */
#ifndef VIRTIOFS_FUSE_MOUNT_H
#define VIRTIOFS_FUSE_MOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "unmounter.h"

struct fuse_session;

struct mount {
	struct fuse_session *fuse;
	char *dir; /* absolute */
	int fd;	   /* non-blocking, once it is mounted */
	uint32_t dev_major;
	uint32_t dev_minor;
	struct unmounter unmounter;
	bool auto_unmount;
	bool handed_in; /* somebody else has mounted it, and dir is /dev/fd/N */
	bool aborted;	/* the kernel ended the connection but not the mount */
};

/* The functions that return an int give 0, or -1 after the one line that says why. */

/*
 * Whether @dir can be mounted on. mount->dir is set to its absolute path, to be freed. "/dev/fd/N"
 * is a descriptor of /dev/fuse that whoever started us has mounted, and will unmount.
 */
int mount_check(struct mount *mount, const char *dir);

/* Mount on mount->dir. */
int mount_create(struct mount *mount, const struct options *options, const char *tag);

/*
 * Whether the mount is still where it was made; false if that is not known. Asks the kernel only,
 * not the server.
 */
bool mount_is_there(const struct mount *mount);

/* Unmount, lazily if it is busy, and close the descriptor. */
void mount_remove(struct mount *mount);

#endif
