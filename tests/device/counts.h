/* SPDX-License-Identifier: MIT */
/* What the device was sent since it was started, to be compared with what a driver says it sent. */
#ifndef DEVICE_COUNTS_H
#define DEVICE_COUNTS_H

#include <stddef.h>

/* A message came. */
void counts_add(const void *message, size_t length);

/* A line "forgotten=N OPCODE=N ..." of lookups that were given back and of messages; no newline. */
void counts_print(char *line, size_t size);

#endif
