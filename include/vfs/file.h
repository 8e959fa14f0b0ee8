/* SPDX-License-Identifier: MIT */
/**
 * DOC: Files
 *
 * Paths and open files, as a programmer knows them from POSIX, on a virtio-fs device that is
 * mounted in this process alone: no mount point, no kernel. Names, attributes and data are kept as
 * enum vfs_cache says.
 *
 * Paths begin at the root of the file system, with or without a slash in front, or at an open
 * directory in the functions that have *at* in their name: there NULL is the root. ``..`` does not
 * lead out of it, and symbolic links are followed inside the file system. A path has at most
 * PATH_MAX bytes, a name NAME_MAX.
 *
 * Any number of threads may use a mount and its open files. What is asked is asked with the rights
 * of vfs_caller_get(), and these are checked here as a kernel would, unless the options say that
 * the server does it.
 *
 * Functions return 0, or a number of bytes, or a negative errno value: those that POSIX and Linux
 * name for the same function of the C library, and
 *
 * * ``-EIO``: the device or the server broke the protocol, or failed
 * * ``-ETIMEDOUT``: no answer within the mount's time limit
 * * ``-ENODEV``: the device is gone
 * * ``-ENOMEM``: no memory
 *
 * vfs_last_error() says what was tried, on which path and device.
 */
#ifndef VFS_FILE_H
#define VFS_FILE_H

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include <vfs/caller.h>
#include <vfs/dax.h>
#include <vfs/device.h>
#include <vfs/fuse.h>
#include <vfs/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of <linux/stat.h> and <linux/openat2.h>, which do not go together with all headers of a C
 * library. */
struct statx;
struct open_how;

/* ---- mounts ---- */

/** struct vfs_fs - a mounted device; opaque */
struct vfs_fs;

/** struct vfs_file - an open file or directory; opaque */
struct vfs_file;

/**
 * enum vfs_cache - what is kept of what the server said
 * @VFS_CACHE_AUTO: names and attributes for as long as the server said; data while a file is open,
 *                  and beyond that if it has not changed when it is opened again (close-to-open):
 *                  what one client wrote before it closed the file, others see when they open it
 * @VFS_CACHE_NONE: nothing: every function asks the server
 * @VFS_CACHE_ALWAYS: all, until this client changes it or the server notifies of a change: for a
 *                    directory that nobody else changes
 */
enum vfs_cache {
	VFS_CACHE_AUTO,
	VFS_CACHE_NONE,
	VFS_CACHE_ALWAYS,
};

/**
 * struct vfs_mount_options - how to mount; all zero is the default
 * @device: how the device is opened
 * @session: how it is started
 * @fuse: which features are required and forbidden, time limit of an operation
 * @cache: what is kept
 * @writeback: keep what is written, and send it when the file is closed, by vfs_fsync(), before a
 *             lock ends, before anybody asks for its attributes, or when there is too much of it.
 *             An error is returned by the next vfs_fsync() or vfs_close() of each file that was
 *             open then. Not with VFS_CACHE_NONE.
 * @readonly: refuse all changes with ``-EROFS``
 * @server_checks: leave it to the server who may do what
 * @cache_bytes: most data to keep (default 64 MiB)
 * @cache_nodes: most nodes to keep that are not in use (default 16384)
 * @readahead: bytes to read ahead for a sequential reader (default 128 KiB, limited by the server);
 *             -1: none
 * @dax: which files are accessed through the DAX window, see dax.h; nothing else is kept of them
 * @dax_range: bytes of a range of the window, a power of 2; 0: 2 MiB
 * @dax_faults: how faults in copies from and to the window are caught
 */
struct vfs_mount_options {
	struct vfs_device_options device;
	struct vfs_session_options session;
	struct vfs_fuse_options fuse;
	enum vfs_cache cache;
	bool writeback;
	bool readonly;
	bool server_checks;
	size_t cache_bytes;
	unsigned int cache_nodes;
	int readahead;
	enum vfs_dax_mode dax;
	uint64_t dax_range;
	enum vfs_faults dax_faults;
};

/**
 * vfs_mount() - open a device, start it, and connect to its server
 * @device: as of vfs_device_open()
 * @options: NULL for the defaults
 * @result: where to put it; unchanged on error
 *
 * Return: 0, or the errors of vfs_device_open(), vfs_session_create() and vfs_fuse_connect(), or
 *
 *   * ``-EINVAL``: writeback without a cache; ranges of this size cannot be
 *   * ``-ENOTSUP``: VFS_DAX_ALWAYS, and there is no window, or none with room for a range,
 *     or the server cannot map
 */
int vfs_mount(const char *device, const struct vfs_mount_options *options, struct vfs_fs **result);

