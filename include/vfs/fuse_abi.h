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

/** VFS_FUSE_MINOR - the newest protocol minor that this library knows */
#define VFS_FUSE_MINOR	   45
/** VFS_FUSE_MINOR_MIN - the oldest protocol minor that this library speaks */
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

/* Opcodes that <linux/fuse.h> of protocol minor 38 does not have. */
#define VFS_FUSE_STATX		    52
#define VFS_FUSE_COPY_FILE_RANGE_64 53

/* And notifications. */
#define VFS_FUSE_NOTIFY_RESEND	  7
#define VFS_FUSE_NOTIFY_INC_EPOCH 8
#define VFS_FUSE_NOTIFY_PRUNE	  9

#ifndef FUSE_EXPIRE_ONLY
#define FUSE_EXPIRE_ONLY (1 << 0)
#endif

/** VFS_FUSE_STATX_OUT_SIZE - bytes of struct fuse_statx_out (protocol minor 39) */
#define VFS_FUSE_STATX_OUT_SIZE 288

/** VFS_FUSE_STATX_IN_SIZE - bytes of struct fuse_statx_in (protocol minor 39) */
#define VFS_FUSE_STATX_IN_SIZE 24

#endif
