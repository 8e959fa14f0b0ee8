/* SPDX-License-Identifier: MIT */
/* A session on the device, and the file that is worked on. */
#ifndef BENCH_CONNECTION_H
#define BENCH_CONNECTION_H

#include "options.h"

struct connection {
	struct vfs_device *device;
	struct vfs_session *session;
	uint64_t node;
	uint64_t fh;
	uint64_t file_size;
	uint64_t lookups; /* of the node, to be forgotten */
};

/* 0, or negative with a message in vfs_last_error(). */
int connection_open(const struct options *options, struct connection *connection);
void connection_close(const struct options *options, struct connection *connection);

#endif