/**
 * vfs_umount() - write back, forget all, and give the device back
 * @fs: the mount, or NULL. No other thread may use it any more; open files are closed, and their
 *      handles become invalid.
 *
 * Return: 0, or the first error of writing back. It is unmounted in any case.
 */
int vfs_umount(struct vfs_fs *fs);

/**
 * vfs_fs_fuse() - the connection of a mount, for operations on nodes
 * @fs: the mount
 *
 * Do not change behind the mount's back what it keeps.
 *
 * Return: the connection, which lives as long as the mount
 */
struct vfs_fuse *vfs_fs_fuse(struct vfs_fs *fs);

/**
 * vfs_fs_session() - the session of a mount
 * @fs: the mount
 *
 * Return: the session, which lives as long as the mount
 */
struct vfs_session *vfs_fs_session(struct vfs_fs *fs);

/**
 * vfs_fs_device() - the device of a mount
 * @fs: the mount
 *
 * Return: the device, which lives as long as the mount
 */
struct vfs_device *vfs_fs_device(struct vfs_fs *fs);

/**
 * vfs_drop_caches() - keep nothing that is not in use
 * @fs: the mount
 *
 * Writes back first. What open files and threads use stays.
 *
 * Return: 0, or the first error of writing back
 */
int vfs_drop_caches(struct vfs_fs *fs);

/**
 * struct vfs_cache_stats - what is kept, and how well it serves
 * @nodes: nodes that are known, those in use too
 * @bytes: of data
 * @dirty_bytes: of these, to be written back
 * @name_hits: names that were found without asking
 * @name_misses: those that were not
 * @data_hits: blocks of data that were there
 * @data_misses: those that were not
 */
struct vfs_cache_stats {
	uint64_t nodes;
	uint64_t bytes;
	uint64_t dirty_bytes;
	uint64_t name_hits;
	uint64_t name_misses;
	uint64_t data_hits;
	uint64_t data_misses;
};

/**
 * vfs_fs_cache_stats() - what is kept, and how well it serves
 * @fs: the mount
 * @stats: where to put it
 */
void vfs_fs_cache_stats(struct vfs_fs *fs, struct vfs_cache_stats *stats);

/* ---- opening ---- */

/**
 * vfs_open() - open a file, see open(2)
 * @fs: the mount
 * @path: its path
 * @flags: O_*. O_DIRECT goes past what is kept. O_TMPFILE, O_PATH, O_DIRECTORY, O_NOFOLLOW,
 *         O_APPEND, O_EXCL and O_TRUNC are as of open(2); O_CLOEXEC, O_NOCTTY and O_NONBLOCK mean
 *         nothing here.
 * @mode: of a new file
 * @result: where to put it; unchanged on error
 *
 * Return: 0, or the errors of open(2)
 */
int vfs_open(struct vfs_fs *fs, const char *path, int flags, mode_t mode, struct vfs_file **result);

/**
 * vfs_openat() - open a file by its path from a directory on
 * @fs: the mount
 * @dir: directory, NULL for the root
 * @path: path from there
 * @flags: as of vfs_open()
 * @mode: of a new file
 * @result: where to put it; unchanged on error
 *
 * Return: 0, or the errors of openat(2)
 */
int vfs_openat(struct vfs_fs *fs, struct vfs_file *dir, const char *path, int flags, mode_t mode,
	struct vfs_file **result);

/**
 * vfs_openat2() - open a file and say how its path is walked, see openat2(2)
 * @fs: the mount
 * @dir: directory, NULL for the root
 * @path: path from there
 * @how: as of openat2(2): RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV,
 *       RESOLVE_NO_MAGICLINKS and RESOLVE_CACHED
 * @size: of @how
 * @result: where to put it; unchanged on error
 *
 * Return: 0, or the errors of openat2(2)
 */
int vfs_openat2(struct vfs_fs *fs, struct vfs_file *dir, const char *path,
	const struct open_how *how, size_t size, struct vfs_file **result);

/**
 * vfs_creat() - make a file, or empty it, and open it for writing
 * @fs: the mount
 * @path: its path
 * @mode: of a new file
 * @result: where to put it; unchanged on error
 *
 * Return: 0, or the errors of creat(2)
 */
int vfs_creat(struct vfs_fs *fs, const char *path, mode_t mode, struct vfs_file **result);

/**
 * vfs_close() - write back, and end an open file
 * @file: the file, or NULL. It is closed in any case; no other thread may use it.
 *
 * Return: 0, or the error of what was written back, now or since the last vfs_fsync()
 */
int vfs_close(struct vfs_file *file);

/* ---- data ---- */

/**
 * vfs_read() - read from the file's position on
 * @file: the file
 * @data: where it goes
 * @size: how many bytes
 *
 * Return: bytes that were read, 0 at the end of the file, or the errors of read(2)
 */
