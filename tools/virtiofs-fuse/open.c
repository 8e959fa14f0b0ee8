/* SPDX-License-Identifier: MIT */
#include "open.h"

#include <vfs/device.h>
#include <vfs/fuse_abi.h>
#include <vfs/session.h>

#include "notices.h"
#include "options.h"
#include "plan.h"

int open_device(const struct options *options, const char *name, struct vfs_device **device)
{
	struct vfs_device_options how = {
		.dma = options->dma,
		.vfio = options->vfio,
		.vf_token = options->vf_token,
	};

	return vfs_device_open(name, &how, device);
}

int open_session(const struct options *options, const struct plan *plan, struct vfs_device *device,
	struct vfs_session **session)
{
	struct vfs_session_options how = {
		.num_queues = plan->num_queues,
		.depth = plan->depth,
		/* The kernel reads messages of up to FUSE_MIN_READ_BUFFER whatever it writes. */
		.max_payload = options->max_write < FUSE_MIN_READ_BUFFER ? FUSE_MIN_READ_BUFFER
									 : options->max_write,
		.timeout_ms = options->timeout * 1000,
		.notify_buffers = NOTICES_BUFFERS,
		.quirks = options->quirks,
		.hugepages = (enum vfs_hugepages)options->hugepages,
	};

	return vfs_session_create(device, &how, session);
}

bool open_serves_mounts(const struct vfs_session *session)
{
	return vfs_session_max_payload(session) >= FUSE_MIN_READ_BUFFER;
}
