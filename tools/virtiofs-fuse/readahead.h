/* SPDX-License-Identifier: MIT */
/*
 * How much the kernel reads ahead on a mount. The answer to FUSE_INIT can only make it less.
 */
#ifndef VIRTIOFS_FUSE_READAHEAD_H
#define VIRTIOFS_FUSE_READAHEAD_H

#include <stdint.h>

struct mount;

/* Only root may; it stays as it is for others, and on a mount that was handed in. */
void readahead_raise(const struct mount *mount, uint32_t bytes);

#endif
