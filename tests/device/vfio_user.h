/* SPDX-License-Identifier: MIT */
/*
 * The device as a vfio-user server: a PCI function on a socket, for a client (QEMU's
 * vfio-user-pci, or a driver that is its own client) at a time.
 * https://www.qemu.org/docs/master/interop/vfio-user.html
 */
#ifndef DEVICE_VFIO_USER_H
#define DEVICE_VFIO_USER_H

#include "device.h"

/* Serve clients on @path until something fails for good. -errno */
int vfio_user_serve(struct device *device, const char *path);

#endif
