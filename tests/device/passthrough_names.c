/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "passthrough.h"

/* The descriptor of a directory in which @name may be made or removed; -1 and errno. */
static int directory_for(struct tree *tree, fuse_ino_t parent, const char *name)
{
	if (!name_is_good(name)) {
		errno = EINVAL;
		return -1;
	}
	return tree_fd(tree, parent);
}

/* After a new name was made, or was not: @r and errno say. */
static void answer_made(fuse_req_t request, int r, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry;
	int error = r < 0 ? errno : enter(tree_of(request), parent, name, &entry);

	if (error)
		answer(request, error);
	else
		fuse_reply_entry(request, &entry);
}

void op_readlink(fuse_req_t request, fuse_ino_t node)
{
	int fd = tree_fd(tree_of(request), node);
	char target[PATH_MAX + 1];
	ssize_t n = fd < 0 ? -1 : readlinkat(fd, "", target, sizeof(target) - 1);

	if (n < 0) {
		answer(request, errno);
		return;
	}
	target[n] = '\0';
	fuse_reply_readlink(request, target);
}

void op_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	int r = directory_for(tree_of(request), parent, name);

	if (r >= 0) {
		become(fuse_req_ctx(request));
		r = mknodat(r, name, mode, device);
		become_ourselves();
	}
	answer_made(request, r, parent, name);
}

void op_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
	int r = directory_for(tree_of(request), parent, name);

	if (r >= 0) {
		become(fuse_req_ctx(request));
		r = mkdirat(r, name, mode);
		become_ourselves();
	}
	answer_made(request, r, parent, name);
}

void op_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name)
{
	int r = directory_for(tree_of(request), parent, name);

	if (r >= 0) {
		become(fuse_req_ctx(request));
		r = symlinkat(target, r, name);
		become_ourselves();
	}
	answer_made(request, r, parent, name);
}

void op_link(fuse_req_t request, fuse_ino_t node, fuse_ino_t parent, const char *name)
{
	int directory = directory_for(tree_of(request), parent, name);
	int fd = directory < 0 ? -1 : tree_fd(tree_of(request), node);
	int r = -1;

	/* The name in /proc leads to the node itself, also if that is a symbolic link. */
	if (fd >= 0)
		r = linkat(AT_FDCWD, fd_path(fd).name, directory, name, AT_SYMLINK_FOLLOW);
	answer_made(request, r, parent, name);
}

static void remove_name(fuse_req_t request, fuse_ino_t parent, const char *name, int flags)
{
	int directory = directory_for(tree_of(request), parent, name);

	answer(request, directory < 0 || unlinkat(directory, name, flags) < 0 ? errno : 0);
}

void op_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	remove_name(request, parent, name, 0);
}

void op_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	remove_name(request, parent, name, AT_REMOVEDIR);
}

void op_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned int flags)
{
	int from = directory_for(tree_of(request), parent, name);
	int to = from < 0 ? -1 : directory_for(tree_of(request), new_parent, new_name);

	answer(request, to < 0 || renameat2(from, name, to, new_name, flags) < 0 ? errno : 0);
}
