/* SPDX-License-Identifier: MIT */
#include "rings.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define SWITCH "/sys/module/fuse/parameters/enable_uring"

/* Held by all who need it, as tests/lib/rings.sh does. */
#define LOCK "/tmp/libvirtiofs-rings.lock"

static int lock_fd = -1;
static char before;

static bool set(char value)
{
	int fd = open(SWITCH, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, &value, 1) == 1;

	close(fd);
	return done;
}

bool rings_begin(void)
{
	int fd = open(SWITCH, O_RDONLY | O_CLOEXEC);
	bool known = fd >= 0 && read(fd, &before, 1) == 1;

	close(fd);
	lock_fd = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return known && lock_fd >= 0 && !flock(lock_fd, LOCK_SH) && set('Y');
}

void rings_allow(bool allow)
{
	if (!allow)
		flock(lock_fd, LOCK_EX);
	set(allow ? 'Y' : 'N');
	if (allow)
		flock(lock_fd, LOCK_SH);
}

void rings_end(void)
{
	if (before == 'N' && !flock(lock_fd, LOCK_EX | LOCK_NB))
		set('N');
	close(lock_fd);
}
