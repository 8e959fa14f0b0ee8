/* SPDX-License-Identifier: MIT */
/* A service manager is told how far we are: systemd's protocol, see sd_notify(3). */
#ifndef VIRTIOFS_FUSE_SERVICE_H
#define VIRTIOFS_FUSE_SERVICE_H

/* Connect to the socket in $NOTIFY_SOCKET, if there is one, for all that is to be told. */
void service_find(void);

/*
 * Send @state ("READY=1") there. Nothing depends on it: what goes wrong is logged.
 */
void service_tell(const char *state);

#endif
