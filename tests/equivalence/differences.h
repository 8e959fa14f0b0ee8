/* SPDX-License-Identifier: MIT */
/*
 * What is different rightfully. Nothing else is left out of the comparison:
 *
 * - Device, inode number, blocks, the size of a directory, times of change and of birth: of two
 *   directories on one file system they differ as well. (outcome.c: say_stat)
 * - Times are compared if somebody set them; otherwise it is known that they are those of now.
 *   (outcome.c: say_time)
 * - The time of access only right after it was set: what is read from a cache does not change it.
 *   (apply_attributes.c)
 * - Which zeros are holes depends on what the kernel has in its cache: it is compared whether what
 * is said to be a hole has zeros. (apply_data.c: say_hole)
 * - The order in which entries come. (apply_names.c: say_listing)
 * - Places in an open directory are for seekdir() alone, whose numbers are the file system's own.
 *   (apply_data.c: apply_lseek)
 * - How large a file may be only its file system knows, and lseek() need not ask it, nor need a
 * copy of nothing. (here)
 * - Who makes a file larger than it may be, whose set-ID bits a server does not take away by
 * itself: this client does that before. (here)
 * - O_DIRECT wants memory that is aligned on a disk and not on a socket. (calls_kernel.c: do_open)
 * - Opening a fifo, a socket or a device is a matter of the kernel that opens it. (here)
 * - RESOLVE_NO_XDEV: Linux takes an absolute link for one that leads to another mount if the path
 *   itself did not begin with a slash. (here)
 * - fdopendir() of the C library takes what cannot be read, and complains later.
 *   (apply_names.c: apply_fdopendir)
 * - Some kernels have no fchmodat2(). (here)
 * - Making something by right of a supplementary group, of which the servers are not told. (op.c)
 * - Sticky directories that others may write to: the kernel has rules beyond POSIX for what is in
 *   them (fs.protected_*), as the machine is configured. (op.c: make_mode has none)
 * - Locks on directories: FUSE knows none, and a kernel would keep them to itself. (here)
 * - Hard links to what is not one's own, for the same reason. (here)
 * - What RENAME_WHITEOUT leaves behind is the server's, who renames by his own right. (here)
 */
#ifndef EQUIVALENCE_DIFFERENCES_H
#define EQUIVALENCE_DIFFERENCES_H

#include <stdbool.h>
#include <sys/stat.h>

struct op;

/* Opening ended like this, with these attributes of what was opened. */
bool differs_opened(const struct op *op, int result, const struct stat *stat);

/* chmod ended like this. */
bool differs_chmod(const struct op *op, int result);

/* A write or a copy ended like this. */
bool differs_written(const struct op *op, long long result);

/* A change of a file's size ended like this. */
bool differs_resized(const struct op *op, int result);

/* A lock on something with these attributes. */
bool differs_locked(const struct stat *stat);

/* Before it is done. */
bool differs_always(const struct op *op);

#endif
