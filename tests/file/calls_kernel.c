/* SPDX-License-Identifier: MIT */
/* The kernel's system calls, in a process whose root is the file system. */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "calls.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

/* 0 is a descriptor too. */
static int fd_of(const void *file)
{
	return (int)((intptr_t)file - 1);
}

static int at(const void *dir)
{
	return dir ? fd_of(dir) : AT_FDCWD;
}

static int give(int fd, void **file)
{
	if (fd < 0)
		return -errno;
	*file = (void *)((intptr_t)fd + 1);
	return 0;
}

static ssize_t result(ssize_t r)
{
	return r < 0 ? -errno : r;
}

static int status(int r)
{
	return r < 0 ? -errno : r;
}

static bool entered;

/* From before that; -1: there was none. */
static int proc = -1;

/* Asked by AddressSanitizer, which would look for leaks in /proc: that is not there any more then.
 */
__attribute__((visibility("default"))) int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
	return entered;
}

int calls_enter(const char *path)
{
	proc = open("/proc", O_PATH | O_CLOEXEC);
	if (chroot(path) < 0 || chdir("/") < 0)
		return -errno;
	entered = true;
	return 0;
}

/* Real and effective, as access() looks at the one and all else at the other. Capabilities go with
 * the effective user, and the saved one brings them back. */
static int do_become(const struct vfs_caller *caller)
{
	if (setresuid(0, 0, 0) < 0 || setgroups(caller->num_groups, caller->groups) < 0 ||
		setresgid(caller->gid, caller->gid, 0) < 0 ||
		setresuid(caller->uid, caller->uid, 0) < 0)
		return -errno;
	umask(caller->umask);
	return 0;
}

static int do_open(void *fs, void *dir, const char *path, int flags, mode_t mode, void **file)
{
	(void)fs;
	/* Buffers need not be aligned as the disk wants them. */
	return give(openat(at(dir), path, (flags & ~O_DIRECT) | O_NONBLOCK, mode), file);
}

static int do_openat2(
	void *fs, void *dir, const char *path, const struct open_how *how, void **file)
{
	(void)fs;
	return give((int)syscall(SYS_openat2, at(dir), path, how, sizeof(*how)), file);
}

static int do_close(void *file)
{
	return status(close(fd_of(file)));
}

static ssize_t do_read(void *file, void *data, size_t size)
{
	return result(read(fd_of(file), data, size));
}

static ssize_t do_write(void *file, const void *data, size_t size)
{
	return result(write(fd_of(file), data, size));
}

static ssize_t do_pread(void *file, void *data, size_t size, off_t offset)
{
	return result(pread(fd_of(file), data, size, offset));
}

static ssize_t do_pwrite(void *file, const void *data, size_t size, off_t offset)
{
	return result(pwrite(fd_of(file), data, size, offset));
}

static ssize_t do_readv(void *file, const struct iovec *iov, int count)
{
	return result(readv(fd_of(file), iov, count));
}

static ssize_t do_writev(void *file, const struct iovec *iov, int count)
{
	return result(writev(fd_of(file), iov, count));
}

static ssize_t do_preadv(void *file, const struct iovec *iov, int count, off_t offset)
{
	return result(preadv(fd_of(file), iov, count, offset));
}

static ssize_t do_pwritev(void *file, const struct iovec *iov, int count, off_t offset)
{
	return result(pwritev(fd_of(file), iov, count, offset));
}

static off_t do_lseek(void *file, off_t offset, int whence)
{
	return result(lseek(fd_of(file), offset, whence));
}

static int do_truncate(void *fs, const char *path, off_t length)
{
	(void)fs;
	return status(truncate(path, length));
}

static int do_ftruncate(void *file, off_t length)
{
	return status(ftruncate(fd_of(file), length));
}

static int do_fallocate(void *file, int mode, off_t offset, off_t length)
{
	return status(fallocate(fd_of(file), mode, offset, length));
}

static ssize_t do_copy_file_range(void *in, off_t *off_in, void *out, off_t *off_out, size_t length)
{
	return result(copy_file_range(fd_of(in), off_in, fd_of(out), off_out, length, 0));
}

static int do_fsync(void *file, bool data_only)
{
	return status(data_only ? fdatasync(fd_of(file)) : fsync(fd_of(file)));
}

static int do_stat(void *fs, void *dir, const char *path, struct stat *stat, int flags)
{
	(void)fs;
	return status(fstatat(at(dir), path, stat, flags));
}

static int do_fstat(void *file, struct stat *stat)
{
	return status(fstat(fd_of(file), stat));
}

static int do_statx(
	void *fs, void *dir, const char *path, int flags, unsigned int mask, struct statx *buffer)
{
	(void)fs;
	return status(statx(at(dir), path, flags, mask, buffer));
}

static int do_statvfs(void *fs, const char *path, struct statvfs *buffer)
{
	(void)fs;
	return status(statvfs(path, buffer));
}

static int do_chmod(void *fs, void *dir, const char *path, mode_t mode, int flags)
{
	(void)fs;
	/* The C library's would look for /proc. */
	if (flags)
		return status((int)syscall(SYS_fchmodat2, at(dir), path, mode, flags));
	return status(fchmodat(at(dir), path, mode, 0));
}

static int do_fchmod(void *file, mode_t mode)
{
	return status(fchmod(fd_of(file), mode));
}

static int do_chown(void *fs, void *dir, const char *path, uid_t uid, gid_t gid, int flags)
{
	(void)fs;
	return status(fchownat(at(dir), path, uid, gid, flags));
}

static int do_fchown(void *file, uid_t uid, gid_t gid)
{
	return status(fchown(fd_of(file), uid, gid));
}

