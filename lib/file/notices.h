/* SPDX-License-Identifier: MIT */
/* What the server says without being asked. */
#ifndef VFS_NOTICES_H
#define VFS_NOTICES_H

#include "file/fs.h"

/* Take what has come, unless another thread does so already. Cheap if there is none. */
void vfs_notices_take(struct vfs_fs *fs);

#endif
