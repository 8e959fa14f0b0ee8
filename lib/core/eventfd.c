/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/core.h"

int vfs_eventfd_create(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return vfs_error(-errno, "cannot create an eventfd: %s", strerror(errno));
	return fd;
}

void vfs_eventfd_signal(int fd)
{
	const uint64_t one = 1;
	ssize_t n;

	/* It is readable already where nothing can be added. */
	do {
		n = write(fd, &one, sizeof(one));
	} while (n < 0 && errno == EINTR);
}

bool vfs_eventfd_clear(int fd)
{
	uint64_t count;
	ssize_t n;

	do {
		n = read(fd, &count, sizeof(count));
	} while (n < 0 && errno == EINTR);
	return n == sizeof(count);
}
