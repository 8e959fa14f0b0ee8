/* SPDX-License-Identifier: MIT */
/* The engine that serves a directory, with libfuse's low-level server. */
#ifndef DEVICE_SERVER_H
#define DEVICE_SERVER_H

#include "request.h"

/* NULL, having said why. */
struct engine *server_create(const char *directory);

#endif
