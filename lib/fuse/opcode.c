/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "core/core.h"
#include "fuse/fuse.h"

const struct vfs_reply_shape vfs_shapes[] = {
	[VFS_SIZE_EXACT] = {.exact = true},
	[VFS_SIZE_UP_TO] = {0},
	[VFS_SIZE_NO_REPLY] = {.none = true},
	[VFS_SIZE_MAY_OMIT] = {.may_omit = true},
	[VFS_SIZE_MAY_WAIT] = {.exact = true, .may_wait = true},
	[VFS_SIZE_OF_INIT] = {0},
	[VFS_SIZE_OF_DESTROY] = {.may_omit = true},
	[VFS_SIZE_FROM_READ] = {0},
	[VFS_SIZE_FROM_XATTR] = {0},
	[VFS_SIZE_FROM_IOCTL] = {0},
};

/* The form of fuse_setxattr_in without FUSE_SETXATTR_EXT. */
#define SETXATTR_IN_MIN FUSE_COMPAT_SETXATTR_IN_SIZE

#define ENTRY  sizeof(struct fuse_entry_out)
#define CREATE (sizeof(struct fuse_entry_out) + sizeof(struct fuse_open_out))

const struct vfs_opcode vfs_opcodes[VFS_NUM_OPCODES] = {
	[FUSE_LOOKUP] = {1, ENTRY, VFS_SIZE_EXACT},
	[FUSE_FORGET] = {sizeof(struct fuse_forget_in), 0, VFS_SIZE_NO_REPLY},
	[FUSE_GETATTR] = {sizeof(struct fuse_getattr_in), sizeof(struct fuse_attr_out),
		VFS_SIZE_EXACT},
	[FUSE_SETATTR] = {sizeof(struct fuse_setattr_in), sizeof(struct fuse_attr_out),
		VFS_SIZE_EXACT},
	[FUSE_READLINK] = {0, 4096, VFS_SIZE_UP_TO},
	[FUSE_SYMLINK] = {2, ENTRY, VFS_SIZE_EXACT},
	[FUSE_MKNOD] = {sizeof(struct fuse_mknod_in) + 1, ENTRY, VFS_SIZE_EXACT},
	[FUSE_MKDIR] = {sizeof(struct fuse_mkdir_in) + 1, ENTRY, VFS_SIZE_EXACT},
	[FUSE_UNLINK] = {1, 0, VFS_SIZE_EXACT},
	[FUSE_RMDIR] = {1, 0, VFS_SIZE_EXACT},
	[FUSE_RENAME] = {sizeof(struct fuse_rename_in) + 2, 0, VFS_SIZE_EXACT},
	[FUSE_LINK] = {sizeof(struct fuse_link_in) + 1, ENTRY, VFS_SIZE_EXACT},
	[FUSE_OPEN] = {sizeof(struct fuse_open_in), sizeof(struct fuse_open_out), VFS_SIZE_EXACT},
	[FUSE_READ] = {sizeof(struct fuse_read_in), 0, VFS_SIZE_FROM_READ},
	[FUSE_WRITE] = {sizeof(struct fuse_write_in), sizeof(struct fuse_write_out),
		VFS_SIZE_EXACT},
	[FUSE_STATFS] = {0, sizeof(struct fuse_statfs_out), VFS_SIZE_EXACT},
	[FUSE_RELEASE] = {sizeof(struct fuse_release_in), 0, VFS_SIZE_EXACT},
	[FUSE_FSYNC] = {sizeof(struct fuse_fsync_in), 0, VFS_SIZE_EXACT},
	[FUSE_SETXATTR] = {SETXATTR_IN_MIN + 1, 0, VFS_SIZE_EXACT},
	[FUSE_GETXATTR] = {sizeof(struct fuse_getxattr_in) + 1, 0, VFS_SIZE_FROM_XATTR},
	[FUSE_LISTXATTR] = {sizeof(struct fuse_getxattr_in), 0, VFS_SIZE_FROM_XATTR},
	[FUSE_REMOVEXATTR] = {1, 0, VFS_SIZE_EXACT},
	[FUSE_FLUSH] = {sizeof(struct fuse_flush_in), 0, VFS_SIZE_EXACT},
	[FUSE_INIT] = {16, sizeof(struct fuse_init_out), VFS_SIZE_OF_INIT},
	[FUSE_OPENDIR] = {sizeof(struct fuse_open_in), sizeof(struct fuse_open_out),
		VFS_SIZE_EXACT},
	[FUSE_READDIR] = {sizeof(struct fuse_read_in), 0, VFS_SIZE_FROM_READ},
	[FUSE_RELEASEDIR] = {sizeof(struct fuse_release_in), 0, VFS_SIZE_EXACT},
	[FUSE_FSYNCDIR] = {sizeof(struct fuse_fsync_in), 0, VFS_SIZE_EXACT},
	[FUSE_GETLK] = {sizeof(struct fuse_lk_in), sizeof(struct fuse_lk_out), VFS_SIZE_EXACT},
	[FUSE_SETLK] = {sizeof(struct fuse_lk_in), 0, VFS_SIZE_EXACT},
	[FUSE_SETLKW] = {sizeof(struct fuse_lk_in), 0, VFS_SIZE_MAY_WAIT},
	[FUSE_ACCESS] = {sizeof(struct fuse_access_in), 0, VFS_SIZE_EXACT},
	[FUSE_CREATE] = {sizeof(struct fuse_create_in) + 1, CREATE, VFS_SIZE_EXACT},
	[FUSE_INTERRUPT] = {sizeof(struct fuse_interrupt_in), 0, VFS_SIZE_MAY_OMIT},
	[FUSE_BMAP] = {sizeof(struct fuse_bmap_in), sizeof(struct fuse_bmap_out), VFS_SIZE_EXACT},
	[FUSE_DESTROY] = {0, 0, VFS_SIZE_OF_DESTROY},
	[FUSE_IOCTL] = {sizeof(struct fuse_ioctl_in), 0, VFS_SIZE_FROM_IOCTL},
	[FUSE_POLL] = {sizeof(struct fuse_poll_in), sizeof(struct fuse_poll_out), VFS_SIZE_EXACT},
	[FUSE_NOTIFY_REPLY] = {sizeof(struct fuse_notify_retrieve_in), 0, VFS_SIZE_NO_REPLY},
	[FUSE_BATCH_FORGET] = {sizeof(struct fuse_batch_forget_in), 0, VFS_SIZE_NO_REPLY},
	[FUSE_FALLOCATE] = {sizeof(struct fuse_fallocate_in), 0, VFS_SIZE_EXACT},
	[FUSE_READDIRPLUS] = {sizeof(struct fuse_read_in), 0, VFS_SIZE_FROM_READ},
	[FUSE_RENAME2] = {sizeof(struct fuse_rename2_in) + 2, 0, VFS_SIZE_EXACT},
	[FUSE_LSEEK] = {sizeof(struct fuse_lseek_in), sizeof(struct fuse_lseek_out),
		VFS_SIZE_EXACT},
	[FUSE_COPY_FILE_RANGE] = {sizeof(struct fuse_copy_file_range_in),
		sizeof(struct fuse_write_out), VFS_SIZE_EXACT},
	[FUSE_SETUPMAPPING] = {sizeof(struct fuse_setupmapping_in), 0, VFS_SIZE_EXACT},
	[FUSE_REMOVEMAPPING] = {sizeof(struct fuse_removemapping_in), 0, VFS_SIZE_EXACT},
	[FUSE_SYNCFS] = {sizeof(struct fuse_syncfs_in), 0, VFS_SIZE_EXACT},
	[FUSE_TMPFILE] = {sizeof(struct fuse_create_in) + 1, CREATE, VFS_SIZE_EXACT},
	[VFS_FUSE_STATX] = {VFS_FUSE_STATX_IN_SIZE, VFS_FUSE_STATX_OUT_SIZE, VFS_SIZE_EXACT},
	[VFS_FUSE_COPY_FILE_RANGE_64] = {sizeof(struct fuse_copy_file_range_in),
		sizeof(struct fuse_write_out), VFS_SIZE_EXACT},
};

