/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "passthrough.h"

void op_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry;
	int error = enter(tree_of(request), parent, name, &entry);

	if (error)
		answer(request, error);
	else
		fuse_reply_entry(request, &entry);
}

void op_forget(fuse_req_t request, fuse_ino_t node, uint64_t count)
{
	tree_forget(tree_of(request), node, count);
	fuse_reply_none(request);
}

void op_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets)
{
	size_t i;

	for (i = 0; i < count; i++)
		tree_forget(tree_of(request), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(request);
}

static void answer_attributes(fuse_req_t request, int fd)
{
	struct stat stat;

	if (fd < 0 || fstatat(fd, "", &stat, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
		answer(request, errno);
	else
		fuse_reply_attr(request, &stat, PASSTHROUGH_TIMEOUT);
}

void op_getattr(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file)
{
	(void)file;
	answer_attributes(request, tree_fd(tree_of(request), node));
}

static int set_owner(int fd, const struct stat *stat, int which)
{
	uid_t uid = which & FUSE_SET_ATTR_UID ? stat->st_uid : (uid_t)-1;
	gid_t gid = which & FUSE_SET_ATTR_GID ? stat->st_gid : (gid_t)-1;

	if (!(which & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)))
		return 0;
	return fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
}

static struct timespec time_to_set(const struct timespec *given, int which, int set, int now)
{
	struct timespec time = {.tv_nsec = UTIME_OMIT};

	if (which & now)
		time.tv_nsec = UTIME_NOW;
	else if (which & set)
		time = *given;
	return time;
}

static int set_times(int fd, const struct stat *stat, int which)
{
	struct timespec times[] = {
		time_to_set(&stat->st_atim, which, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW),
		time_to_set(&stat->st_mtim, which, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW),
	};

	if (times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT)
		return 0;
	return utimensat(AT_FDCWD, fd_path(fd).name, times, 0);
}

static int truncate_file(
	struct tree *tree, int fd, const struct stat *stat, const struct fuse_file_info *file)
{
	int opened;

	if (!file)
		return truncate(fd_path(fd).name, stat->st_size);
	/* Who has it open for writing may, whatever the mode says by now. */
	opened = tree_open_fd(tree, file->fh);
	return opened < 0 ? -1 : ftruncate(opened, stat->st_size);
}

static int set_size(
	fuse_req_t request, int fd, const struct stat *stat, const struct fuse_file_info *file)
{
	uint64_t old_size = window_before_change(request, fd);
	int r = truncate_file(tree_of(request), fd, stat, file);

	window_after_change(request, fd, old_size, (uint64_t)stat->st_size, UINT64_MAX);
	return r;
}

void op_setattr(fuse_req_t request, fuse_ino_t node, struct stat *stat, int which,
	struct fuse_file_info *file)
{
	int fd = tree_fd(tree_of(request), node);
	int r = fd;

	if (r >= 0 && which & FUSE_SET_ATTR_MODE)
		r = chmod(fd_path(fd).name, stat->st_mode & 07777);
	if (r >= 0)
		r = set_owner(fd, stat, which);
	if (r >= 0 && which & FUSE_SET_ATTR_SIZE)
		r = set_size(request, fd, stat, file);
	if (r >= 0)
		r = set_times(fd, stat, which);
	if (r < 0)
		answer(request, errno);
	else
		answer_attributes(request, fd);
}

void op_statfs(fuse_req_t request, fuse_ino_t node)
{
	int fd = tree_fd(tree_of(request), node);
	struct statvfs statfs;

	if (fd < 0 || fstatvfs(fd, &statfs) < 0)
		answer(request, errno);
	else
		fuse_reply_statfs(request, &statfs);
}

void op_setxattr(fuse_req_t request, fuse_ino_t node, const char *name, const char *value,
	size_t size, int flags)
{
	int fd = tree_fd(tree_of(request), node);

	if (fd < 0 || setxattr(fd_path(fd).name, name, value, size, flags) < 0)
		answer(request, errno);
	else
		answer(request, 0);
}

static ssize_t read_xattr(int fd, const char *name, char *buffer, size_t size)
{
	return name ? getxattr(fd_path(fd).name, name, buffer, size)
		    : listxattr(fd_path(fd).name, buffer, size);
}

/* @name NULL: the list of names. @size 0: only how long it is. */
static void answer_xattr(fuse_req_t request, fuse_ino_t node, const char *name, size_t size)
{
	int fd = tree_fd(tree_of(request), node);
	size_t room = size < XATTR_SIZE_MAX ? size : XATTR_SIZE_MAX;
	char *buffer = malloc(room + 1);
	ssize_t n = -1;

	if (!buffer)
		errno = ENOMEM;
	else if (fd >= 0)
		n = read_xattr(fd, name, buffer, room);
	if (n < 0)
		answer(request, errno);
	else if (size)
		fuse_reply_buf(request, buffer, (size_t)n);
	else
		fuse_reply_xattr(request, (size_t)n);
	free(buffer);
}

void op_getxattr(fuse_req_t request, fuse_ino_t node, const char *name, size_t size)
{
	answer_xattr(request, node, name, size);
}

void op_listxattr(fuse_req_t request, fuse_ino_t node, size_t size)
{
	answer_xattr(request, node, NULL, size);
}

void op_removexattr(fuse_req_t request, fuse_ino_t node, const char *name)
{
	int fd = tree_fd(tree_of(request), node);

	answer(request, fd < 0 || removexattr(fd_path(fd).name, name) < 0 ? errno : 0);
}
