/* SPDX-License-Identifier: MIT */
/**
 * DOC: The FUSE protocol
 *
 * <linux/fuse.h> describes the messages. What newer protocol minors added to it, and the
 * header of an older distribution lacks, is defined here.
 */
#ifndef VFS_FUSE_ABI_H
#define VFS_FUSE_ABI_H

#include <stdint.h>

#include <linux/fuse.h>

/**
 * VFS_FUSE_MINOR - the newest protocol minor that this library knows
 */
#define VFS_FUSE_MINOR 45

/**
 * VFS_FUSE_MINOR_MIN - the oldest protocol minor that this library speaks
 */
#define VFS_FUSE_MINOR_MIN 27

#ifndef FUSE_CREATE_SUPP_GROUP
#define FUSE_CREATE_SUPP_GROUP (1ULL << 34)
#endif
#ifndef FUSE_DIRECT_IO_ALLOW_MMAP
#define FUSE_DIRECT_IO_ALLOW_MMAP (1ULL << 36)
#endif
#ifndef FUSE_PASSTHROUGH
#define FUSE_PASSTHROUGH (1ULL << 37)
#endif
#ifndef FUSE_NO_EXPORT_SUPPORT
#define FUSE_NO_EXPORT_SUPPORT (1ULL << 38)
#endif
#ifndef FUSE_HAS_RESEND
#define FUSE_HAS_RESEND (1ULL << 39)
#endif
#ifndef FUSE_ALLOW_IDMAP
#define FUSE_ALLOW_IDMAP (1ULL << 40)
#endif
#ifndef FUSE_OVER_IO_URING
#define FUSE_OVER_IO_URING (1ULL << 41)
#endif
#ifndef FUSE_REQUEST_TIMEOUT
#define FUSE_REQUEST_TIMEOUT (1ULL << 42)
#endif

/* Opcodes and notifications that <linux/fuse.h> of protocol minor 38 does not have. */

/**
 * VFS_FUSE_STATX - opcode: attributes with a time of birth (protocol minor 39)
 */
#define VFS_FUSE_STATX 52

/**
 * VFS_FUSE_COPY_FILE_RANGE_64 - opcode: copy within the server, of any length (protocol minor 45)
 */
#define VFS_FUSE_COPY_FILE_RANGE_64 53

/**
 * VFS_FUSE_NOTIFY_RESEND - notification: send again what is not answered (protocol minor 40)
 */
#define VFS_FUSE_NOTIFY_RESEND 7

/**
 * VFS_FUSE_NOTIFY_INC_EPOCH - notification: names that are kept are not valid any more (protocol
 * minor 44)
 */
#define VFS_FUSE_NOTIFY_INC_EPOCH 8

/**
 * VFS_FUSE_NOTIFY_PRUNE - notification: do not keep these nodes (protocol minor 45)
 */
#define VFS_FUSE_NOTIFY_PRUNE 9

#ifndef FUSE_EXPIRE_ONLY
#define FUSE_EXPIRE_ONLY (1 << 0)
#endif

/**
 * struct vfs_fuse_sx_time - a time in struct vfs_fuse_statx (protocol minor 39)
 * @tv_sec: seconds since 1970
 * @tv_nsec: and nanoseconds
 * @reserved: 0
 */
struct vfs_fuse_sx_time {
	int64_t tv_sec;
	uint32_t tv_nsec;
	int32_t reserved;
};

/**
 * struct vfs_fuse_statx - attributes with a time of birth (protocol minor 39)
 * @mask: STATX_* of what is in it
 * @blksize: size for reads and writes that go well
 * @attributes: STATX_ATTR_*
 * @nlink: names
 * @uid: owner
 * @gid: group
 * @mode: type and permissions
 * @spare0: not used
 * @ino: inode number
 * @size: bytes
 * @blocks: of 512 bytes
 * @attributes_mask: STATX_ATTR_* that the server knows
 * @atime: of the last access
 * @btime: of birth
 * @ctime: of the last change of attributes
 * @mtime: of the last change of data
 * @rdev_major: of a device file
 * @rdev_minor: the same
 * @dev_major: of the file system
 * @dev_minor: the same
 * @spare2: not used
 */
struct vfs_fuse_statx {
	uint32_t mask;
	uint32_t blksize;
	uint64_t attributes;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint16_t mode;
	uint16_t spare0[1];
	uint64_t ino;
	uint64_t size;
	uint64_t blocks;
	uint64_t attributes_mask;
	struct vfs_fuse_sx_time atime;
	struct vfs_fuse_sx_time btime;
	struct vfs_fuse_sx_time ctime;
	struct vfs_fuse_sx_time mtime;
	uint32_t rdev_major;
	uint32_t rdev_minor;
	uint32_t dev_major;
	uint32_t dev_minor;
	uint64_t spare2[14];
};

/**
 * struct vfs_fuse_statx_in - arguments of STATX (protocol minor 39)
 * @getattr_flags: FUSE_GETATTR_FH if @fh counts
 * @reserved: 0
 * @fh: of an open file
 * @sx_flags: AT_STATX_*
 * @sx_mask: STATX_*
 */
struct vfs_fuse_statx_in {
	uint32_t getattr_flags;
	uint32_t reserved;
	uint64_t fh;
	uint32_t sx_flags;
	uint32_t sx_mask;
};

/**
 * struct vfs_fuse_statx_out - answer to STATX (protocol minor 39)
 * @attr_valid: seconds for which they may be kept
 * @attr_valid_nsec: and nanoseconds
 * @flags: 0
 * @spare: not used
 * @stat: the attributes
 */
struct vfs_fuse_statx_out {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec;
	uint32_t flags;
	uint64_t spare[2];
	struct vfs_fuse_statx stat;
};

/**
 * struct vfs_fuse_copy_file_range_out - answer to COPY_FILE_RANGE_64 (protocol minor 45)
 * @bytes_copied: how many there were
 */
struct vfs_fuse_copy_file_range_out {
	uint64_t bytes_copied;
};

/**
 * VFS_FUSE_EXT_GROUPS - type of the extension with a supplementary group (protocol minor 38)
 */
#define VFS_FUSE_EXT_GROUPS 32

/**
 * struct vfs_fuse_supp_groups - body of that extension (protocol minor 38)
 * @nr_groups: how many groups follow
 */
struct vfs_fuse_supp_groups {
	uint32_t nr_groups;
};

#endif
