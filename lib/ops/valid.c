/* SPDX-License-Identifier: MIT */
/* Attributes that make sense. What is wrong in them would be wrong in whatever is made of them. */
#include <errno.h>
#include <sys/stat.h>

#include "ops/ops.h"

#define NSEC_PER_SEC 1000000000u

int vfs_check_nsec(uint32_t nsec, const char *what)
{
	if (nsec < NSEC_PER_SEC)
		return 0;
	return vfs_error(-EIO, "%s has %u nanoseconds", what, nsec);
}

static int check_type(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	default:
		return vfs_error(-EIO, "a mode of 0%o has no type of file", mode);
	}
}

static int check_size(uint64_t size)
{
	if (size <= INT64_MAX)
		return 0;
	return vfs_error(-EIO, "a file of %llu bytes", (unsigned long long)size);
}

static int check_times(uint32_t access, uint32_t modification, uint32_t change)
{
	int r = vfs_check_nsec(access, "the time of access");

	if (r == 0)
		r = vfs_check_nsec(modification, "the time of modification");
	return r < 0 ? r : vfs_check_nsec(change, "the time of change");
}

int vfs_check_attr(const struct fuse_attr *attr)
{
	int r = check_type(attr->mode);

	if (r == 0)
		r = check_size(attr->size);
	return r < 0 ? r : check_times(attr->atimensec, attr->mtimensec, attr->ctimensec);
}

/* A field that the mask does not have is nothing. */
int vfs_check_statx(const struct vfs_fuse_statx *stat)
{
	int r = stat->mask & STATX_TYPE ? check_type(stat->mode) : 0;

	if (r == 0 && stat->mask & STATX_SIZE)
		r = check_size(stat->size);
	if (r == 0 && stat->mask & STATX_BTIME)
		r = vfs_check_nsec(stat->btime.tv_nsec, "the time of birth");
	return r < 0 ? r
		     : check_times(stat->mask & STATX_ATIME ? stat->atime.tv_nsec : 0,
			       stat->mask & STATX_MTIME ? stat->mtime.tv_nsec : 0,
			       stat->mask & STATX_CTIME ? stat->ctime.tv_nsec : 0);
}

int vfs_check_entry(const struct fuse_entry_out *entry)
{
	int r = vfs_check_nsec(entry->entry_valid_nsec, "the validity of an entry");

	if (r == 0 && entry->nodeid)
		r = vfs_check_nsec(entry->attr_valid_nsec, "the validity of attributes");
	if (r == 0 && entry->nodeid)
		r = vfs_check_attr(&entry->attr);
	return r;
}
