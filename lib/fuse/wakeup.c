/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/core.h"
#include "fuse/wakeup.h"

void vfs_wakeup_init(struct vfs_wakeup *wakeup)
{
	*wakeup = (struct vfs_wakeup){.fd = -1, .interrupt = -1, .own = -1, .next = wakeup};
}

void vfs_wakeup_attach(struct vfs_wakeup *wakeup, int interrupt)
{
	wakeup->fd = wakeup->interrupt = interrupt;
}

static int watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/* One descriptor that is readable when the interrupt's or its own is. */
static int give_own(struct vfs_wakeup *wakeup)
{
	int own;
	int both;

	if (wakeup->own >= 0)
		return 0;
	own = vfs_eventfd_create();
	if (own < 0)
		return own;
	both = epoll_create1(EPOLL_CLOEXEC);
	if (both < 0 || watch(both, own) < 0 || watch(both, wakeup->interrupt) < 0) {
		int r = vfs_error(-errno, "cannot watch an interrupt: %s", strerror(errno));

		if (both >= 0)
			close(both);
		close(own);
		return r;
	}
	wakeup->own = own;
	wakeup->fd = both;
	return 0;
}

int vfs_wakeup_share(struct vfs_wakeup *wakeup, struct vfs_wakeup *other)
{
	int r = give_own(wakeup);

	if (r == 0)
		r = give_own(other);
	if (r < 0)
		return r;
	wakeup->next = other->next;
	other->next = wakeup;
	return 0;
}

void vfs_wakeup_fini(struct vfs_wakeup *wakeup)
{
	if (wakeup->own >= 0) {
		close(wakeup->fd);
		close(wakeup->own);
	}
	vfs_wakeup_init(wakeup);
}

bool vfs_wakeup_clear(struct vfs_wakeup *wakeup)
{
	const struct vfs_wakeup *other;
	bool was_set;

	if (wakeup->interrupt < 0)
		return false;
	if (wakeup->own < 0)
		return vfs_eventfd_clear(wakeup->interrupt);
	was_set = vfs_eventfd_clear(wakeup->own);
	if (!vfs_eventfd_clear(wakeup->interrupt))
		return was_set;
	for (other = wakeup->next; other != wakeup; other = other->next)
		vfs_eventfd_signal(other->own);
	return true;
}

void vfs_wakeup_signal(const struct vfs_wakeup *wakeup)
{
	if (wakeup->interrupt >= 0)
		vfs_eventfd_signal(wakeup->own >= 0 ? wakeup->own : wakeup->interrupt);
}
