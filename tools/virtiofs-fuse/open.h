/* SPDX-License-Identifier: MIT */
/* The device and a session on it, as the options say. */
#ifndef VIRTIOFS_FUSE_OPEN_H
#define VIRTIOFS_FUSE_OPEN_H

#include <stdbool.h>

struct options;
struct plan;
struct vfs_device;
struct vfs_session;

/* 0 or -errno; report_reason() has the reason. */
int open_device(const struct options *options, const char *name, struct vfs_device **device);

int open_session(const struct options *options, const struct plan *plan, struct vfs_device *device,
	struct vfs_session **session);

/* Do its requests hold what a kernel sends? */
bool open_serves_mounts(const struct vfs_session *session);

#endif
