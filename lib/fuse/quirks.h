/* SPDX-License-Identifier: MIT */
#ifndef VFS_FUSE_QUIRKS_H
#define VFS_FUSE_QUIRKS_H

#include <vfs/quirks.h>

/* All bits that have a name. */
unsigned int vfs_quirks_known(void);

/* Say what is not checked. */
void vfs_quirks_log(const char *device, unsigned int quirks);

/* Add to the thread's message which quirk takes what is refused, and return @error. */
int vfs_quirk_error(int error, enum vfs_quirk quirk);

#endif