ssize_t vfs_read(struct vfs_file *file, void *data, size_t size);

/**
 * vfs_write() - write to the file's position
 * @file: the file
 * @data: what is written
 * @size: how many bytes
 *
 * Return: bytes that were written, or the errors of write(2)
 */
ssize_t vfs_write(struct vfs_file *file, const void *data, size_t size);

/**
 * vfs_pread() - read from a place of the file
 * @file: the file
 * @data: where it goes
 * @size: how many bytes
 * @offset: from which byte on
 *
 * Return: bytes that were read, 0 at the end of the file, or the errors of pread(2)
 */
ssize_t vfs_pread(struct vfs_file *file, void *data, size_t size, off_t offset);

/**
 * vfs_pwrite() - write to a place of the file
 * @file: the file
 * @data: what is written
 * @size: how many bytes
 * @offset: from which byte on
 *
 * With O_APPEND it writes to the end, as Linux does.
 *
 * Return: bytes that were written, or the errors of pwrite(2)
 */
ssize_t vfs_pwrite(struct vfs_file *file, const void *data, size_t size, off_t offset);

/**
 * vfs_readv() - read from the file's position on, into several pieces
 * @file: the file
 * @iov: where it goes, in pieces
 * @count: how many pieces
 *
 * Return: bytes that were read, 0 at the end of the file, or the errors of readv(2)
 */
ssize_t vfs_readv(struct vfs_file *file, const struct iovec *iov, int count);

/**
 * vfs_writev() - write to the file's position, from several pieces
 * @file: the file
 * @iov: what is written, in pieces
 * @count: how many pieces
 *
 * Return: bytes that were written, or the errors of writev(2)
 */
ssize_t vfs_writev(struct vfs_file *file, const struct iovec *iov, int count);

/**
 * vfs_preadv() - read from a place of the file, into several pieces
 * @file: the file
 * @iov: where it goes, in pieces
 * @count: how many pieces
 * @offset: from which byte on
 *
 * Return: bytes that were read, 0 at the end of the file, or the errors of preadv(2)
 */
ssize_t vfs_preadv(struct vfs_file *file, const struct iovec *iov, int count, off_t offset);

/**
 * vfs_pwritev() - write to a place of the file, from several pieces
 * @file: the file
 * @iov: what is written, in pieces
 * @count: how many pieces
 * @offset: from which byte on
 *
 * With O_APPEND it writes to the end, as Linux does.
 *
 * Return: bytes that were written, or the errors of pwritev(2)
 */
ssize_t vfs_pwritev(struct vfs_file *file, const struct iovec *iov, int count, off_t offset);

/**
 * vfs_lseek() - move the file's position
 * @file: the file
 * @offset: bytes from where @whence says
 * @whence: SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA or SEEK_HOLE
 *
 * Return: the new position, or the errors of lseek(2)
 */
off_t vfs_lseek(struct vfs_file *file, off_t offset, int whence);

/**
 * vfs_ftruncate() - set the length of an open file
 * @file: the file
 * @length: bytes; a file that grows has a hole there
 *
 * Return: 0, or the errors of ftruncate(2)
 */
int vfs_ftruncate(struct vfs_file *file, off_t length);

/**
 * vfs_truncate() - set the length of a file
 * @fs: the mount
 * @path: its path
 * @length: bytes; a file that grows has a hole there
 *
 * Return: 0, or the errors of truncate(2)
 */
int vfs_truncate(struct vfs_fs *fs, const char *path, off_t length);

/**
 * vfs_fallocate() - reserve or free room of a file
 * @file: the file
 * @mode: FALLOC_FL_*, or 0 to reserve
 * @offset: from which byte on
 * @length: how many bytes
 *
 * Return: 0, or the errors of fallocate(2)
 */
int vfs_fallocate(struct vfs_file *file, int mode, off_t offset, off_t length);

/**
 * vfs_copy_file_range() - copy from file to file within the server, see copy_file_range(2)
 * @in: from which file
 * @off_in: from which byte on, moved on; NULL: from its position, which is moved on
 * @out: to which file, of the same mount
 * @off_out: the same there
 * @length: bytes
 * @flags: 0
 *
 * If the server cannot, data is read and written.
 *
 * Return: bytes that were copied, or a negative errno value
 */
ssize_t vfs_copy_file_range(struct vfs_file *in, off_t *off_in, struct vfs_file *out,
	off_t *off_out, size_t length, unsigned int flags);

/**
 * vfs_fsync() - bring a file or directory to stable storage
 * @file: the file
 *
 * Return: 0, or the errors of fsync(2). An error of what was written back since the last one is
 * returned once.
 */
int vfs_fsync(struct vfs_file *file);

