/* SPDX-License-Identifier: MIT */
/*
 * What wakes the thread of a queue. A queue with an interrupt of its own has the transport's
 * eventfd. Where queues share one (fewer MSI-X vectors than queues), whoever takes the interrupt
 * passes it on to the eventfds that the others have for themselves: a thread never swallows what
 * another one has to hear.
 */
#ifndef VFS_WAKEUP_H
#define VFS_WAKEUP_H

#include <stdbool.h>

struct vfs_wakeup {
	int fd;			 /* to be polled; -1: there are no interrupts */
	int interrupt;		 /* the transport's */
	int own;		 /* -1: the interrupt is not shared */
	struct vfs_wakeup *next; /* of those that share it, in a circle; itself if alone */
};

void vfs_wakeup_init(struct vfs_wakeup *wakeup);

/* @interrupt belongs to the transport; nobody else has it, or vfs_wakeup_share() follows. */
void vfs_wakeup_attach(struct vfs_wakeup *wakeup, int interrupt);

/* These two have the same interrupt: give both an eventfd of their own. */
int vfs_wakeup_share(struct vfs_wakeup *wakeup, struct vfs_wakeup *other);

void vfs_wakeup_fini(struct vfs_wakeup *wakeup);

/* Make the descriptor unreadable until the next interrupt. False: it was not readable. */
bool vfs_wakeup_clear(struct vfs_wakeup *wakeup);

/* Wake who waits. */
void vfs_wakeup_signal(const struct vfs_wakeup *wakeup);

#endif
