/* SPDX-License-Identifier: MIT */
#include "access.h"

/*
 * These act on a file that was opened, by somebody who was allowed to, and may come in the name
 * of another process: of the kernel's write-back, or of one that inherited the descriptor.
 */
static bool on_open_file(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_READ:
	case FUSE_WRITE:
	case FUSE_FSYNC:
	case FUSE_RELEASE:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
	case FUSE_FSYNCDIR:
	case FUSE_RELEASEDIR:
		return true;
	default:
		return false;
	}
}

bool access_denied(const struct fuse_in_header *header, uid_t owner)
{
	return header->uid != 0 && header->uid != owner && !on_open_file(header->opcode);
}
