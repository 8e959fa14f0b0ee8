/* SPDX-License-Identifier: MIT */
/* The window from the inside: window.c and window_io.c. */
#ifndef VIRTIOFS_FUSE_WINDOW_STATE_H
#define VIRTIOFS_FUSE_WINDOW_STATE_H

#include "jobs.h"
#include "mapper.h"
#include "nodes.h"
#include "window.h"

struct window {
	struct jobs jobs;
	struct mapper mapper;
	struct nodes nodes;
	bool ending;
	bool writes; /* WRITEs may go through it, see window_io.c */

	struct window_figures figures;
};

/* READ, WRITE; the message is a whole one. */
bool window_read(
	struct window *window, struct lane_origin *origin, struct vfs_request *slot, size_t length);
bool window_write(
	struct window *window, struct lane_origin *origin, struct vfs_request *slot, size_t length);

/* In milliseconds, coarse and cheap; never 0. */
int64_t window_now_ms(void);

#endif
