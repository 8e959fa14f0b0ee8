/* SPDX-License-Identifier: MIT */
/* What the device has to say, on stderr, a line at a time. */
#ifndef DEVICE_SAY_H
#define DEVICE_SAY_H

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
