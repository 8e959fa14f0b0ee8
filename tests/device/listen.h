/* SPDX-License-Identifier: MIT */
/* A Unix socket on which whoever wants the device comes and goes. */
#ifndef DEVICE_LISTEN_H
#define DEVICE_LISTEN_H

/* A Unix socket at @path, in place of one that an earlier run may have left. -errno */
int listen_at(const char *path);

/* One connection, until it ends; the socket is closed for it afterwards. */
typedef void (*serve_connection)(void *opaque, int socket);

/* Serve connections on @path, one after the other, until something fails for good. -errno */
int listen_and_serve(const char *path, serve_connection serve, void *opaque);

#endif
