/* SPDX-License-Identifier: MIT */
/*
 * allow_root. The kernel knows allow_other only; that nobody but the owner and root gets in is
 * enforced here, as libfuse's own loop does it.
 */
#ifndef VIRTIOFS_FUSE_ACCESS_H
#define VIRTIOFS_FUSE_ACCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include <vfs/fuse_abi.h>

/* Whether somebody who is neither root nor @owner asks for what only they may have. */
bool access_denied(const struct fuse_in_header *header, uid_t owner);

#endif
