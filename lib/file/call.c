/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "file/notices.h"

struct vfs_call vfs_call_begin(struct vfs_fs *fs, const char *what, const char *path)
{
	vfs_notices_take(fs);
	return (struct vfs_call){.fs = fs, .what = what, .path = path, .errors = vfs_error_count()};
}

/* Errors of which there is more to say than their number does. */
static bool needs_detail(int64_t r)
{
	return r == -EIO || r == -ETIMEDOUT || r == -ENODEV || r == -ENOMEM;
}

int64_t vfs_call_end(const struct vfs_call *call, int64_t r)
{
	const char *device = vfs_device_info(call->fs->device)->name;
	const char *path = call->path ? call->path : "";

	if (r >= 0)
		return r;
	if (needs_detail(r) && vfs_error_count() != call->errors)
		vfs_error_prefix("%s '%s' on %s", call->what, path, device);
	else
		vfs_error((int)r, "%s '%s' on %s: %s", call->what, path, device, strerror((int)-r));
	return r;
}