const uint8_t vfs_directions[VFS_NUM_OPCODES] = {
	[FUSE_READLINK] = VFS_DATA_RECEIVED,
	[FUSE_READ] = VFS_DATA_RECEIVED,
	[FUSE_WRITE] = VFS_DATA_SENT,
	[FUSE_SETXATTR] = VFS_DATA_SENT,
	[FUSE_GETXATTR] = VFS_DATA_RECEIVED,
	[FUSE_LISTXATTR] = VFS_DATA_RECEIVED,
	[FUSE_READDIR] = VFS_DATA_RECEIVED,
	[FUSE_NOTIFY_REPLY] = VFS_DATA_SENT,
	[FUSE_READDIRPLUS] = VFS_DATA_RECEIVED,
};

int vfs_opcode_finish(struct vfs_reply_shape *shape, enum vfs_sizing sizing, const void *args)
{
	struct fuse_getxattr_in xattr;
	struct fuse_ioctl_in ioctl;

	switch (sizing) {
	case VFS_SIZE_FROM_XATTR:
		memcpy(&xattr, args, sizeof(xattr));
		shape->exact = xattr.size == 0;
		shape->max = xattr.size ? xattr.size : (uint32_t)sizeof(struct fuse_getxattr_out);
		return 0;
	case VFS_SIZE_FROM_IOCTL:
		memcpy(&ioctl, args, sizeof(ioctl));
		if (ioctl.out_size > UINT32_MAX - sizeof(struct fuse_ioctl_out))
			return vfs_error(
				-E2BIG, "an answer of %u bytes is asked for", ioctl.out_size);
		shape->max = (uint32_t)sizeof(struct fuse_ioctl_out) + ioctl.out_size;
		return 0;
	case VFS_SIZE_OF_INIT:
	case VFS_SIZE_OF_DESTROY:
		return 1;
	default:
		return 0;
	}
}

__attribute__((cold)) int vfs_opcode_refuse(size_t length, uint32_t opcode)
{
	if (length < sizeof(struct fuse_in_header))
		return vfs_error(-EINVAL, "a message of %zu bytes has no header", length);
	if (vfs_opcode_is_known(opcode))
		return vfs_error(-EINVAL, "a message of %zu bytes is too short for opcode %u",
			length, opcode);
	if (vfs_opcode_is_known(__builtin_bswap32(opcode)))
		return vfs_error(
			-EINVAL, "opcode %u is in the other byte order", __builtin_bswap32(opcode));
	return vfs_error(-ENOSYS, "opcode %u is not known", opcode);
}
