/* SPDX-License-Identifier: MIT */
/* -d: a line for each request. */
#ifndef VIRTIOFS_FUSE_TRACE_H
#define VIRTIOFS_FUSE_TRACE_H

#include <vfs/fuse_abi.h>

struct vfs_request;

/* One that the server answered. */
void trace_request(struct vfs_request *request);

/* One that the bridge dealt with. @what: "sent on hiprio", "dropped", ... */
void trace_own(const struct fuse_in_header *header, const char *what);

void trace_init(const struct fuse_init_out *answer);

#endif
