/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "passthrough.h"
#include "say.h"

/* NULL: there are no copies to be kept. */
static struct dax *copies_of(fuse_req_t request)
{
	struct dax *dax = served_by(request)->dax;

	return dax && dax_copies(dax) ? dax : NULL;
}

static void check(int r)
{
	if (r < 0)
		say("window: %s", strerror(-r));
}

void window_collect(fuse_req_t request, int fd)
{
	struct dax *dax = copies_of(request);
	int error = errno;

	if (dax && fd >= 0)
		check(dax_collect(dax, fd));
	errno = error;
}

uint64_t window_before_change(fuse_req_t request, int fd)
{
	int error = errno;
	struct stat stat = {0};

	window_collect(request, fd);
	if (fd >= 0 && fstat(fd, &stat) < 0)
		stat.st_size = 0;
	errno = error;
	return (uint64_t)stat.st_size;
}

void window_after_change(fuse_req_t request, int fd, uint64_t old_size, uint64_t from, uint64_t to)
{
	struct dax *dax = copies_of(request);
	int error = errno;

	if (dax && fd >= 0)
		check(dax_refresh(dax, fd, from < old_size ? from : old_size, to, true));
	errno = error;
}

void window_opened(fuse_req_t request, int fd, bool truncated)
{
	struct dax *dax = copies_of(request);
	int error = errno;

	if (dax && fd >= 0)
		check(dax_refresh(dax, fd, 0, UINT64_MAX, truncated));
	errno = error;
}
