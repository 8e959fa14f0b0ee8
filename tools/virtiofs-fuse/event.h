/* SPDX-License-Identifier: MIT */
/*
 * Eventfds that wake a thread of the bridge. The library's own (core/core.h) are not to be had in
 * what is tested on a stub of it.
 */
#ifndef VIRTIOFS_FUSE_EVENT_H
#define VIRTIOFS_FUSE_EVENT_H

#include <sys/eventfd.h>

static inline void event_set(int fd)
{
	/* An eventfd has room for it. */
	eventfd_write(fd, 1);
}

static inline void event_clear(int fd)
{
	eventfd_t value;

	/* It says no more than that there may be something. */
	(void)eventfd_read(fd, &value);
}

#endif
