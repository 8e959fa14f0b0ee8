/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "passthrough.h"

struct passthrough *served_by(fuse_req_t request)
{
	return fuse_req_userdata(request);
}

struct tree *tree_of(fuse_req_t request)
{
	return &served_by(request)->tree;
}

void answer(fuse_req_t request, int error)
{
	fuse_reply_err(request, error);
}

struct fd_path fd_path(int fd)
{
	struct fd_path path;

	snprintf(path.name, sizeof(path.name), "/proc/self/fd/%d", fd);
	return path;
}

bool name_is_good(const char *name)
{
	return name[0] && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int enter(struct tree *tree, uint64_t parent, const char *name, struct fuse_entry_param *entry)
{
	int directory = tree_fd(tree, parent), fd;

	*entry = (struct fuse_entry_param){
		.attr_timeout = PASSTHROUGH_TIMEOUT, .entry_timeout = PASSTHROUGH_TIMEOUT};
	if (directory < 0)
		return errno;
	if (strchr(name, '/'))
		return EINVAL;
	/* The directory's own parent is none of the driver's business. */
	if (parent == TREE_ROOT && strcmp(name, "..") == 0)
		name = ".";
	fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (fstat(fd, &entry->attr) < 0) {
		int error = errno;

		close(fd);
		return error;
	}
	entry->ino = tree_remember(tree, fd, &entry->attr, &entry->generation);
	return entry->ino ? 0 : ENOMEM;
}

void become(const struct fuse_ctx *caller)
{
	if (geteuid() != 0)
		return;
	/* Of this thread alone. The group first, while it is still allowed. */
	setfsgid(caller->gid);
	setfsuid(caller->uid);
}

void become_ourselves(void)
{
	if (geteuid() != 0)
		return;
	setfsuid(0);
	setfsgid(getegid());
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	const struct passthrough *served = userdata;

	if (served->writeback)
		conn->want |= conn->capable & FUSE_CAP_WRITEBACK_CACHE;
}

const struct fuse_lowlevel_ops passthrough_ops = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.statfs = op_statfs,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
	.readlink = op_readlink,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.symlink = op_symlink,
	.link = op_link,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.rename = op_rename,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.releasedir = op_release,
	.fsyncdir = op_fsyncdir,
	.open = op_open,
	.create = op_create,
	.release = op_release,
	.flush = op_flush,
	.fsync = op_fsync,
	.read = op_read,
	.write = op_write,
	.fallocate = op_fallocate,
	.lseek = op_lseek,
	.copy_file_range = op_copy_file_range,
	.flock = op_flock,
	.getlk = op_getlk,
	.setlk = op_setlk,
};
