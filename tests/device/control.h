/* SPDX-License-Identifier: MIT */
/*
 * A socket that takes commands, a line each: a fault as in faults.h, "clear", "notify" and a
 * notification as in notifier.h, "stall" to leave requests in the rings and "resume", "retrieved"
 * for the answer to one, "counts" as in counts.h, or "held" for the nodes, lookups and open files
 * that the driver has. Each is answered by "ok", and what was asked for, or "error: ..." on a line.
 */
#ifndef DEVICE_CONTROL_H
#define DEVICE_CONTROL_H

struct device;

/* Listen at @path in a thread of its own, for as long as the program runs. -errno */
int control_start(const char *path, struct device *device);

#endif
