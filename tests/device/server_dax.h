/* SPDX-License-Identifier: MIT */
/* What libfuse's server does not do: show parts of files in the DAX window. */
#ifndef DEVICE_SERVER_DAX_H
#define DEVICE_SERVER_DAX_H

#include "dax.h"
#include "tree.h"

/*
 * Requests FUSE_SETUPMAPPING and FUSE_REMOVEMAPPING, checked by fuse_check(). 0 or -errno; -EIO:
 * the front end refused.
 */
int server_setup_mapping(struct tree *tree, struct dax *dax, const void *message);

/*
 * Once more, for a front end that shows no file that is shorter than the mapping, as QEMU: the
 * file is as long for the moment. Nobody may look at it meanwhile.
 */
int server_setup_padded_mapping(struct tree *tree, struct dax *dax, const void *message);

int server_remove_mapping(struct dax *dax, const void *message);

/* FUSE_SYNCFS: all that was written in the window is in its files, and on the disk. */
int server_sync(struct tree *tree, struct dax *dax);

#endif
