/* SPDX-License-Identifier: MIT */
/* The event loop: what the kernel asks goes to the device, what the device answers back. */
#ifndef VIRTIOFS_FUSE_RELAY_H
#define VIRTIOFS_FUSE_RELAY_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "figures.h"
#include "intake.h"
#include "looking.h"
#include "unmount.h"

struct mount;
struct vfs_device;
struct window;

enum relay_state {
	RELAY_SERVING,
	RELAY_UNMOUNTING, /* a signal came: serve on until the mount is gone */
	RELAY_DETACHED,	  /* it is gone, or detached: what was written before is still coming in */
	RELAY_DRAINING,	  /* take nothing new */
	RELAY_ENDED,
};

struct relay {
	struct mount *mount;
	struct vfs_device *device;
	struct vfs_session *session;
	struct vfs_queue *queue;
	struct window *window; /* NULL: none */
	struct intake intake;
	struct figures figures;
	struct looking looking;
	struct unmount unmount;
	sigset_t while_waiting;
	enum relay_state state;
	unsigned int waits;
	bool lock_wait;
	bool armed;	     /* an answer makes an interrupt */
	bool forgets_wait;   /* for room in the hiprio queue */
	int64_t deadline_ms; /* for the end, once a signal has come */
	int timeout_ms;
	int result;
};

struct relay_options {
	struct window *window; /* NULL: none; freed by the caller, after relay_run() */
	int timeout_ms;
	enum vfs_poll poll;
	bool allow_root;
	bool trace;
	bool notices;		/* are relayed, see notices.h */
	bool lock_wait;		/* a lock may be answered by a notification */
	sigset_t while_waiting; /* lets the ending signals in */
};

void relay_init(struct relay *relay, struct mount *mount, struct vfs_device *device,
	struct vfs_session *session, const struct relay_options *options);

/*
 * Serve until it is unmounted, a signal comes or the device fails. 0 for a clean end, -1 after
 * the one line that says what went wrong.
 */
int relay_run(struct relay *relay);

/* The mount has to be gone. */
void relay_free(struct relay *relay);

#endif
