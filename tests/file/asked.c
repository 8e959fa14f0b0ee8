/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/fuse_abi.h>

#include "asked.h"
#include "served.h"

void asked_prepare(void)
{
	served_empty();
	served_write("file", "content", 7);
	served_write("other", "", 0);
	assert_int_equal(mkdir(served_path("empty"), 0755), 0);
	assert_int_equal(symlink("file", served_path("link")), 0);
	assert_int_equal(setxattr(served_path("file"), "user.one", "1", 1, 0), 0);
}

void asked_open(struct vfs_fs *fs, struct asked_of *of)
{
	of->fs = fs;
	assert_int_equal(vfs_open(fs, "file", O_RDWR, 0, &of->file), 0);
	assert_int_equal(vfs_opendir(fs, "/", &of->dir), 0);
}

static int64_t do_stat(struct asked_of *of)
{
	struct stat attr;

	return vfs_stat(of->fs, "file", &attr);
}

static int64_t do_fstat(struct asked_of *of)
{
	struct stat attr;

	return vfs_fstat(of->file, &attr);
}

static int64_t do_chmod(struct asked_of *of)
{
	return vfs_chmod(of->fs, "file", 0600);
}

static int64_t do_readlink(struct asked_of *of)
{
	char target[16];

	return vfs_readlink(of->fs, "link", target, sizeof(target));
}

static int64_t do_follow(struct asked_of *of)
{
	struct stat attr;

	return vfs_stat(of->fs, "link", &attr);
}

static int64_t do_symlink(struct asked_of *of)
{
	return vfs_symlink(of->fs, "target", "new");
}

static int64_t do_mknod(struct asked_of *of)
{
	return vfs_mknod(of->fs, "new", S_IFIFO | 0600, 0);
}

static int64_t do_mkdir(struct asked_of *of)
{
	return vfs_mkdir(of->fs, "new", 0755);
}

static int64_t do_unlink(struct asked_of *of)
{
	return vfs_unlink(of->fs, "other");
}

static int64_t do_rmdir(struct asked_of *of)
{
	return vfs_rmdir(of->fs, "empty");
}

static int64_t do_rename(struct asked_of *of)
{
	return vfs_rename(of->fs, "other", "new");
}

static int64_t do_exchange(struct asked_of *of)
{
	return vfs_renameat2(of->fs, NULL, "other", NULL, "file", RENAME_EXCHANGE);
}

static int64_t do_link(struct asked_of *of)
{
	return vfs_link(of->fs, "file", "new");
}

static int64_t do_open(struct asked_of *of)
{
	struct vfs_file *file;

	return vfs_open(of->fs, "file", O_RDONLY, 0, &file);
}

static int64_t do_creat(struct asked_of *of)
{
	struct vfs_file *file;

	return vfs_creat(of->fs, "new", 0600, &file);
}

static int64_t do_read(struct asked_of *of)
{
	char content[7];

	return vfs_pread(of->file, content, sizeof(content), 0);
}

static int64_t do_write(struct asked_of *of)
{
	return vfs_pwrite(of->file, "CONTENT", 7, 0);
}

static int64_t do_fsync(struct asked_of *of)
{
	return vfs_fsync(of->file);
}

static int64_t do_fallocate(struct asked_of *of)
{
	return vfs_fallocate(of->file, 0, 0, 100);
}

static int64_t do_lseek(struct asked_of *of)
{
	return vfs_lseek(of->file, 0, SEEK_HOLE);
}

static int64_t do_copy(struct asked_of *of)
{
	off_t from = 0;
	off_t to = 100;

	return vfs_copy_file_range(of->file, &from, of->file, &to, 5, 0);
}

static int64_t do_statvfs(struct asked_of *of)
{
	struct statvfs room;

	return vfs_statvfs(of->fs, "/", &room);
}

static int64_t do_setxattr(struct asked_of *of)
{
	return vfs_fsetxattr(of->file, "user.two", "2", 1, 0);
}

