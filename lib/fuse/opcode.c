/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "core/core.h"
#include "fuse/fuse.h"
#include "fuse/opcode.h"

/* Strings have their NUL at least. */
#define LEAST_ENTRY   1
#define LEAST_ENTRIES 2
#define LEAST_LINK    2
#define LEAST_XATTR   1
#define LEAST_UNNAMED 1

/* Fixed arguments alone, names alone, and both. */
#define ARGS(type)  .args = sizeof(struct type), .least = sizeof(struct type)
#define NAMES(what) .names = VFS_NAMES_##what, .least = LEAST_##what
#define BOTH(bytes, what) \
	.args = (bytes), .names = VFS_NAMES_##what, .least = (bytes) + LEAST_##what

#define SENT(type, field)     .data = VFS_DATA_SENT, .size_at = offsetof(struct type, field)
#define RECEIVED(type, field) .data = VFS_DATA_RECEIVED, .size_at = offsetof(struct type, field)

#define ANSWER(bytes, what) \
	.reply = (bytes), .sizing = VFS_SIZING_EXACT, .answer = VFS_ANSWER_##what
#define DONE	    ANSWER(0, PLAIN)
#define PLAIN(type) ANSWER(sizeof(struct type), PLAIN)
#define ENTRY	    ANSWER(sizeof(struct fuse_entry_out), ENTRY)
#define ATTR	    ANSWER(sizeof(struct fuse_attr_out), ATTR)
#define CREATED	    ANSWER(sizeof(struct fuse_entry_out) + sizeof(struct fuse_open_out), CREATED)

/* INIT and DESTROY are the session's, FORGET and INTERRUPT of the hiprio queue. */
const struct vfs_opcode vfs_opcodes[VFS_NUM_OPCODES] = {
	[FUSE_LOOKUP] = {NAMES(ENTRY), ENTRY},
	[FUSE_FORGET] = {ARGS(fuse_forget_in), .sizing = VFS_SIZING_NO_REPLY},
	[FUSE_GETATTR] = {ARGS(fuse_getattr_in), ATTR},
	[FUSE_SETATTR] = {ARGS(fuse_setattr_in), ATTR},
	[FUSE_READLINK] = {.data = VFS_DATA_RECEIVED,
		.sizing = VFS_SIZING_UP_TO,
		.reply = 4096,
		.answer = VFS_ANSWER_TARGET},
	[FUSE_SYMLINK] = {NAMES(LINK), ENTRY, .creates = true},
	[FUSE_MKNOD] = {BOTH(sizeof(struct fuse_mknod_in), ENTRY), ENTRY, .creates = true},
	[FUSE_MKDIR] = {BOTH(sizeof(struct fuse_mkdir_in), ENTRY), ENTRY, .creates = true},
	[FUSE_UNLINK] = {NAMES(ENTRY), DONE},
	[FUSE_RMDIR] = {NAMES(ENTRY), DONE},
	[FUSE_RENAME] = {BOTH(sizeof(struct fuse_rename_in), ENTRIES), DONE},
	[FUSE_LINK] = {BOTH(sizeof(struct fuse_link_in), ENTRY), ENTRY, .remembers = true},
	[FUSE_OPEN] = {ARGS(fuse_open_in), PLAIN(fuse_open_out), .remembers = true},
	[FUSE_READ] = {ARGS(fuse_read_in), RECEIVED(fuse_read_in, size), .sizing = VFS_SIZING_READ,
		.answer = VFS_ANSWER_BYTES},
	[FUSE_WRITE] = {ARGS(fuse_write_in), SENT(fuse_write_in, size),
		ANSWER(sizeof(struct fuse_write_out), WRITTEN)},
	[FUSE_STATFS] = {PLAIN(fuse_statfs_out)},
	[FUSE_RELEASE] = {ARGS(fuse_release_in), DONE},
	[FUSE_FSYNC] = {ARGS(fuse_fsync_in), DONE, .remembers = true},
	[FUSE_SETXATTR] = {BOTH(FUSE_COMPAT_SETXATTR_IN_SIZE, XATTR), SENT(fuse_setxattr_in, size),
		DONE, .remembers = true},
	[FUSE_GETXATTR] = {BOTH(sizeof(struct fuse_getxattr_in), XATTR),
		RECEIVED(fuse_getxattr_in, size), .sizing = VFS_SIZING_XATTR,
		.answer = VFS_ANSWER_VALUE, .remembers = true},
	[FUSE_LISTXATTR] = {ARGS(fuse_getxattr_in), RECEIVED(fuse_getxattr_in, size),
		.sizing = VFS_SIZING_XATTR, .answer = VFS_ANSWER_LIST, .remembers = true},
	[FUSE_REMOVEXATTR] = {NAMES(XATTR), DONE, .remembers = true},
	[FUSE_FLUSH] = {ARGS(fuse_flush_in), DONE, .remembers = true},
	/* As it was before protocol minor 36. */
	[FUSE_INIT] = {.args = 16,
		.least = 16,
		.reply = sizeof(struct fuse_init_out),
		.sizing = VFS_SIZING_INIT},
	[FUSE_OPENDIR] = {ARGS(fuse_open_in), PLAIN(fuse_open_out), .remembers = true},
	[FUSE_READDIR] = {ARGS(fuse_read_in), RECEIVED(fuse_read_in, size),
		.sizing = VFS_SIZING_READ, .answer = VFS_ANSWER_BYTES},
	[FUSE_RELEASEDIR] = {ARGS(fuse_release_in), DONE},
	[FUSE_FSYNCDIR] = {ARGS(fuse_fsync_in), DONE, .remembers = true},
	[FUSE_GETLK] = {ARGS(fuse_lk_in), ANSWER(sizeof(struct fuse_lk_out), LOCK)},
	[FUSE_SETLK] = {ARGS(fuse_lk_in), DONE},
	[FUSE_SETLKW] = {ARGS(fuse_lk_in), .sizing = VFS_SIZING_MAY_WAIT,
		.answer = VFS_ANSWER_PLAIN},
	[FUSE_ACCESS] = {ARGS(fuse_access_in), DONE, .remembers = true},
	[FUSE_CREATE] = {BOTH(sizeof(struct fuse_create_in), ENTRY), CREATED, .creates = true,
		.remembers = true},
	[FUSE_INTERRUPT] = {ARGS(fuse_interrupt_in), .sizing = VFS_SIZING_MAY_OMIT},
	[FUSE_BMAP] = {ARGS(fuse_bmap_in), PLAIN(fuse_bmap_out), .remembers = true},
	[FUSE_DESTROY] = {.sizing = VFS_SIZING_DESTROY},
	[FUSE_IOCTL] = {ARGS(fuse_ioctl_in), .sizing = VFS_SIZING_IOCTL,
		.answer = VFS_ANSWER_IOCTL},
	[FUSE_POLL] = {ARGS(fuse_poll_in), PLAIN(fuse_poll_out), .remembers = true},
	[FUSE_NOTIFY_REPLY] = {ARGS(fuse_notify_retrieve_in), SENT(fuse_notify_retrieve_in, size),
		.sizing = VFS_SIZING_NO_REPLY, .answer = VFS_ANSWER_PLAIN},
	[FUSE_BATCH_FORGET] = {ARGS(fuse_batch_forget_in), .sizing = VFS_SIZING_NO_REPLY},
	[FUSE_FALLOCATE] = {ARGS(fuse_fallocate_in), DONE, .remembers = true},
	[FUSE_READDIRPLUS] = {ARGS(fuse_read_in), RECEIVED(fuse_read_in, size),
		.sizing = VFS_SIZING_READ, .answer = VFS_ANSWER_BYTES},
	[FUSE_RENAME2] = {BOTH(sizeof(struct fuse_rename2_in), ENTRIES), DONE, .remembers = true},
	[FUSE_LSEEK] = {ARGS(fuse_lseek_in), ANSWER(sizeof(struct fuse_lseek_out), OFFSET),
		.remembers = true},
	[FUSE_COPY_FILE_RANGE] = {ARGS(fuse_copy_file_range_in),
		ANSWER(sizeof(struct fuse_write_out), COPIED), .remembers = true},
	[FUSE_SETUPMAPPING] = {ARGS(fuse_setupmapping_in), DONE},
	[FUSE_REMOVEMAPPING] = {ARGS(fuse_removemapping_in), DONE},
	[FUSE_SYNCFS] = {ARGS(fuse_syncfs_in), DONE, .remembers = true},
	[FUSE_TMPFILE] = {BOTH(sizeof(struct fuse_create_in), UNNAMED), CREATED, .creates = true,
		.remembers = true},
	[VFS_FUSE_STATX] = {ARGS(vfs_fuse_statx_in),
		ANSWER(sizeof(struct vfs_fuse_statx_out), STATX), .remembers = true},
	[VFS_FUSE_COPY_FILE_RANGE_64] = {ARGS(fuse_copy_file_range_in),
		ANSWER(sizeof(struct vfs_fuse_copy_file_range_out), COPIED), .remembers = true},
};