/**
 * vfs_fdatasync() - bring the data of a file to stable storage
 * @file: the file
 *
 * Attributes that are not needed to read it are left out.
 *
 * Return: 0, or the errors of fdatasync(2)
 */
int vfs_fdatasync(struct vfs_file *file);

/**
 * vfs_syncfs() - write back all, and bring it to stable storage if the server can
 * @fs: the mount
 *
 * Return: 0, or the errors of syncfs(2)
 */
int vfs_syncfs(struct vfs_fs *fs);

/* ---- attributes ---- */

/**
 * vfs_stat() - attributes
 * @fs: the mount
 * @path: its path
 * @stat: where to put them
 *
 * Return: 0, or the errors of stat(2)
 */
int vfs_stat(struct vfs_fs *fs, const char *path, struct stat *stat);

/**
 * vfs_lstat() - attributes, of a symbolic link itself
 * @fs: the mount
 * @path: its path
 * @stat: where to put them
 *
 * Return: 0, or the errors of lstat(2)
 */
int vfs_lstat(struct vfs_fs *fs, const char *path, struct stat *stat);

/**
 * vfs_fstat() - attributes of an open file
 * @file: the file
 * @stat: where to put them
 *
 * Return: 0, or the errors of fstat(2)
 */
int vfs_fstat(struct vfs_file *file, struct stat *stat);

/**
 * vfs_fstatat() - attributes, by a path from a directory on
 * @fs: the mount
 * @dir: directory, NULL for the root
 * @path: path from there
 * @stat: where to put them
 * @flags: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH
 *
 * Return: 0, or the errors of fstatat(2)
 */
int vfs_fstatat(
	struct vfs_fs *fs, struct vfs_file *dir, const char *path, struct stat *stat, int flags);

/**
 * vfs_statx() - attributes, with a time of birth if the server has it, see statx(2)
 * @fs: the mount
 * @dir: directory, NULL for the root
 * @path: path from there
 * @flags: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_STATX_FORCE_SYNC, AT_STATX_DONT_SYNC
 * @mask: STATX_*
 * @statx: where to put them
 *
 * Return: 0, or the errors of statx(2)
 */
int vfs_statx(struct vfs_fs *fs, struct vfs_file *dir, const char *path, int flags,
	unsigned int mask, struct statx *statx);

/**
 * vfs_chmod() - set permissions
 * @fs: the mount
 * @path: its path
 * @mode: permissions
 *
 * Return: 0, or the errors of chmod(2)
 */
int vfs_chmod(struct vfs_fs *fs, const char *path, mode_t mode);

/**
 * vfs_fchmod() - set permissions of an open file
 * @file: the file
 * @mode: permissions
 *
 * Return: 0, or the errors of fchmod(2)
 */
int vfs_fchmod(struct vfs_file *file, mode_t mode);

/**
 * vfs_fchmodat() - set permissions, by a path from a directory on
 * @fs: the mount
 * @dir: directory, NULL for the root
 * @path: path from there
 * @mode: permissions
 * @flags: 0 or AT_SYMLINK_NOFOLLOW
 *
 * Return: 0, or the errors of fchmodat(2)
 */
int vfs_fchmodat(struct vfs_fs *fs, struct vfs_file *dir, const char *path, mode_t mode, int flags);

/**
 * vfs_chown() - set owner and group
 * @fs: the mount
 * @path: its path
 * @uid: owner; -1: leave it
 * @gid: group; -1: leave it
 *
 * Return: 0, or the errors of chown(2)
 */
int vfs_chown(struct vfs_fs *fs, const char *path, uid_t uid, gid_t gid);

/**
 * vfs_lchown() - set owner and group, of a symbolic link itself
 * @fs: the mount
 * @path: its path
 * @uid: owner; -1: leave it
 * @gid: group; -1: leave it
 *
 * Return: 0, or the errors of lchown(2)
 */
int vfs_lchown(struct vfs_fs *fs, const char *path, uid_t uid, gid_t gid);

/**
 * vfs_fchown() - set owner and group of an open file
 * @file: the file
 * @uid: owner; -1: leave it
 * @gid: group; -1: leave it
 *
 * Return: 0, or the errors of fchown(2)
 */
int vfs_fchown(struct vfs_file *file, uid_t uid, gid_t gid);

/**
 * vfs_fchownat() - set owner and group, by a path from a directory on
 * @fs: the mount
 * @dir: directory, NULL for the root
 * @path: path from there
 * @uid: owner; -1: leave it
 * @gid: group; -1: leave it
 * @flags: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH
 *
 * Return: 0, or the errors of fchownat(2)
 */
int vfs_fchownat(
	struct vfs_fs *fs, struct vfs_file *dir, const char *path, uid_t uid, gid_t gid, int flags);