static int do_utimens(
	void *fs, void *dir, const char *path, const struct timespec *times, int flags)
{
	(void)fs;
	return status(utimensat(at(dir), path, times, flags));
}

static int do_futimens(void *file, const struct timespec *times)
{
	return status(futimens(fd_of(file), times));
}

static int do_access(void *fs, void *dir, const char *path, int mode, int flags)
{
	(void)fs;
	return status(faccessat(at(dir), path, mode, flags));
}

static int do_mkdir(void *fs, void *dir, const char *path, mode_t mode)
{
	(void)fs;
	return status(mkdirat(at(dir), path, mode));
}

static int do_mknod(void *fs, void *dir, const char *path, mode_t mode, dev_t device)
{
	(void)fs;
	return status(mknodat(at(dir), path, mode, device));
}

static int do_unlink(void *fs, void *dir, const char *path, int flags)
{
	(void)fs;
	return status(unlinkat(at(dir), path, flags));
}

static int do_rename(void *fs, void *from_dir, const char *from, void *to_dir, const char *to,
	unsigned int flags)
{
	(void)fs;
	return status(renameat2(at(from_dir), from, at(to_dir), to, flags));
}

static int do_link(
	void *fs, void *from_dir, const char *from, void *to_dir, const char *to, int flags)
{
	(void)fs;
	return status(linkat(at(from_dir), from, at(to_dir), to, flags));
}

static int do_symlink(void *fs, const char *target, void *dir, const char *path)
{
	(void)fs;
	return status(symlinkat(target, at(dir), path));
}

static ssize_t do_readlink(void *fs, void *dir, const char *path, char *target, size_t size)
{
	(void)fs;
	return result(readlinkat(at(dir), path, target, size));
}

/* Where the process's root is the file system's, in which there is no /proc. */
static ssize_t path_of(int fd, char *path, size_t size)
{
	char name[sizeof("self/fd/") + 11];

	snprintf(name, sizeof(name), "self/fd/%d", fd);
	return result(readlinkat(proc, name, path, size));
}

/* As the kernel walks the path: realpath() takes "a/.." for where a is, also if the caller may not
 * search a. */
static int do_realpath(void *fs, const char *path, char *resolved, size_t size)
{
	char buffer[PATH_MAX];
	ssize_t n;
	int fd;

	(void)fs;
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = path_of(fd, buffer, sizeof(buffer));
	close(fd);
	if (n < 0)
		return (int)n;
	if ((size_t)n >= size)
		return -ERANGE;
	memcpy(resolved, buffer, (size_t)n);
	resolved[n] = '\0';
	return 0;
}

static int give_dir(DIR *stream, void **dir)
{
	if (!stream)
		return -errno;
	*dir = stream;
	return 0;
}

static int do_opendir(void *fs, const char *path, void **dir)
{
	(void)fs;
	return give_dir(opendir(path), dir);
}

static int do_fdopendir(void *file, void **dir)
{
	return give_dir(fdopendir(fd_of(file)), dir);
}

static int do_readdir(void *dir, struct dirent *entry)
{
	const struct dirent *next;

	errno = 0;
	next = readdir(dir);
	if (!next)
		return -errno;
	*entry = (struct dirent){
		.d_ino = next->d_ino, .d_off = next->d_off, .d_type = next->d_type};
	strcpy(entry->d_name, next->d_name);
	return 1;
}

static long do_telldir(void *dir)
{
	return telldir(dir);
}

static void do_seekdir(void *dir, long place)
{
	seekdir(dir, place);
}

static void do_rewinddir(void *dir)
{
	rewinddir(dir);
}

static void *do_dirfile(void *dir)
{
	return (void *)((intptr_t)dirfd(dir) + 1);
}

static int do_closedir(void *dir)
{
	return status(closedir(dir));
}

static int do_setxattr(void *fs, const char *path, const char *name, const void *value, size_t size,
	int flags, int at_flags)
{
	(void)fs;
	return status(at_flags ? lsetxattr(path, name, value, size, flags)
			       : setxattr(path, name, value, size, flags));
}

static ssize_t do_getxattr(
	void *fs, const char *path, const char *name, void *value, size_t size, int at_flags)
{
	(void)fs;
	return result(
		at_flags ? lgetxattr(path, name, value, size) : getxattr(path, name, value, size));
}

static ssize_t do_listxattr(void *fs, const char *path, char *names, size_t size, int at_flags)
{
	(void)fs;
	return result(at_flags ? llistxattr(path, names, size) : listxattr(path, names, size));
}

static int do_removexattr(void *fs, const char *path, const char *name, int at_flags)
{
	(void)fs;
	return status(at_flags ? lremovexattr(path, name) : removexattr(path, name));
}

static int do_fsetxattr(void *file, const char *name, const void *value, size_t size, int flags)
{
	return status(fsetxattr(fd_of(file), name, value, size, flags));
}

static ssize_t do_fgetxattr(void *file, const char *name, void *value, size_t size)
{
	return result(fgetxattr(fd_of(file), name, value, size));
}

static ssize_t do_flistxattr(void *file, char *names, size_t size)
{
	return result(flistxattr(fd_of(file), names, size));
}

static int do_fremovexattr(void *file, const char *name)
{
	return status(fremovexattr(fd_of(file), name));
}

static int do_lock(void *file, int command, struct flock *lock)
{
	return status(fcntl(fd_of(file), command, lock));
}

static int do_flock(void *file, int operation)
{
	return status(flock(fd_of(file), operation));
}

const struct calls kernel_calls = CALLS_TABLE;
