/* SPDX-License-Identifier: MIT */
/* Opening VFIO's files as a program that does not have the library would. What fails ends it. */
#ifndef GUEST_VFIO_FILES_H
#define GUEST_VFIO_FILES_H

#include <vfs/device.h>

void __attribute__((noreturn)) give_up(const char *what, const char *why);

/* The function's own device and an iommufd. */
void open_cdev(const char *bdf, struct vfs_vfio_fds *fds);

/* Its group and a container. */
void open_group(const char *bdf, struct vfs_vfio_fds *fds);

/* After open_group(): put one into the other, and get the function. @token: NULL for none. */
void open_device_of_group(const char *bdf, const char *token, struct vfs_vfio_fds *fds);

#endif