/**
 * vfs_utimensat() - set times, by a path from a directory on
 * @fs: the mount
 * @dir: directory, NULL for the root
 * @path: path from there
 * @times: of access and of modification, UTIME_NOW and UTIME_OMIT too; NULL: now
 * @flags: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH
 *
 * Return: 0, or the errors of utimensat(2)
 */
int vfs_utimensat(struct vfs_fs *fs, struct vfs_file *dir, const char *path,
	const struct timespec times[2], int flags);

/**
 * vfs_futimens() - set times of an open file
 * @file: the file
 * @times: of access and of modification, UTIME_NOW and UTIME_OMIT too; NULL: now
 *
 * Return: 0, or the errors of futimens(3)
 */
int vfs_futimens(struct vfs_file *file, const struct timespec times[2]);

/**
 * vfs_access() - ask whether the caller may
 * @fs: the mount
 * @path: its path
 * @mode: R_OK, W_OK, X_OK, or F_OK
 *
 * Return: 0, or the errors of access(2)
 */
int vfs_access(struct vfs_fs *fs, const char *path, int mode);

/**
 * vfs_faccessat() - ask whether the caller may, by a path from a directory on
 * @fs: the mount
 * @dir: directory, NULL for the root
 * @path: path from there
 * @mode: R_OK, W_OK, X_OK, or F_OK
 * @flags: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH; AT_EACCESS means nothing here
 *
 * Return: 0, or the errors of faccessat(2)
 */
int vfs_faccessat(struct vfs_fs *fs, struct vfs_file *dir, const char *path, int mode, int flags);

/**
 * vfs_statvfs() - ask about the file system that a path is in
 * @fs: the mount
 * @path: its path
 * @statvfs: where to put the answer
 *
 * Return: 0, or the errors of statvfs(3)
 */
int vfs_statvfs(struct vfs_fs *fs, const char *path, struct statvfs *statvfs);

/* ---- names ---- */

/**
 * vfs_mkdir() - make a directory
 * @fs: the mount
 * @path: its path
 * @mode: permissions, of which the caller's umask is taken
 *
 * Return: 0, or the errors of mkdir(2)
 */
int vfs_mkdir(struct vfs_fs *fs, const char *path, mode_t mode);

/**
 * vfs_mkdirat() - make a directory, by a path from a directory on
 * @fs: the mount
 * @dir: directory, NULL for the root
 * @path: path from there
 * @mode: permissions, of which the caller's umask is taken
 *
 * Return: 0, or the errors of mkdirat(2)
 */
int vfs_mkdirat(struct vfs_fs *fs, struct vfs_file *dir, const char *path, mode_t mode);

/**
 * vfs_mknod() - make a file
 * @fs: the mount
 * @path: its path
 * @mode: type and permissions, of which the caller's umask is taken
 * @device: of a device file
 *
 * Return: 0, or the errors of mknod(2)
 */
int vfs_mknod(struct vfs_fs *fs, const char *path, mode_t mode, dev_t device);

/**
 * vfs_mknodat() - make a file, by a path from a directory on
 * @fs: the mount
 * @dir: directory, NULL for the root
 * @path: path from there
 * @mode: type and permissions, of which the caller's umask is taken
 * @device: of a device file
 *
 * Return: 0, or the errors of mknodat(2)
 */
int vfs_mknodat(
	struct vfs_fs *fs, struct vfs_file *dir, const char *path, mode_t mode, dev_t device);

/**
 * vfs_unlink() - remove a name
 * @fs: the mount
 * @path: its path
 *
 * Return: 0, or the errors of unlink(2)
 */
int vfs_unlink(struct vfs_fs *fs, const char *path);

/**
 * vfs_rmdir() - remove a directory
 * @fs: the mount
 * @path: its path
 *
 * Return: 0, or the errors of rmdir(2)
 */
int vfs_rmdir(struct vfs_fs *fs, const char *path);

/**
 * vfs_unlinkat() - remove a name, by a path from a directory on
 * @fs: the mount
 * @dir: directory, NULL for the root
 * @path: path from there
 * @flags: 0, or AT_REMOVEDIR for a directory
 *
 * Return: 0, or the errors of unlinkat(2)
 */
int vfs_unlinkat(struct vfs_fs *fs, struct vfs_file *dir, const char *path, int flags);

/**
 * vfs_rename() - give something another name
 * @fs: the mount
 * @from: its path
 * @to: the new one; what is there is replaced
 *
 * Return: 0, or the errors of rename(2)
 */
int vfs_rename(struct vfs_fs *fs, const char *from, const char *to);

