/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>

#include <linux/fuse.h>

#include "marks.h"

/* Newer than what Debian 12's header is sure to have. */
#ifndef FUSE_HAS_INODE_DAX
#define FUSE_HAS_INODE_DAX (1ULL << 33)
#endif

void marks_agree(struct fuse_init_out *out)
{
	if (out->flags & FUSE_INIT_EXT)
		out->flags2 |= (uint32_t)(FUSE_HAS_INODE_DAX >> 32);
}

/* Attributes that begin there. */
static void put(struct iovec body, size_t offset)
{
	struct fuse_attr attr;

	if (body.iov_len < offset + sizeof(attr))
		return;
	memcpy(&attr, (char *)body.iov_base + offset, sizeof(attr));
	if (S_ISREG(attr.mode) && (attr.mode & S_ISVTX))
		attr.flags |= FUSE_ATTR_DAX;
	memcpy((char *)body.iov_base + offset, &attr, sizeof(attr));
}

static void put_into_all(struct iovec body)
{
	const size_t attr = offsetof(struct fuse_direntplus, entry_out.attr);
	size_t offset = 0;

	while (offset + FUSE_NAME_OFFSET_DIRENTPLUS <= body.iov_len) {
		struct fuse_direntplus entry;

		memcpy(&entry, (char *)body.iov_base + offset, FUSE_NAME_OFFSET_DIRENTPLUS);
		put(body, offset + attr);
		offset += FUSE_DIRENTPLUS_SIZE(&entry);
	}
}

void marks_put(uint32_t opcode, struct iovec body)
{
	switch (opcode) {
	case FUSE_LOOKUP:
	case FUSE_MKNOD:
	case FUSE_LINK:
	case FUSE_CREATE:
		put(body, offsetof(struct fuse_entry_out, attr));
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		put(body, offsetof(struct fuse_attr_out, attr));
		break;
	case FUSE_READDIRPLUS:
		put_into_all(body);
		break;
	default:
		break;
	}
}
