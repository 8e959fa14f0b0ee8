/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/core.h"
#include "transport/pci_events.h"

void vfs_pci_events_init(struct vfs_pci_events *events, struct vfs_pci *pci)
{
	*events = (struct vfs_pci_events){.pci = pci, .epoll = -1};
	memset(events->fds, 0xff, sizeof(events->fds));
}

static int watch(const struct vfs_pci_events *events, int fd, uint32_t what)
{
	struct epoll_event event = {.events = what};

	if (epoll_ctl(events->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return vfs_error(-errno, "cannot watch a descriptor: %s", strerror(errno));
	return 0;
}

int vfs_pci_events_open(struct vfs_pci_events *events)
{
	struct vfs_pci *pci = events->pci;
	unsigned int i;
	int r = 0;

	events->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (events->epoll < 0)
		return vfs_error(-errno, "cannot create an epoll: %s", strerror(errno));
	for (i = 0; i < VFS_PCI_NUM_EVENTS && r == 0; i++) {
		events->fds[i] = vfs_eventfd_create();
		r = events->fds[i] < 0 ? events->fds[i] : watch(events, events->fds[i], EPOLLIN);
	}
	if (r == 0 && pci->ops->hangup_fd)
		r = watch(events, pci->ops->hangup_fd(pci), EPOLLRDHUP);
	if (r < 0)
		return r;
	/* Not every function has these two; without them its loss shows in its status only. */
	(void)pci->ops->set_irqs(pci, VFS_PCI_IRQ_ERROR, &events->fds[VFS_PCI_EVENT_ERROR], 1);
	(void)pci->ops->set_irqs(pci, VFS_PCI_IRQ_REQUEST, &events->fds[VFS_PCI_EVENT_REQUEST], 1);
	return 0;
}

static bool take(const struct vfs_pci_events *events, enum vfs_pci_event event)
{
	struct pollfd p = {.fd = events->fds[event], .events = POLLIN};

	if (poll(&p, 1, 0) <= 0)
		return false;
	vfs_eventfd_clear(events->fds[event]);
	return true;
}

int vfs_pci_events_check(struct vfs_pci_events *events)
{
	struct vfs_pci *pci = events->pci;

	/* The status is for the virtio layer to look at. */
	take(events, VFS_PCI_EVENT_CONFIG);
	if (take(events, VFS_PCI_EVENT_REQUEST))
		events->failed = -ENODEV;
	if (take(events, VFS_PCI_EVENT_ERROR) && !events->failed)
		events->failed = -EIO;
	if (pci->ops->check) {
		int r = pci->ops->check(pci);

		if (r < 0)
			return r;
	}
	if (events->failed == -ENODEV)
		return vfs_error(-ENODEV, "%s is being removed", pci->name);
	if (events->failed)
		return vfs_error(events->failed, "%s: the PCI bus reported an error", pci->name);
	return 0;
}

void vfs_pci_events_fini(struct vfs_pci_events *events)
{
	unsigned int i;

	for (i = 0; i < VFS_PCI_NUM_EVENTS; i++)
		if (events->fds[i] >= 0)
			close(events->fds[i]);
	if (events->epoll >= 0)
		close(events->epoll);
}
