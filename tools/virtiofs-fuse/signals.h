/* SPDX-License-Identifier: MIT */
/* SIGINT, SIGTERM and SIGHUP end the program; they are let in only while it waits. */
#ifndef VIRTIOFS_FUSE_SIGNALS_H
#define VIRTIOFS_FUSE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* Install the handlers and block the signals. @while_waiting is the mask for ppoll(). */
void signals_block(sigset_t *while_waiting);

/* Let them in again. */
void signals_unblock(void);

/* How many have come so far. After the second the next one kills. */
int signals_received(void);

/* One is waiting to be let in. */
bool signals_pending(void);

#endif
