/* SPDX-License-Identifier: MIT */
#ifndef DEVICE_LISTEN_H
#define DEVICE_LISTEN_H

/* A Unix socket at @path, in place of one that an earlier run may have left. -errno */
int listen_at(const char *path);

#endif
