/* SPDX-License-Identifier: MIT */
/**
 * DOC: The DAX window
 *
 * Contents of files with no request: a device may have a window (virtio 1.3 §5.11.6.4) in which the
 * server shows parts of files, as memory of this process (FUSE_SETUPMAPPING, FUSE_REMOVEMAPPING).
 * A mount that uses it copies from there and to there in vfs_pread() and vfs_pwrite(), and
 * vfs_map() hands out pointers into it.
 *
 * The window is divided into ranges. A range shows a part of one file until it is needed for
 * something else.
 */
#ifndef VFS_DAX_H
#define VFS_DAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vfs_fs;
struct vfs_file;

/**
 * enum vfs_dax_mode - which files are accessed through the window
 * @VFS_DAX_NEVER: none
 * @VFS_DAX_AUTO: all, if the device has a window, the server can map files, and the window turns
 *                out to be memory that is worth it (see enum vfs_memory_type); otherwise none
 * @VFS_DAX_ALWAYS: all. A mount without a window, or with a server that cannot map, fails.
 * @VFS_DAX_INODE: those that the server marks (FUSE_ATTR_DAX), if there is a window and the server
 *                 has FUSE_HAS_INODE_DAX; otherwise none
 */
enum vfs_dax_mode {
	VFS_DAX_NEVER,
	VFS_DAX_AUTO,
	VFS_DAX_ALWAYS,
	VFS_DAX_INODE,
};

/**
 * enum vfs_memory_type - what kind of memory the window is, as it was measured
 * @VFS_MEMORY_UNKNOWN: nothing was mapped yet
 * @VFS_MEMORY_CACHED: about as fast as other memory
 * @VFS_MEMORY_UNCACHED: reading is slower by far: the processor does not keep it in its caches, as
 *                       is the rule for memory of a PCI function that is not made up by a
 *                       hypervisor
 */
enum vfs_memory_type {
	VFS_MEMORY_UNKNOWN,
	VFS_MEMORY_CACHED,
	VFS_MEMORY_UNCACHED,
};

/**
 * struct vfs_dax_stats - the window of a mount
 * @window: bytes, 0: it is not used
 * @range: bytes of a range
 * @ranges: how many there are
 * @free: of these, those that show nothing
 * @mapping: that are being mapped
 * @mapped_read: that show a file, to be read
 * @mapped_write: that show a file, to be read and written
 * @reclaiming: that are being made free
 * @retired: of which it is not known what they show, as a request was not answered, or which could
 *           not be made free; they are not used any more
 * @held: that are held by vfs_map(), each counted among the mapped ones as well
 * @hits: accesses that found their range mapped, or being mapped by another one
 * @maps: ranges that were mapped, or may have been, as the request was not answered
 * @upgrades: ranges that were mapped again for writing, or for more of a file that has grown
 * @unmaps: ranges that were made free; what was mapped and was not, is mapped still, being made
 *          free, or retired
 * @unmap_calls: requests that did so
 * @reclaims: of @unmaps, ranges that were needed for other parts of files
 * @stalls: accesses that had to wait for a range to become free
 * @misfits: accesses that were done by request instead, as no range could be had or mapped
 * @faults: copies that hit memory with nothing behind it, as a file had become shorter
 * @read_bytes: that were copied out of the window
 * @written_bytes: that were copied into it
 * @memory: what kind of memory it is
 * @speed: how fast it is read, in percent of other memory; 0: not measured
 */
struct vfs_dax_stats {
	uint64_t window;
	uint64_t range;
	uint64_t ranges;
	uint64_t free;
	uint64_t mapping;
	uint64_t mapped_read;
	uint64_t mapped_write;
	uint64_t reclaiming;
	uint64_t retired;
	uint64_t held;
	uint64_t hits;
	uint64_t maps;
	uint64_t upgrades;
	uint64_t unmaps;
	uint64_t unmap_calls;
	uint64_t reclaims;
	uint64_t stalls;
	uint64_t misfits;
	uint64_t faults;
	uint64_t read_bytes;
	uint64_t written_bytes;
	enum vfs_memory_type memory;
	unsigned int speed;
};

/**
 * enum vfs_faults - what becomes of a copy that finds nothing behind the window
 * @VFS_FAULTS_AUTO: VFS_FAULTS_HANDLER if nobody handles SIGBUS and SIGSEGV when the mount is made
 *                   (SIG_DFL, or the library for another mount), otherwise
 *                   VFS_FAULTS_SYSTEM_CALL
 * @VFS_FAULTS_HANDLER: the library handles SIGBUS and SIGSEGV while the mount exists. What is not
 *                      about its own copies goes on to whoever handled them before, or has the
 *                      effect that it would have had. When somebody else handles them later copies
 *                      become system calls.
 * @VFS_FAULTS_SYSTEM_CALL: each copy is a system call (two, with the one that asks which thread
 *                          this is), and signals are left alone
 * @VFS_FAULTS_APPLICATION: the program's handlers of SIGBUS and SIGSEGV call vfs_fault_handle().
 *                          They are there when the mount is made and stay until it is gone.
 *
 * A file that becomes shorter takes away what is mapped of it, and so does a device that fails.
 * Touching that memory raises SIGBUS or SIGSEGV in the thread that does; a copy of the library has
 * to end there instead, and to say how far it came.
 *
 * Handlers are the whole process's: as long as one mount has its copies caught by a handler, all
 * have. A thread that has blocked SIGBUS or SIGSEGV when it copies for the first time has its
 * copies done by system calls until it is found to have unblocked them; one that blocks them later
 * is killed, with the process, by a fault. VFS_FAULTS_SYSTEM_CALL is for programs that do so.
 */
