/* SPDX-License-Identifier: MIT */
/* The library's functions. Those without *at* are taken where there is no directory, so that all of
 * them are called. */
#include <vfs/file.h>

#include "calls.h"

static int do_become(const struct vfs_caller *caller)
{
	vfs_caller_set(caller);
	return 0;
}

static int do_open(void *fs, void *dir, const char *path, int flags, mode_t mode, void **file)
{
	struct vfs_file *result;
	int r = dir ? vfs_openat(fs, dir, path, flags, mode, &result)
		    : vfs_open(fs, path, flags, mode, &result);

	if (r == 0)
		*file = result;
	return r;
}

static int do_openat2(
	void *fs, void *dir, const char *path, const struct open_how *how, void **file)
{
	struct vfs_file *result;
	int r = vfs_openat2(fs, dir, path, how, sizeof(*how), &result);

	if (r == 0)
		*file = result;
	return r;
}

static int do_close(void *file)
{
	return vfs_close(file);
}

static ssize_t do_read(void *file, void *data, size_t size)
{
	return vfs_read(file, data, size);
}

static ssize_t do_write(void *file, const void *data, size_t size)
{
	return vfs_write(file, data, size);
}

static ssize_t do_pread(void *file, void *data, size_t size, off_t offset)
{
	return vfs_pread(file, data, size, offset);
}

static ssize_t do_pwrite(void *file, const void *data, size_t size, off_t offset)
{
	return vfs_pwrite(file, data, size, offset);
}

static ssize_t do_readv(void *file, const struct iovec *iov, int count)
{
	return vfs_readv(file, iov, count);
}

static ssize_t do_writev(void *file, const struct iovec *iov, int count)
{
	return vfs_writev(file, iov, count);
}

static ssize_t do_preadv(void *file, const struct iovec *iov, int count, off_t offset)
{
	return vfs_preadv(file, iov, count, offset);
}

static ssize_t do_pwritev(void *file, const struct iovec *iov, int count, off_t offset)
{
	return vfs_pwritev(file, iov, count, offset);
}

static off_t do_lseek(void *file, off_t offset, int whence)
{
	return vfs_lseek(file, offset, whence);
}

static int do_truncate(void *fs, const char *path, off_t length)
{
	return vfs_truncate(fs, path, length);
}

static int do_ftruncate(void *file, off_t length)
{
	return vfs_ftruncate(file, length);
}

static int do_fallocate(void *file, int mode, off_t offset, off_t length)
{
	return vfs_fallocate(file, mode, offset, length);
}

static ssize_t do_copy_file_range(void *in, off_t *off_in, void *out, off_t *off_out, size_t length)
{
	return vfs_copy_file_range(in, off_in, out, off_out, length, 0);
}

static int do_fsync(void *file, bool data_only)
{
	return data_only ? vfs_fdatasync(file) : vfs_fsync(file);
}

static int do_stat(void *fs, void *dir, const char *path, struct stat *stat, int flags)
{
	if (!dir && flags == 0)
		return vfs_stat(fs, path, stat);
	if (!dir && flags == AT_SYMLINK_NOFOLLOW)
		return vfs_lstat(fs, path, stat);
	return vfs_fstatat(fs, dir, path, stat, flags);
}

static int do_fstat(void *file, struct stat *stat)
{
	return vfs_fstat(file, stat);
}

static int do_statx(
	void *fs, void *dir, const char *path, int flags, unsigned int mask, struct statx *statx)
{
	return vfs_statx(fs, dir, path, flags, mask, statx);
}

static int do_statvfs(void *fs, const char *path, struct statvfs *statvfs)
{
	return vfs_statvfs(fs, path, statvfs);
}

static int do_chmod(void *fs, void *dir, const char *path, mode_t mode, int flags)
{
	return dir || flags ? vfs_fchmodat(fs, dir, path, mode, flags) : vfs_chmod(fs, path, mode);
}

static int do_fchmod(void *file, mode_t mode)
{
	return vfs_fchmod(file, mode);
}

static int do_chown(void *fs, void *dir, const char *path, uid_t uid, gid_t gid, int flags)
{
	if (!dir && flags == 0)
		return vfs_chown(fs, path, uid, gid);
	if (!dir && flags == AT_SYMLINK_NOFOLLOW)
		return vfs_lchown(fs, path, uid, gid);
	return vfs_fchownat(fs, dir, path, uid, gid, flags);
}

static int do_fchown(void *file, uid_t uid, gid_t gid)
{
	return vfs_fchown(file, uid, gid);
}

static int do_utimens(
	void *fs, void *dir, const char *path, const struct timespec *times, int flags)
{
	return vfs_utimensat(fs, dir, path, times, flags);
}

