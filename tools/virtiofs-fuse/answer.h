/* SPDX-License-Identifier: MIT */
/* Answers to the kernel. */
#ifndef VIRTIOFS_FUSE_ANSWER_H
#define VIRTIOFS_FUSE_ANSWER_H

#include <stddef.h>
#include <stdint.h>

struct vfs_request;

/* @error is 0 or a negative errno. */
void answer_error(int fuse_fd, uint64_t unique, int error);

/* An answer of @size bytes that the bridge has itself. */
void answer_data(int fuse_fd, uint64_t unique, void *data, size_t size);

/* Hand a completed request's answer on, from the memory that the device wrote it to. */
void answer_request(int fuse_fd, const struct vfs_request *request);

#endif
