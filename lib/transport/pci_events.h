/* SPDX-License-Identifier: MIT */
/*
 * What happens to a PCI function besides its queues: errors of the bus, its removal, changes of its
 * configuration, the loss of the process that it is.
 */
#ifndef VFS_PCI_EVENTS_H
#define VFS_PCI_EVENTS_H

#include "transport/pci.h"

enum vfs_pci_event {
	VFS_PCI_EVENT_ERROR,
	VFS_PCI_EVENT_REQUEST,
	VFS_PCI_EVENT_CONFIG,
	VFS_PCI_NUM_EVENTS,
};

struct vfs_pci_events {
	struct vfs_pci *pci;
	int fds[VFS_PCI_NUM_EVENTS]; /* eventfds */
	int epoll;		     /* of all that there is to be heard of */
	int failed;		     /* 0, -ENODEV, -EIO: what was found, for good */
};

/* Nothing is open, so that fini may follow. */
void vfs_pci_events_init(struct vfs_pci_events *events, struct vfs_pci *pci);

/* Have the function signal errors and its removal. The configuration interrupt is not set up here.
 */
int vfs_pci_events_open(struct vfs_pci_events *events);

/* 0. -ENODEV: the function is gone, or is wanted back. -EIO: the bus reported an error of it. */
int vfs_pci_events_check(struct vfs_pci_events *events);

/* After the function was closed. */
void vfs_pci_events_fini(struct vfs_pci_events *events);

#endif