const struct vfs_reply_shape vfs_shapes[] = {
	[VFS_SIZING_EXACT] = {.exact = true},
	[VFS_SIZING_UP_TO] = {0},
	[VFS_SIZING_NO_REPLY] = {.none = true},
	[VFS_SIZING_MAY_OMIT] = {.may_omit = true},
	[VFS_SIZING_MAY_WAIT] = {.exact = true, .may_wait = true},
	[VFS_SIZING_READ] = {0},
	[VFS_SIZING_XATTR] = {0},
	[VFS_SIZING_IOCTL] = {0},
	[VFS_SIZING_INIT] = {0},
	[VFS_SIZING_DESTROY] = {.may_omit = true},
};

int vfs_opcode_finish(struct vfs_reply_shape *shape, enum vfs_sizing sizing, const void *args)
{
	struct fuse_getxattr_in xattr;
	struct fuse_ioctl_in ioctl;

	switch (sizing) {
	case VFS_SIZING_XATTR:
		memcpy(&xattr, args, sizeof(xattr));
		shape->exact = xattr.size == 0;
		shape->max = xattr.size ? xattr.size : (uint32_t)sizeof(struct fuse_getxattr_out);
		return 0;
	case VFS_SIZING_IOCTL:
		memcpy(&ioctl, args, sizeof(ioctl));
		if (ioctl.out_size > UINT32_MAX - sizeof(struct fuse_ioctl_out))
			return vfs_error(
				-E2BIG, "an answer of %u bytes is asked for", ioctl.out_size);
		shape->max = (uint32_t)sizeof(struct fuse_ioctl_out) + ioctl.out_size;
		return 0;
	case VFS_SIZING_INIT:
	case VFS_SIZING_DESTROY:
		return 1;
	default:
		return 0;
	}
}

__attribute__((cold)) int vfs_opcode_refuse(size_t length, uint32_t opcode)
{
	if (length < sizeof(struct fuse_in_header))
		return vfs_error(-EINVAL, "a message of %zu bytes has no header", length);
	if (vfs_opcode_find(opcode))
		return vfs_error(-EINVAL, "a message of %zu bytes is too short for opcode %u",
			length, opcode);
	if (vfs_opcode_find(__builtin_bswap32(opcode)))
		return vfs_error(
			-EINVAL, "opcode %u is in the other byte order", __builtin_bswap32(opcode));
	return vfs_error(-ENOSYS, "opcode %u is not known", opcode);
}
