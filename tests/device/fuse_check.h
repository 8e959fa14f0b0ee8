/* SPDX-License-Identifier: MIT */
/* Is a FUSE request whole? libfuse's server trusts what it is given; a driver cannot be trusted. */
#ifndef DEVICE_FUSE_CHECK_H
#define DEVICE_FUSE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* @message, @size bytes, is one request as its header says, with all fields and names in it. */
bool fuse_check(const void *message, size_t size);

#endif