/**
 * vfs_renameat2() - give something another name, by paths from directories on
 * @fs: the mount
 * @from_dir: directory, NULL for the root
 * @from: path from there
 * @to_dir: directory of the new name, NULL for the root
 * @to: path from there
 * @flags: RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT
 *
 * Return: 0, or the errors of renameat2(2)
 */
int vfs_renameat2(struct vfs_fs *fs, struct vfs_file *from_dir, const char *from,
	struct vfs_file *to_dir, const char *to, unsigned int flags);

/**
 * vfs_link() - give a file one more name
 * @fs: the mount
 * @from: its path
 * @to: the new one
 *
 * Return: 0, or the errors of link(2)
 */
int vfs_link(struct vfs_fs *fs, const char *from, const char *to);

/**
 * vfs_linkat() - give a file one more name, by paths from directories on
 * @fs: the mount
 * @from_dir: directory, NULL for the root
 * @from: path from there
 * @to_dir: directory of the new name, NULL for the root
 * @to: path from there
 * @flags: AT_SYMLINK_FOLLOW, AT_EMPTY_PATH
 *
 * Return: 0, or the errors of linkat(2)
 */
int vfs_linkat(struct vfs_fs *fs, struct vfs_file *from_dir, const char *from,
	struct vfs_file *to_dir, const char *to, int flags);

/**
 * vfs_symlink() - make a symbolic link
 * @fs: the mount
 * @target: what it says
 * @path: its path
 *
 * Return: 0, or the errors of symlink(2)
 */
int vfs_symlink(struct vfs_fs *fs, const char *target, const char *path);

/**
 * vfs_symlinkat() - make a symbolic link, by a path from a directory on
 * @fs: the mount
 * @target: what it says
 * @dir: directory, NULL for the root
 * @path: path from there
 *
 * Return: 0, or the errors of symlinkat(2)
 */
int vfs_symlinkat(struct vfs_fs *fs, const char *target, struct vfs_file *dir, const char *path);

/**
 * vfs_readlink() - read a symbolic link
 * @fs: the mount
 * @path: its path
 * @target: where its target goes
 * @size: bytes of @target; what does not fit is cut off
 *
 * Return: bytes of the target, to which no NUL is added, or the errors of readlink(2)
 */
ssize_t vfs_readlink(struct vfs_fs *fs, const char *path, char *target, size_t size);

/**
 * vfs_readlinkat() - read a symbolic link, by a path from a directory on
 * @fs: the mount
 * @dir: directory, NULL for the root
 * @path: path from there
 * @target: where its target goes
 * @size: bytes of @target; what does not fit is cut off
 *
 * Return: bytes of the target, to which no NUL is added, or the errors of readlinkat(2)
 */
ssize_t vfs_readlinkat(
	struct vfs_fs *fs, struct vfs_file *dir, const char *path, char *target, size_t size);

/**
 * vfs_realpath() - the path without symbolic links and dots, see realpath(3)
 * @fs: the mount
 * @path: a path to something that is there
 * @resolved: where to put it, with a slash in front and a NUL
 * @size: bytes of @resolved; PATH_MAX hold any
 *
 * Return: 0, or ``-ERANGE``: there is too little room; or as others
 */
int vfs_realpath(struct vfs_fs *fs, const char *path, char *resolved, size_t size);

/* ---- directories ---- */

/** struct vfs_dir - an open directory and a place in it; opaque; one thread's at a time */
struct vfs_dir;

/**
 * vfs_opendir() - open a directory to read it
 * @fs: the mount
 * @path: its path
 * @result: where to put it; unchanged on error
 *
 * Return: 0, or the errors of opendir(3)
 */
int vfs_opendir(struct vfs_fs *fs, const char *path, struct vfs_dir **result);

/**
 * vfs_fdopendir() - read a directory that is open
 * @dir: the directory; belongs to @result from then on, but not on error
 * @result: where to put it; unchanged on error
 *
 * Return: 0, or the errors of fdopendir(3)
 */
int vfs_fdopendir(struct vfs_file *dir, struct vfs_dir **result);

/**
 * vfs_readdir() - the next entry, see readdir(3)
 * @dir: the directory
 * @entry: where to put it; d_off is for vfs_seekdir()
 * @stat: where to put its attributes, if they came with it; NULL: they are not wanted
 *
 * Return: 1; 2 if @stat has its attributes; 0 at the end; or a negative errno value
 */
int vfs_readdir(struct vfs_dir *dir, struct dirent *entry, struct stat *stat);
/**
 * vfs_telldir() - where the next entry is
 * @dir: the directory
 *
 * Return: a place for vfs_seekdir(), see telldir(3)
 */
long vfs_telldir(struct vfs_dir *dir);

/**
 * vfs_seekdir() - go to a place in a directory, see seekdir(3)
 * @dir: the directory
 * @place: what vfs_telldir() returned, or d_off of an entry
 */
