/* SPDX-License-Identifier: MIT */
/*
 * The device as a vhost-user back end: a socket on which front ends (QEMU, or a driver that is
 * its own front end) come and go, one at a time.
 * https://qemu-project.gitlab.io/qemu/interop/vhost-user.html
 */
#ifndef DEVICE_VHOST_USER_H
#define DEVICE_VHOST_USER_H

#include "device.h"

/* Serve front ends on @path, one after the other, until something fails for good. -errno */
int vhost_user_serve(struct device *device, const char *path);

#endif
