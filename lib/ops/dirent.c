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

/* Copied first, as the device may write to where it is. Returns the bytes of it. */
static ssize_t read_record(
	const struct iovec *entries, size_t entry_size, struct vfs_dirent *dirent, size_t *length)
{
	size_t before = entry_size + FUSE_NAME_OFFSET;
	const uint8_t *bytes = entries->iov_base;
	struct fuse_dirent head;
	size_t size;

	if (entries->iov_len < before)
		return vfs_error(-EIO, "%zu bytes are no entry of a directory", entries->iov_len);
	memcpy(&head, bytes + entry_size, FUSE_NAME_OFFSET);
	if (head.namelen == 0 || head.namelen >= sizeof(dirent->name))
		return vfs_error(-EIO, "the name of an entry has %u bytes", head.namelen);
	size = FUSE_REC_ALIGN(before + head.namelen);
	if (size > entries->iov_len)
		return vfs_error(
			-EIO, "an entry of %zu bytes in %zu bytes", size, entries->iov_len);
	dirent->ino = head.ino;
	dirent->offset = head.off;
	dirent->type = head.type <= DT_WHT ? head.type : DT_UNKNOWN;
	memcpy(dirent->name, bytes + before, head.namelen);
	dirent->name[head.namelen] = '\0';
	memcpy(&dirent->entry, bytes, entry_size);
	*length = head.namelen;
	return (ssize_t)size;
}

/* Neither of these is a lookup: nobody has to give it back. */
static int drop_node(struct vfs_dirent *dirent)
{
	bool root = dirent->entry.nodeid == FUSE_ROOT_ID;

	if (!is_dots(dirent->name) && !root)
		return 0;
	dirent->entry = (struct fuse_entry_out){0};
	return is_dots(dirent->name) ? 0
				     : vfs_error(-EIO, "the entry %s is the root", dirent->name);
}

VFS_EXPORT int vfs_dirent_next(struct iovec *entries, bool plus, struct vfs_dirent *dirent)
{
	size_t entry_size = plus ? sizeof(dirent->entry) : 0;
	size_t length = 0;
	ssize_t size;
	int r;

	dirent->entry = (struct fuse_entry_out){0};
	if (entries->iov_len == 0)
		return 0;
	size = read_record(entries, entry_size, dirent, &length);
	if (size < 0)
		return (int)size;
	entries->iov_base = (uint8_t *)entries->iov_base + size;
	entries->iov_len -= (size_t)size;
	r = drop_node(dirent);
	if (r == 0)
		r = check_name(dirent, length);
	if (r == 0)
		r = vfs_check_entry(&dirent->entry);
	return r < 0 ? r : 1;
}
