/* SPDX-License-Identifier: MIT */
/*
 * SIGINT, SIGTERM and SIGHUP end the program, SIGUSR1 asks it for figures; they are let in only
 * while it waits.
 */
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

/* Has anybody asked for figures since the last time? */
bool signals_asked(void);

/* One that ends the program is waiting to be let in. */
bool signals_pending(void);

#endif
