/* SPDX-License-Identifier: MIT */
/*
 * A socket that takes commands, a line each: a fault as in faults.h, or "clear". Each is answered
 * by "ok" or "error: ..." on a line.
 */
#ifndef DEVICE_CONTROL_H
#define DEVICE_CONTROL_H

/* Listen at @path in a thread of its own. -errno */
int control_start(const char *path);

#endif