static int do_futimens(void *file, const struct timespec *times)
{
	return vfs_futimens(file, times);
}

static int do_access(void *fs, void *dir, const char *path, int mode, int flags)
{
	return dir || flags ? vfs_faccessat(fs, dir, path, mode, flags)
			    : vfs_access(fs, path, mode);
}

static int do_mkdir(void *fs, void *dir, const char *path, mode_t mode)
{
	return dir ? vfs_mkdirat(fs, dir, path, mode) : vfs_mkdir(fs, path, mode);
}

static int do_mknod(void *fs, void *dir, const char *path, mode_t mode, dev_t device)
{
	return dir ? vfs_mknodat(fs, dir, path, mode, device) : vfs_mknod(fs, path, mode, device);
}

static int do_unlink(void *fs, void *dir, const char *path, int flags)
{
	if (dir)
		return vfs_unlinkat(fs, dir, path, flags);
	return flags ? vfs_rmdir(fs, path) : vfs_unlink(fs, path);
}

static int do_rename(void *fs, void *from_dir, const char *from, void *to_dir, const char *to,
	unsigned int flags)
{
	if (!from_dir && !to_dir && !flags)
		return vfs_rename(fs, from, to);
	return vfs_renameat2(fs, from_dir, from, to_dir, to, flags);
}

static int do_link(
	void *fs, void *from_dir, const char *from, void *to_dir, const char *to, int flags)
{
	if (!from_dir && !to_dir && !flags)
		return vfs_link(fs, from, to);
	return vfs_linkat(fs, from_dir, from, to_dir, to, flags);
}

static int do_symlink(void *fs, const char *target, void *dir, const char *path)
{
	return dir ? vfs_symlinkat(fs, target, dir, path) : vfs_symlink(fs, target, path);
}

static ssize_t do_readlink(void *fs, void *dir, const char *path, char *target, size_t size)
{
	return dir ? vfs_readlinkat(fs, dir, path, target, size)
		   : vfs_readlink(fs, path, target, size);
}

static int do_realpath(void *fs, const char *path, char *resolved, size_t size)
{
	return vfs_realpath(fs, path, resolved, size);
}

static int do_opendir(void *fs, const char *path, void **dir)
{
	struct vfs_dir *result;
	int r = vfs_opendir(fs, path, &result);

	if (r == 0)
		*dir = result;
	return r;
}

static int do_fdopendir(void *file, void **dir)
{
	struct vfs_dir *result;
	int r = vfs_fdopendir(file, &result);

	if (r == 0)
		*dir = result;
	return r;
}

static int do_readdir(void *dir, struct dirent *entry)
{
	struct stat stat;
	int r = vfs_readdir(dir, entry, &stat);

	return r < 0 ? r : r > 0;
}

static long do_telldir(void *dir)
{
	return vfs_telldir(dir);
}

static void do_seekdir(void *dir, long place)
{
	vfs_seekdir(dir, place);
}

static void do_rewinddir(void *dir)
{
	vfs_rewinddir(dir);
}

static void *do_dirfile(void *dir)
{
	return vfs_dirfile(dir);
}

static int do_closedir(void *dir)
{
	return vfs_closedir(dir);
}

static int do_setxattr(void *fs, const char *path, const char *name, const void *value, size_t size,
	int flags, int at_flags)
{
	return vfs_setxattr(fs, path, name, value, size, flags, at_flags);
}

static ssize_t do_getxattr(
	void *fs, const char *path, const char *name, void *value, size_t size, int at_flags)
{
	return vfs_getxattr(fs, path, name, value, size, at_flags);
}

static ssize_t do_listxattr(void *fs, const char *path, char *names, size_t size, int at_flags)
{
	return vfs_listxattr(fs, path, names, size, at_flags);
}

static int do_removexattr(void *fs, const char *path, const char *name, int at_flags)
{
	return vfs_removexattr(fs, path, name, at_flags);
}

static int do_fsetxattr(void *file, const char *name, const void *value, size_t size, int flags)
{
	return vfs_fsetxattr(file, name, value, size, flags);
}

static ssize_t do_fgetxattr(void *file, const char *name, void *value, size_t size)
{
	return vfs_fgetxattr(file, name, value, size);
}

static ssize_t do_flistxattr(void *file, char *names, size_t size)
{
	return vfs_flistxattr(file, names, size);
}

static int do_fremovexattr(void *file, const char *name)
{
	return vfs_fremovexattr(file, name);
}

static int do_lock(void *file, int command, struct flock *lock)
{
	return vfs_lock(file, command, lock);
}

static int do_flock(void *file, int operation)
{
	return vfs_flock(file, operation);
}

const struct calls library_calls = CALLS_TABLE;
