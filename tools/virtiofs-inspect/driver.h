/* SPDX-License-Identifier: MIT */
/* Give a PCI function to a driver, by sysfs. */
#ifndef INSPECT_DRIVER_H
#define INSPECT_DRIVER_H

#include <stdbool.h>

/* The program that loads modules; tests have one of their own. */
extern const char *inspect_modprobe; /* "/sbin/modprobe" */

/* Does the kernel have this PCI driver now? */
bool driver_exists(const char *driver);

/* Run modprobe; what it has to say is not shown, look whether the driver is there now. */
void driver_load_module(const char *module);

/* May we bind and unbind? -EACCES, -EROFS with what to do. */
int driver_check_permission(const char *bdf);

/*
 * Take a function from its driver and give it to @driver. @override: allow that driver only
 * (vfio-pci takes no other way); otherwise whichever matches. On error it is with the driver
 * that it had, or the message says that it is not.
 */
int driver_switch(const char *bdf, const char *driver, bool override);

#endif
