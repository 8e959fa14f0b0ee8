/* SPDX-License-Identifier: MIT */
/* cache=: how long the kernel may keep what the server has answered. */
#ifndef VIRTIOFS_FUSE_CACHE_MODE_H
#define VIRTIOFS_FUSE_CACHE_MODE_H

#include <stddef.h>
#include <stdint.h>

enum cache_mode {
	CACHE_AUTO,   /* as the server says */
	CACHE_NONE,   /* not at all */
	CACHE_ALWAYS, /* for long */
};

/*
 * Changes the answer to a message with this @opcode before the kernel gets it. @body is what comes
 * after its header, @size bytes, aligned to 8; the device may still be writing there.
 */
void cache_mode_apply(enum cache_mode mode, uint32_t opcode, void *body, size_t size);

#endif
