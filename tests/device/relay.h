/* SPDX-License-Identifier: MIT */
/*
 * The engine that hands requests on to another vhost-user back end, and its answers back: the
 * semantics of a real daemon behind whatever this device has in front.
 */
#ifndef DEVICE_RELAY_H
#define DEVICE_RELAY_H

#include "request.h"

/* To the daemon that listens at @path. NULL, having said why. */
struct engine *relay_create(const char *path);

#endif
