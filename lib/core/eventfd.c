/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/core.h"

int vfs_eventfd_create(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return vfs_error(-errno, "cannot create an eventfd: %s", strerror(errno));
	return fd;
}

/*
 * An eventfd that is shared with another process is shared with its flags: that process can make
 * it one that blocks, and fill it. So neither function relies on O_NONBLOCK.
 */
static bool is_ready(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, 0) > 0 && (p.revents & events);
}

void vfs_eventfd_signal(int fd)
{
	const uint64_t one = 1;
	ssize_t n;

	/* It is readable already where nothing can be added. */
	do {
		n = is_ready(fd, POLLOUT) ? write(fd, &one, sizeof(one)) : 0;
	} while (n < 0 && errno == EINTR);
}

static ssize_t read_now(int fd, uint64_t *count)
{
	const struct iovec iov = {.iov_base = count, .iov_len = sizeof(*count)};
	ssize_t n = preadv2(fd, &iov, 1, -1, RWF_NOWAIT);

	if (n >= 0 || errno != EOPNOTSUPP)
		return n;
	/* Linux before 5.8 does not know that for an eventfd. */
	return is_ready(fd, POLLIN) ? read(fd, count, sizeof(*count)) : 0;
}

bool vfs_eventfd_clear(int fd)
{
	uint64_t count;
	ssize_t n;

	do {
		n = read_now(fd, &count);
	} while (n < 0 && errno == EINTR);
	return n == sizeof(count);
}