void vfs_seekdir(struct vfs_dir *dir, long place);

/**
 * vfs_rewinddir() - go to the beginning, and see what has changed, see rewinddir(3)
 * @dir: the directory
 */
void vfs_rewinddir(struct vfs_dir *dir);

/**
 * vfs_dirfile() - a directory that is read, as an open file for the functions with *at*
 * @dir: the directory
 *
 * Return: the open file, which stays @dir's
 */
struct vfs_file *vfs_dirfile(struct vfs_dir *dir);

/**
 * vfs_closedir() - end reading a directory
 * @dir: the directory, or NULL
 *
 * Return: 0, or the errors of closedir(3)
 */
int vfs_closedir(struct vfs_dir *dir);

/* ---- extended attributes ---- */

/**
 * vfs_setxattr() - set an extended attribute
 * @fs: the mount
 * @path: its path
 * @name: of the attribute, as in "user.comment"
 * @value: its value
 * @size: bytes of @value
 * @flags: XATTR_CREATE, XATTR_REPLACE or 0
 * @at_flags: AT_SYMLINK_NOFOLLOW: of a symbolic link itself; or 0
 *
 * Return: 0, or the errors of setxattr(2)
 */
int vfs_setxattr(struct vfs_fs *fs, const char *path, const char *name, const void *value,
	size_t size, int flags, int at_flags);

/**
 * vfs_getxattr() - read an extended attribute
 * @fs: the mount
 * @path: its path
 * @name: of the attribute, as in "user.comment"
 * @value: where its value goes
 * @size: bytes of @value; 0: only ask for its size
 * @at_flags: AT_SYMLINK_NOFOLLOW: of a symbolic link itself; or 0
 *
 * Return: bytes of the value, or the errors of getxattr(2)
 */
ssize_t vfs_getxattr(struct vfs_fs *fs, const char *path, const char *name, void *value,
	size_t size, int at_flags);

/**
 * vfs_listxattr() - list the names of extended attributes
 * @fs: the mount
 * @path: its path
 * @names: where they go, each with its NUL
 * @size: bytes of @names; 0: only ask for their size
 * @at_flags: AT_SYMLINK_NOFOLLOW: of a symbolic link itself; or 0
 *
 * Return: bytes of the names, or the errors of listxattr(2)
 */
ssize_t vfs_listxattr(struct vfs_fs *fs, const char *path, char *names, size_t size, int at_flags);

/**
 * vfs_removexattr() - remove an extended attribute
 * @fs: the mount
 * @path: its path
 * @name: of the attribute, as in "user.comment"
 * @at_flags: AT_SYMLINK_NOFOLLOW: of a symbolic link itself; or 0
 *
 * Return: 0, or the errors of removexattr(2)
 */
int vfs_removexattr(struct vfs_fs *fs, const char *path, const char *name, int at_flags);

/**
 * vfs_fsetxattr() - set an extended attribute of an open file
 * @file: the file
 * @name: of the attribute, as in "user.comment"
 * @value: its value
 * @size: bytes of @value
 * @flags: XATTR_CREATE, XATTR_REPLACE or 0
 *
 * Return: 0, or the errors of fsetxattr(2)
 */
int vfs_fsetxattr(
	struct vfs_file *file, const char *name, const void *value, size_t size, int flags);

/**
 * vfs_fgetxattr() - read an extended attribute of an open file
 * @file: the file
 * @name: of the attribute, as in "user.comment"
 * @value: where its value goes
 * @size: bytes of @value; 0: only ask for its size
 *
 * Return: bytes of the value, or the errors of fgetxattr(2)
 */
ssize_t vfs_fgetxattr(struct vfs_file *file, const char *name, void *value, size_t size);

/**
 * vfs_flistxattr() - list the names of extended attributes of an open file
 * @file: the file
 * @names: where they go, each with its NUL
 * @size: bytes of @names; 0: only ask for their size
 *
 * Return: bytes of the names, or the errors of flistxattr(2)
 */
ssize_t vfs_flistxattr(struct vfs_file *file, char *names, size_t size);

/**
 * vfs_fremovexattr() - remove an extended attribute of an open file
 * @file: the file
 * @name: of the attribute, as in "user.comment"
 *
 * Return: 0, or the errors of fremovexattr(2)
 */
int vfs_fremovexattr(struct vfs_file *file, const char *name);

/* ---- locks ---- */

