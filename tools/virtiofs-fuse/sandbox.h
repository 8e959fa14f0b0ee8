/* SPDX-License-Identifier: MIT */
/*
 * What the bridge gives up once it has mounted: it works for a server that it does not trust from
 * then on. It stays dumpable, so that virtiofs-inspect can attach to it as its own user.
 */
#ifndef VIRTIOFS_FUSE_SANDBOX_H
#define VIRTIOFS_FUSE_SANDBOX_H

#include <stdbool.h>

enum sandbox_mode {
	SANDBOX_AUTO, /* as much as this machine allows */
	SANDBOX_OFF,
	SANDBOX_ON, /* all of it, or it is an error */
};

struct sandbox {
	enum sandbox_mode mode;
	bool trace; /* say what it came to */
};

/* To be called before anything is opened: close what was inherited, but @keep (-1: nothing). */
void sandbox_close_inherited(const struct sandbox *sandbox, int keep);

/* The functions that return an int give 0, or -1 after the one line that says why. */

/*
 * Give up capabilities and the gain of new ones by programs that are started. Threads have them
 * each, so it comes before any is started.
 */
int sandbox_drop(const struct sandbox *sandbox);

/*
 * Let the process do only what it does while it serves and at its end, in all threads, those that
 * are started later included. Nothing can be opened, connected or run any more. @uring: there are
 * rings of io_uring, which are ready; it is for who made them to restrict them, as what goes
 * through them is not seen here.
 */
int sandbox_enter(const struct sandbox *sandbox, bool uring);

#endif