static int64_t do_getxattr(struct asked_of *of)
{
	char value[8];

	return vfs_fgetxattr(of->file, "user.one", value, sizeof(value));
}

static int64_t do_listxattr(struct asked_of *of)
{
	char names[100];

	return vfs_flistxattr(of->file, names, sizeof(names));
}

static int64_t do_removexattr(struct asked_of *of)
{
	return vfs_fremovexattr(of->file, "user.one");
}

static int64_t do_opendir(struct asked_of *of)
{
	struct vfs_dir *dir;
	int r = vfs_opendir(of->fs, "empty", &dir);

	if (r == 0)
		vfs_closedir(dir);
	return r;
}

static int64_t do_readdir(struct asked_of *of)
{
	struct dirent entry;
	struct stat attr;

	return vfs_readdir(of->dir, &entry, &attr);
}

static int64_t do_flock(struct asked_of *of)
{
	return vfs_flock(of->file, LOCK_EX | LOCK_NB);
}

static int64_t do_getlk(struct asked_of *of)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return vfs_lock(of->file, F_GETLK, &lock);
}

static int64_t do_close(struct asked_of *of)
{
	struct vfs_file *file;
	int r = vfs_open(of->fs, "file", O_RDWR, 0, &file);

	return r < 0 ? r : vfs_close(file);
}

static int64_t do_aio(struct asked_of *of)
{
	char content[7];
	const struct iovec iov = {.iov_base = content, .iov_len = sizeof(content)};
	struct vfs_aio_result result;
	struct vfs_aio *aio;
	int r = vfs_aio_create(of->fs, 1, &aio);

	if (r < 0)
		return r;
	r = vfs_aio_preadv(aio, of->file, &iov, 1, 0, NULL);
	if (r == 0)
		r = vfs_aio_reap(aio, &result, 1, 1, -1);
	vfs_aio_destroy(aio);
	return r == 1 ? result.result : r;
}

const struct asked asked[] = {
	{"stat", FUSE_LOOKUP, do_stat},
	{"fstat", FUSE_GETATTR, do_fstat},
	{"chmod", FUSE_SETATTR, do_chmod},
	{"readlink", FUSE_READLINK, do_readlink},
	{"follow", FUSE_READLINK, do_follow},
	{"symlink", FUSE_SYMLINK, do_symlink},
	{"mknod", FUSE_MKNOD, do_mknod},
	{"mkdir", FUSE_MKDIR, do_mkdir},
	{"unlink", FUSE_UNLINK, do_unlink},
	{"rmdir", FUSE_RMDIR, do_rmdir},
	{"rename", FUSE_RENAME, do_rename},
	{"exchange", FUSE_RENAME2, do_exchange},
	{"link", FUSE_LINK, do_link},
	{"open", FUSE_OPEN, do_open},
	{"creat", FUSE_CREATE, do_creat},
	{"read", FUSE_READ, do_read},
	{"write", FUSE_WRITE, do_write},
	{"fsync", FUSE_FSYNC, do_fsync},
	{"fallocate", FUSE_FALLOCATE, do_fallocate},
	{"lseek", FUSE_LSEEK, do_lseek},
	{"copy", FUSE_COPY_FILE_RANGE, do_copy},
	{"statvfs", FUSE_STATFS, do_statvfs},
	{"setxattr", FUSE_SETXATTR, do_setxattr},
	{"getxattr", FUSE_GETXATTR, do_getxattr},
	{"listxattr", FUSE_LISTXATTR, do_listxattr},
	{"removexattr", FUSE_REMOVEXATTR, do_removexattr},
	{"opendir", FUSE_OPENDIR, do_opendir},
	{"readdir", FUSE_READDIRPLUS, do_readdir},
	{"flock", FUSE_SETLK, do_flock},
	{"getlk", FUSE_GETLK, do_getlk},
	{"close", FUSE_FLUSH, do_close},
	{"aio", FUSE_READ, do_aio},
	{NULL, 0, NULL},
};