/**
 * vfs_lock() - record locks, see fcntl(2)
 * @file: the file
 * @command: F_GETLK, F_SETLK, F_SETLKW; F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW
 * @lock: which one; changed by the first and fourth
 *
 * The owner of a POSIX lock is the mount as a whole, as it is the process with fcntl(2), and any
 * vfs_close() of the file ends it; that of the others is the open file. If the server has no locks
 * they are refused with ``-EOPNOTSUPP``. What is kept of the file's data is written back before a
 * lock ends, and looked at anew after one was got.
 *
 * With a time limit of the mount's operations waiting ends by ``-ETIMEDOUT``. The server is told to
 * wait no longer; if it granted the lock before it heard that, the lock is held until it is ended
 * by F_UNLCK or vfs_close().
 *
 * Return: 0, or the errors of fcntl(2)
 */
int vfs_lock(struct vfs_file *file, int command, struct flock *lock);

/**
 * vfs_flock() - lock a whole open file
 * @file: the file
 * @operation: LOCK_SH, LOCK_EX or LOCK_UN, with LOCK_NB so as not to wait
 *
 * Return: 0, or the errors of flock(2)
 */
int vfs_flock(struct vfs_file *file, int operation);

/* ---- reading and writing without waiting ---- */

/**
 * DOC: Reading and writing without waiting
 *
 * Reads and writes go between the program's memory and the server, past what is kept, as with
 * O_DIRECT; registered memory (memory.h) is not copied. What is kept of the file is written back
 * before, and what was written is dropped from it, so that other functions see it. What is under
 * way at the same time has no order: a program that wants one waits for the first before it sends
 * the second.
 */

/** struct vfs_aio - a queue of completions; opaque */
struct vfs_aio;

/**
 * struct vfs_aio_result - one completion
 * @user_data: as it was given
 * @result: bytes, or a negative errno value
 */
struct vfs_aio_result {
	void *user_data;
	ssize_t result;
};

/**
 * vfs_aio_create() - make a queue of completions
 * @fs: the mount
 * @depth: most that are under way or not taken
 * @result: where to put it; unchanged on error
 *
 * Return: 0, or ``-EINVAL``: a depth of 0; or ``-ENOMEM``
 */
int vfs_aio_create(struct vfs_fs *fs, unsigned int depth, struct vfs_aio **result);

/**
 * vfs_aio_destroy() - wait for what is under way, and free the queue
 * @aio: the queue, or NULL
 */
void vfs_aio_destroy(struct vfs_aio *aio);

/**
 * vfs_aio_preadv() - begin to read
 * @aio: where it completes
 * @file: the file, which may not be closed before
 * @iov: where it goes; copied, what it points to has to last
 * @count: pieces, at most VFS_REQUEST_DATA_MAX
 * @offset: from which byte on
 * @user_data: comes with the completion
 *
 * Return: 0, or ``-EAGAIN``: as many as its depth are under way; or an error, and it will not
 * complete
 */
int vfs_aio_preadv(struct vfs_aio *aio, struct vfs_file *file, const struct iovec *iov, int count,
	off_t offset, void *user_data);
/**
 * vfs_aio_pwritev() - begin to write
 * @aio: where it completes
 * @file: the file, which may not be closed before
 * @iov: what is written; copied, what it points to has to last
 * @count: pieces, at most VFS_REQUEST_DATA_MAX
 * @offset: to which byte on
 * @user_data: comes with the completion
 *
 * Return: as vfs_aio_preadv(), or
 *
 *   * ``-EINVAL``: the file was opened with O_APPEND, and nobody can say where data goes
 */
int vfs_aio_pwritev(struct vfs_aio *aio, struct vfs_file *file, const struct iovec *iov, int count,
	off_t offset, void *user_data);

/**
 * vfs_aio_fsync() - begin to bring to stable storage what is written so far
 * @aio: where it completes
 * @file: the file, which may not be closed before
 * @data_only: as fdatasync(2)
 * @user_data: comes with the completion
 *
 * Return: as vfs_aio_preadv()
 */
int vfs_aio_fsync(struct vfs_aio *aio, struct vfs_file *file, bool data_only, void *user_data);

/**
 * vfs_aio_reap() - take completions
 * @aio: the queue; one thread's at a time
 * @results: where to put them
 * @min: wait until there are so many, or nothing is under way
 * @max: how many fit
 * @timeout_ms: at most so many milliseconds; -1: without a limit
 *
 * Return: how many there were; fewer than @min, possibly 0, when the time is over
 */
int vfs_aio_reap(struct vfs_aio *aio, struct vfs_aio_result *results, unsigned int min,
	unsigned int max, int timeout_ms);

/**
 * vfs_aio_fd() - a descriptor that polls readable while there are completions to take
 * @aio: the queue
 *
 * From the first call on the library has a thread for each queue of the device, since somebody has
 * to collect answers while the program waits elsewhere.
 *
 * Return: the descriptor, which belongs to @aio, or a negative errno value
 */
int vfs_aio_fd(struct vfs_aio *aio);

#ifdef __cplusplus
}
#endif

#endif
