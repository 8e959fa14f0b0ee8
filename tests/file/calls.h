/* SPDX-License-Identifier: MIT */
/*
 * The functions of file.h as a table, which the kernel's system calls fill as well. What is written
 * over it can be run on either, so that the kernel judges a test before the test judges the
 * library.
 *
 * All return what file.h says of the function of that name: negative errno values. @dir NULL is the
 * root, in which a path without a slash in front begins too.
 */
#ifndef FILE_CALLS_H
#define FILE_CALLS_H

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <linux/openat2.h>

#include <vfs/caller.h>

struct statx;

struct calls {
	int (*become)(const struct vfs_caller *caller);

	int (*open)(void *fs, void *dir, const char *path, int flags, mode_t mode, void **file);
	int (*openat2)(
		void *fs, void *dir, const char *path, const struct open_how *how, void **file);
	int (*close)(void *file);

	ssize_t (*read)(void *file, void *data, size_t size);
	ssize_t (*write)(void *file, const void *data, size_t size);
	ssize_t (*pread)(void *file, void *data, size_t size, off_t offset);
	ssize_t (*pwrite)(void *file, const void *data, size_t size, off_t offset);
	ssize_t (*readv)(void *file, const struct iovec *iov, int count);
	ssize_t (*writev)(void *file, const struct iovec *iov, int count);
	ssize_t (*preadv)(void *file, const struct iovec *iov, int count, off_t offset);
	ssize_t (*pwritev)(void *file, const struct iovec *iov, int count, off_t offset);
	off_t (*lseek)(void *file, off_t offset, int whence);
	int (*truncate)(void *fs, const char *path, off_t length);
	int (*ftruncate)(void *file, off_t length);
	int (*fallocate)(void *file, int mode, off_t offset, off_t length);
	ssize_t (*copy_file_range)(
		void *in, off_t *off_in, void *out, off_t *off_out, size_t length);
	int (*fsync)(void *file, bool data_only);

	int (*stat)(void *fs, void *dir, const char *path, struct stat *stat, int flags);
	int (*fstat)(void *file, struct stat *stat);
	int (*statx)(void *fs, void *dir, const char *path, int flags, unsigned int mask,
		struct statx *statx);
	int (*statvfs)(void *fs, const char *path, struct statvfs *statvfs);
	int (*chmod)(void *fs, void *dir, const char *path, mode_t mode, int flags);
	int (*fchmod)(void *file, mode_t mode);
	int (*chown)(void *fs, void *dir, const char *path, uid_t uid, gid_t gid, int flags);
	int (*fchown)(void *file, uid_t uid, gid_t gid);
	int (*utimens)(
		void *fs, void *dir, const char *path, const struct timespec *times, int flags);
	int (*futimens)(void *file, const struct timespec *times);
	int (*access)(void *fs, void *dir, const char *path, int mode, int flags);

	int (*mkdir)(void *fs, void *dir, const char *path, mode_t mode);
	int (*mknod)(void *fs, void *dir, const char *path, mode_t mode, dev_t device);
	int (*unlink)(void *fs, void *dir, const char *path, int flags);
	int (*rename)(void *fs, void *from_dir, const char *from, void *to_dir, const char *to,
		unsigned int flags);
	int (*link)(void *fs, void *from_dir, const char *from, void *to_dir, const char *to,
		int flags);
	int (*symlink)(void *fs, const char *target, void *dir, const char *path);
	ssize_t (*readlink)(void *fs, void *dir, const char *path, char *target, size_t size);
	int (*realpath)(void *fs, const char *path, char *resolved, size_t size);

	int (*opendir)(void *fs, const char *path, void **dir);
	int (*fdopendir)(void *file, void **dir);
	int (*readdir)(void *dir, struct dirent *entry);
	long (*telldir)(void *dir);
	void (*seekdir)(void *dir, long place);
	void (*rewinddir)(void *dir);
	void *(*dirfile)(void *dir);
	int (*closedir)(void *dir);

	int (*setxattr)(void *fs, const char *path, const char *name, const void *value,
		size_t size, int flags, int at_flags);
	ssize_t (*getxattr)(void *fs, const char *path, const char *name, void *value, size_t size,
		int at_flags);
	ssize_t (*listxattr)(void *fs, const char *path, char *names, size_t size, int at_flags);
	int (*removexattr)(void *fs, const char *path, const char *name, int at_flags);
	int (*fsetxattr)(void *file, const char *name, const void *value, size_t size, int flags);
	ssize_t (*fgetxattr)(void *file, const char *name, void *value, size_t size);
	ssize_t (*flistxattr)(void *file, char *names, size_t size);
	int (*fremovexattr)(void *file, const char *name);

	int (*lock)(void *file, int command, struct flock *lock);
	int (*flock)(void *file, int operation);
};

/* A table of functions that are called do_NAME. */
#define CALLS_TABLE                                                                             \
	{                                                                                       \
		.become = do_become, .open = do_open, .openat2 = do_openat2, .close = do_close, \
		.read = do_read, .write = do_write, .pread = do_pread, .pwrite = do_pwrite,     \
		.readv = do_readv, .writev = do_writev, .preadv = do_preadv,                    \
		.pwritev = do_pwritev, .lseek = do_lseek, .truncate = do_truncate,              \
		.ftruncate = do_ftruncate, .fallocate = do_fallocate,                           \
		.copy_file_range = do_copy_file_range, .fsync = do_fsync, .stat = do_stat,      \
		.fstat = do_fstat, .statx = do_statx, .statvfs = do_statvfs, .chmod = do_chmod, \
		.fchmod = do_fchmod, .chown = do_chown, .fchown = do_fchown,                    \
		.utimens = do_utimens, .futimens = do_futimens, .access = do_access,            \
		.mkdir = do_mkdir, .mknod = do_mknod, .unlink = do_unlink, .rename = do_rename, \
		.link = do_link, .symlink = do_symlink, .readlink = do_readlink,                \
		.realpath = do_realpath, .opendir = do_opendir, .fdopendir = do_fdopendir,      \
		.readdir = do_readdir, .telldir = do_telldir, .seekdir = do_seekdir,            \
		.rewinddir = do_rewinddir, .dirfile = do_dirfile, .closedir = do_closedir,      \
		.setxattr = do_setxattr, .getxattr = do_getxattr, .listxattr = do_listxattr,    \
		.removexattr = do_removexattr, .fsetxattr = do_fsetxattr,                       \
		.fgetxattr = do_fgetxattr, .flistxattr = do_flistxattr,                         \
		.fremovexattr = do_fremovexattr, .lock = do_lock, .flock = do_flock,            \
	}

/* @fs is a struct vfs_fs, a file a struct vfs_file, a directory a struct vfs_dir. */
extern const struct calls library_calls;

/* @fs is NULL: the file system is the process's root, which calls_enter() has changed. */
extern const struct calls kernel_calls;

/* @path becomes the root of this process, for which it has to be root's. 0, or -errno. */
int calls_enter(const char *path);

#endif
