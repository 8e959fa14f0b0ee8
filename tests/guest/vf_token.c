/* SPDX-License-Identifier: MIT */
/*
 * The kernel's side of a VF token: a physical function is opened with one, and its virtual function
 * as the library does it. That is no virtio-fs device, so with the right token it is refused for
 * being none, and with another one it is not given at all.
 *
 *	guest-vf-token PF-BDF VF-BDF
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <vfs/device.h>
#include <vfs/error.h>

#include "vfio_files.h"

#define NO_FDS                                                            \
	{                                                                 \
		.device = -1, .iommufd = -1, .group = -1, .container = -1 \
	}
#define TOKEN	    "bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3"
#define OTHER_TOKEN "bd8d9d2b-5a5f-4f5a-a211-f591514ba1f4"

static void refuses(const char *bdf, const struct vfs_vfio_fds *fds, const char *token, int error,
	const char *says)
{
	struct vfs_device_options options = {.vfio_fds = fds, .vf_token = token};
	struct vfs_device *device;

	if (vfs_device_open(bdf, &options, &device) != error || !strstr(vfs_last_error(), says))
		give_up(says, vfs_last_error());
	printf("%s\n", vfs_last_error());
}

int main(int argc, char **argv)
{
	struct vfs_vfio_fds physical = NO_FDS;
	struct vfs_vfio_fds virtual = NO_FDS;

	if (argc != 3)
		give_up("usage", "guest-vf-token PF-BDF VF-BDF");
	open_group(argv[1], &physical);
	open_device_of_group(argv[1], TOKEN, &physical);
	open_group(argv[2], &virtual);
	refuses(argv[2], &virtual, NULL, -EACCES, "asks for a vf_token");
	refuses(argv[2], &virtual, OTHER_TOKEN, -EACCES, "its vf_token is another one");
	refuses(argv[2], &virtual, TOKEN, -ENODEV, "is not a virtio-fs device");
	return 0;
}