enum vfs_faults {
	VFS_FAULTS_AUTO,
	VFS_FAULTS_HANDLER,
	VFS_FAULTS_SYSTEM_CALL,
	VFS_FAULTS_APPLICATION,
};

/**
 * vfs_fault_handle() - in a signal handler: end the library's copy, if this is a fault of one
 * @signal: SIGBUS or SIGSEGV
 * @info: the siginfo_t that the handler was given (SA_SIGINFO)
 * @context: likewise, the ucontext_t
 *
 * The first thing that the handler of a program with VFS_FAULTS_APPLICATION does::
 *
 *   static void on_fault(int signal, siginfo_t *info, void *context)
 *   {
 *           if (vfs_fault_handle(signal, info, context))
 *                   return;
 *           ...
 *   }
 *
 * It does not return if the fault is the copy's of this very thread: it jumps back into it
 * (siglongjmp()), with the signal mask that the thread had. Async-signal-safe.
 *
 * Return: false: it is something else. True: the handler has nothing more to do.
 */
bool vfs_fault_handle(int signal, const void *info, void *context);

/**
 * vfs_copy_from_map() - copy out of the window, as far as there is something
 * @to: where to, ordinary memory
 * @map: where from, within what vfs_map() handed out
 * @size: bytes
 *
 * For holders of pointers into the window. memcpy() does the same if nobody ever makes the files
 * shorter and the server is trusted to leave mappings where they are; this survives it otherwise.
 * No system call, if a handler catches faults (see enum vfs_faults), otherwise one or more.
 *
 * Any thread may call it, and so may signal handlers, also those that interrupt a copy; they must
 * not leave by siglongjmp(), and not touch what is being copied otherwise. A child after fork()
 * does not have the window.
 *
 * Return: bytes copied, counted from the first. Fewer than @size: there was nothing behind the next
 * one, or memory with an error that the hardware has found; or no handler catches faults, and the
 * system call (process_vm_writev()) is forbidden. What of @to is behind them has any contents.
 */
size_t vfs_copy_from_map(void *to, const void *map, size_t size);

/**
 * vfs_copy_to_map() - copy into the window, as far as there is something
 * @map: where to, within what vfs_map() handed out
 * @from: where from, ordinary memory
 * @size: bytes
 *
 * See vfs_copy_from_map(); the system call is process_vm_readv(). Memory that is mapped for reading
 * only counts as nothing. A byte behind those that are counted may have been written as well.
 *
 * Return: bytes copied, counted from the first
 */
size_t vfs_copy_to_map(void *map, const void *from, size_t size);

/**
 * vfs_fs_dax_stats() - figures of the window of a mount
 * @fs: the mount
 * @stats: where to put them; all 0 if no window is used
 */
void vfs_fs_dax_stats(struct vfs_fs *fs, struct vfs_dax_stats *stats);

/**
 * vfs_map() - a pointer to a part of a file, with no copy
 * @file: a file that is accessed through the window
 * @offset: in the file, not necessarily that of a page
 * @length: bytes; they have to be in the file now
 * @prot: PROT_READ, or PROT_READ | PROT_WRITE
 * @address: where to put the pointer; unchanged on error
 *
 * What is written there is in the file at once, and what others write to the file is there at once,
 * as far as the device is coherent. The part is pinned in the window until vfs_unmap(), also when
 * the file is closed; ranges that are pinned are not there for others, and when they are all
 * pinned reading and writing goes by requests. A part of more than one range needs neighbouring
 * ranges of its own.
 *
 * When somebody makes the file shorter, accesses behind its end raise SIGBUS, but for the rest of
 * its last page; when the device is taken away, all accesses may. vfs_copy_from_map() and
 * vfs_copy_to_map() return instead. A child after fork() may not have it.
 *
 * Return: 0, or
 *
 *   * ``-EOPNOTSUPP``: the file is not accessed through the window
 *   * ``-EBADF``: it was opened with O_PATH
 *   * ``-EACCES``: it is not open for reading, or for writing, and that is asked for
 *   * ``-EINVAL``: @length is 0, @offset negative, or @prot another one
 *   * ``-ENXIO``: the file ends before
 *   * ``-ENOSPC``: the window has not so many ranges
 *   * ``-EBUSY``: too many ranges are pinned, or this part is, for reading only, and is to be
 *     written to
 *   * the server's error, ``-ETIMEDOUT``, ``-ENODEV``, ``-EIO``, ``-ENOMEM``
 */
int vfs_map(struct vfs_file *file, off_t offset, size_t length, int prot, void **address);

/**
 * vfs_unmap() - end what vfs_map() began
 * @fs: the mount
 * @address: as vfs_map() gave it
 *
 * vfs_umount() ends all that are left.
 *
 * Return: 0, or ``-EINVAL``: there is no such pointer
 */
int vfs_unmap(struct vfs_fs *fs, void *address);

/**
 * vfs_map_sync() - bring what was written by pointers to stable storage
 * @file: the file, open for writing
 *
 * Sends the server an FSYNC: so what was written to the file by other means is brought there too.
 *
 * Return: 0, or the errors of vfs_fdatasync()
 */
int vfs_map_sync(struct vfs_file *file);

#ifdef __cplusplus
}
#endif

#endif
