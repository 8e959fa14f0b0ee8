/* SPDX-License-Identifier: MIT */
/*
 * What the kernel asks goes to the device, what the device answers back. Workers do that; here it
 * is decided when they begin and end, and what happens when one of the sides is lost.
 */
#ifndef VIRTIOFS_FUSE_RELAY_H
#define VIRTIOFS_FUSE_RELAY_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "crew.h"
#include "device_loss.h"
#include "held.h"
#include "interrupts.h"
#include "unmount.h"

struct mount;
struct vfs_device;
struct vfs_session;

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
	const struct plan *plan;
	struct crew crew;
	struct interrupts interrupts;
	struct held held;
	struct unmount unmount;
	sigset_t while_waiting;
	enum relay_state state;
	enum device_loss device_loss;
	bool lost;	     /* the device, and the mount stays */
	bool failed;	     /* and it was said why */
	bool given_up;	     /* on what was under way */
	int64_t deadline_ms; /* for the end, once a signal has come */
	int64_t silent_ms;   /* when the mount was last seen to be used, while it is detached */
	unsigned long seen;  /* messages until then */
	int timeout_ms;
	int result;
	int wake_fd;		  /* something of the following has happened */
	atomic_int kernel_gone;	  /* an error of read(2) */
	atomic_int device_failed; /* -errno */
	atomic_bool forgets_wait; /* for room in the hiprio queue */
};

struct relay_options {
	struct crew_options crew;
	enum device_loss device_loss;
	int timeout_ms;
	sigset_t while_waiting; /* lets the ending signals in */
};

/* 0, or -1 after the line that says what is wrong. */
int relay_init(struct relay *relay, struct mount *mount, struct vfs_device *device,
	struct vfs_session *session, const struct relay_options *options);

/*
 * Have the kernel served from now on. 0, or -1 after the line that says what is in the way, to be
 * freed as well.
 */
int relay_start(struct relay *relay);

/*
 * Serve until it is unmounted, a signal comes or the device fails. 0 for a clean end, -1 after
 * the one line that says what went wrong.
 */
int relay_run(struct relay *relay);

/* In case that it was started and not run: give up what is under way. */
void relay_stop(struct relay *relay);

/* The mount has to be gone. */
void relay_free(struct relay *relay);

#endif
