/* SPDX-License-Identifier: MIT */
/* The engine that serves a directory, with libfuse's low-level server. */
#ifndef DEVICE_SERVER_H
#define DEVICE_SERVER_H

#include <stdbool.h>

#include "dax.h"
#include "request.h"

/* With a DAX window or, NULL, none. NULL, having said why. */
struct engine *server_create(const char *directory, struct dax *dax, bool writeback);

#endif
