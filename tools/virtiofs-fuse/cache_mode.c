/* SPDX-License-Identifier: MIT */
#include "cache_mode.h"

#include <stdbool.h>

#include <vfs/fuse_abi.h>

/* A day, as virtiofsd has it. */
#define LONG_SECONDS 86400

static uint64_t seconds(enum cache_mode mode)
{
	return mode == CACHE_ALWAYS ? LONG_SECONDS : 0;
}

static void change_entry(enum cache_mode mode, struct fuse_entry_out *entry)
{
	entry->entry_valid = seconds(mode);
	entry->attr_valid = seconds(mode);
	entry->entry_valid_nsec = 0;
	entry->attr_valid_nsec = 0;
}

static void change_open(enum cache_mode mode, struct fuse_open_out *opened, bool directory)
{
	const uint32_t keep = FOPEN_KEEP_CACHE | (directory ? FOPEN_CACHE_DIR : 0);

	if (mode == CACHE_ALWAYS)
		opened->open_flags |= keep;
	else
		opened->open_flags = (opened->open_flags & ~keep) |
				     (directory ? 0 : FOPEN_DIRECT_IO);
}

static void change_entries(enum cache_mode mode, char *body, size_t size)
{
	while (size >= sizeof(struct fuse_direntplus)) {
		struct fuse_direntplus *entry = (struct fuse_direntplus *)body;
		uint64_t length = __atomic_load_n(&entry->dirent.namelen, __ATOMIC_RELAXED);
		uint64_t whole = FUSE_DIRENT_ALIGN(sizeof(*entry) + length);

		if (whole > size)
			return;
		change_entry(mode, &entry->entry_out);
		body += whole;
		size -= (size_t)whole;
	}
}

static void change_created(enum cache_mode mode, char *body, size_t size)
{
	if (size < sizeof(struct fuse_entry_out) + sizeof(struct fuse_open_out))
		return;
	change_entry(mode, (struct fuse_entry_out *)body);
	change_open(mode, (struct fuse_open_out *)(body + sizeof(struct fuse_entry_out)), false);
}

static void change_attr(enum cache_mode mode, struct fuse_attr_out *attr)
{
	attr->attr_valid = seconds(mode);
	attr->attr_valid_nsec = 0;
}

static void change_statx(enum cache_mode mode, struct vfs_fuse_statx_out *statx)
{
	statx->attr_valid = seconds(mode);
	statx->attr_valid_nsec = 0;
}

static void change(enum cache_mode mode, uint32_t opcode, void *body, size_t size)
{
	switch (opcode) {
	case FUSE_LOOKUP:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
		if (size >= sizeof(struct fuse_entry_out))
			change_entry(mode, body);
		break;
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		change_created(mode, body, size);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		if (size >= sizeof(struct fuse_attr_out))
			change_attr(mode, body);
		break;
	case VFS_FUSE_STATX:
		if (size >= sizeof(struct vfs_fuse_statx_out))
			change_statx(mode, body);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		if (size >= sizeof(struct fuse_open_out))
			change_open(mode, body, opcode == FUSE_OPENDIR);
		break;
	case FUSE_READDIRPLUS:
		change_entries(mode, body, size);
		break;
	}
}

void cache_mode_apply(enum cache_mode mode, uint32_t opcode, void *body, size_t size)
{
	if (mode != CACHE_AUTO)
		change(mode, opcode, body, size);
}
