/* SPDX-License-Identifier: MIT */
#include "unmount.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "mount.h"
#include "unmounter.h"

int unmount_start(struct unmount *unmount, const struct mount *mount)
{
	int error;

	/* Where it is mounted knows only who did that. */
	if (mount->handed_in)
		return -ENOTSUP;
	error = unmounter_ask(&mount->unmounter, UNMOUNT_WRITTEN_BACK);
	if (error)
		return error;
	unmount->done_fd = fcntl(mount->unmounter.fd, F_DUPFD_CLOEXEC, 0);
	return unmount->done_fd < 0 ? -errno : 0;
}

void unmount_join(struct unmount *unmount)
{
	if (unmount->done_fd < 0)
		return;
	close(unmount->done_fd);
	unmount->done_fd = -1;
}
