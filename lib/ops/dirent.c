/* SPDX-License-Identifier: MIT */
/* Entries of a directory, as READDIR and READDIRPLUS pack them. */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "ops/ops.h"

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int check_name(const struct vfs_dirent *dirent, size_t length)
{
	if (memchr(dirent->name, '\0', length) || memchr(dirent->name, '/', length))
		return vfs_error(-EIO, "the name of an entry has a NUL or a slash");
	return 0;
}

/* A whole one is there. Copied first, as the device may write to where it is. */
static int read_record(const uint8_t *bytes, size_t length, size_t entry_size,
	struct vfs_dirent *dirent, size_t *used)
{
	struct fuse_dirent head;
	size_t size;

	if (length < entry_size + FUSE_NAME_OFFSET)
		return vfs_error(-EIO, "%zu bytes are no entry of a directory", length);
	memcpy(&head, bytes + entry_size, FUSE_NAME_OFFSET);
	if (head.namelen == 0 || head.namelen >= sizeof(dirent->name))
		return vfs_error(-EIO, "the name of an entry has %u bytes", head.namelen);
	size = FUSE_REC_ALIGN(entry_size + FUSE_NAME_OFFSET + head.namelen);
	if (size > length)
		return vfs_error(-EIO, "an entry of %zu bytes in %zu bytes", size, length);
	*used = size;
	dirent->ino = head.ino;
	dirent->offset = head.off;
	dirent->type = head.type <= DT_WHT ? head.type : DT_UNKNOWN;
	memcpy(dirent->name, bytes + entry_size + FUSE_NAME_OFFSET, head.namelen);
	dirent->name[head.namelen] = '\0';
	memcpy(&dirent->entry, bytes, entry_size);
	return check_name(dirent, head.namelen);
}

static int check_node(const struct vfs_dirent *dirent)
{
	if (dirent->entry.nodeid == FUSE_ROOT_ID)
		return vfs_error(-EIO, "the entry %s is the root", dirent->name);
	return vfs_check_entry(&dirent->entry);
}

VFS_EXPORT int vfs_dirent_next(struct iovec *entries, bool plus, struct vfs_dirent *dirent)
{
	size_t entry_size = plus ? sizeof(dirent->entry) : 0;
	size_t used = 0;
	int r;

	dirent->entry = (struct fuse_entry_out){0};
	if (entries->iov_len == 0)
		return 0;
	r = read_record(entries->iov_base, entries->iov_len, entry_size, dirent, &used);
	if (r < 0)
		return r;
	entries->iov_base = (uint8_t *)entries->iov_base + used;
	entries->iov_len -= used;
	/* What comes with these is no lookup. */
	if (is_dots(dirent->name))
		dirent->entry = (struct fuse_entry_out){0};
	r = check_node(dirent);
	return r < 0 ? r : 1;
}
