/* SPDX-License-Identifier: MIT */
/* The engine that serves a directory, with libfuse's low-level server. */
#ifndef DEVICE_SERVER_H
#define DEVICE_SERVER_H

#include <stdbool.h>

#include "dax.h"
#include "request.h"

struct server_options {
	struct dax *dax; /* a window; NULL: none */
	bool writeback;	 /* drivers may keep back what was written */
	bool marks;	 /* say which files belong into the window (marks.h) */
};

/* NULL, having said why. */
struct engine *server_create(const char *directory, const struct server_options *options);

#endif
