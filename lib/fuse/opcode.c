/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "core/core.h"
#include "fuse/fuse.h"

/* Where the size of an answer comes from. */
enum sizing {
	UNKNOWN, /* so that an opcode missing below is refused */
	EXACT,
	UP_TO,
	NO_REPLY,
	MAY_OMIT,
	MAY_WAIT,
	OF_INIT, /* these two belong to the session */
	OF_DESTROY,
	FROM_READ,  /* fuse_read_in.size */
	FROM_XATTR, /* fuse_getxattr_in.size; 0 asks for the size */
	FROM_IOCTL, /* fuse_ioctl_in.out_size */
};

struct opcode {
	uint16_t args; /* bytes that must follow the header */
	uint16_t reply;
	uint8_t sizing;
};

/* But for the size. */
static const struct vfs_reply_shape shapes[] = {
	[EXACT] = {.exact = true},
	[UP_TO] = {0},
	[NO_REPLY] = {.none = true},
	[MAY_OMIT] = {.may_omit = true},
	[MAY_WAIT] = {.exact = true, .may_wait = true},
	[OF_INIT] = {0},
	[OF_DESTROY] = {.may_omit = true},
	[FROM_READ] = {0},
	[FROM_XATTR] = {0},
	[FROM_IOCTL] = {0},
};

/* The form of fuse_setxattr_in without FUSE_SETXATTR_EXT. */
#define SETXATTR_IN_MIN FUSE_COMPAT_SETXATTR_IN_SIZE

#define ENTRY  sizeof(struct fuse_entry_out)
#define CREATE (sizeof(struct fuse_entry_out) + sizeof(struct fuse_open_out))

static const struct opcode opcodes[] = {
	[FUSE_LOOKUP] = {1, ENTRY, EXACT},
	[FUSE_FORGET] = {sizeof(struct fuse_forget_in), 0, NO_REPLY},
	[FUSE_GETATTR] = {sizeof(struct fuse_getattr_in), sizeof(struct fuse_attr_out), EXACT},
	[FUSE_SETATTR] = {sizeof(struct fuse_setattr_in), sizeof(struct fuse_attr_out), EXACT},
	[FUSE_READLINK] = {0, 4096, UP_TO},
	[FUSE_SYMLINK] = {2, ENTRY, EXACT},
	[FUSE_MKNOD] = {sizeof(struct fuse_mknod_in) + 1, ENTRY, EXACT},
	[FUSE_MKDIR] = {sizeof(struct fuse_mkdir_in) + 1, ENTRY, EXACT},
	[FUSE_UNLINK] = {1, 0, EXACT},
	[FUSE_RMDIR] = {1, 0, EXACT},
	[FUSE_RENAME] = {sizeof(struct fuse_rename_in) + 2, 0, EXACT},
	[FUSE_LINK] = {sizeof(struct fuse_link_in) + 1, ENTRY, EXACT},
	[FUSE_OPEN] = {sizeof(struct fuse_open_in), sizeof(struct fuse_open_out), EXACT},
	[FUSE_READ] = {sizeof(struct fuse_read_in), 0, FROM_READ},
	[FUSE_WRITE] = {sizeof(struct fuse_write_in), sizeof(struct fuse_write_out), EXACT},
	[FUSE_STATFS] = {0, sizeof(struct fuse_statfs_out), EXACT},
	[FUSE_RELEASE] = {sizeof(struct fuse_release_in), 0, EXACT},
	[FUSE_FSYNC] = {sizeof(struct fuse_fsync_in), 0, EXACT},
	[FUSE_SETXATTR] = {SETXATTR_IN_MIN + 1, 0, EXACT},
	[FUSE_GETXATTR] = {sizeof(struct fuse_getxattr_in) + 1, 0, FROM_XATTR},
	[FUSE_LISTXATTR] = {sizeof(struct fuse_getxattr_in), 0, FROM_XATTR},
	[FUSE_REMOVEXATTR] = {1, 0, EXACT},
	[FUSE_FLUSH] = {sizeof(struct fuse_flush_in), 0, EXACT},
	[FUSE_INIT] = {16, sizeof(struct fuse_init_out), OF_INIT},
	[FUSE_OPENDIR] = {sizeof(struct fuse_open_in), sizeof(struct fuse_open_out), EXACT},
	[FUSE_READDIR] = {sizeof(struct fuse_read_in), 0, FROM_READ},
	[FUSE_RELEASEDIR] = {sizeof(struct fuse_release_in), 0, EXACT},
	[FUSE_FSYNCDIR] = {sizeof(struct fuse_fsync_in), 0, EXACT},
	[FUSE_GETLK] = {sizeof(struct fuse_lk_in), sizeof(struct fuse_lk_out), EXACT},
	[FUSE_SETLK] = {sizeof(struct fuse_lk_in), 0, EXACT},
	[FUSE_SETLKW] = {sizeof(struct fuse_lk_in), 0, MAY_WAIT},
	[FUSE_ACCESS] = {sizeof(struct fuse_access_in), 0, EXACT},
	[FUSE_CREATE] = {sizeof(struct fuse_create_in) + 1, CREATE, EXACT},
	[FUSE_INTERRUPT] = {sizeof(struct fuse_interrupt_in), 0, MAY_OMIT},
	[FUSE_BMAP] = {sizeof(struct fuse_bmap_in), sizeof(struct fuse_bmap_out), EXACT},
	[FUSE_DESTROY] = {0, 0, OF_DESTROY},
	[FUSE_IOCTL] = {sizeof(struct fuse_ioctl_in), 0, FROM_IOCTL},
	[FUSE_POLL] = {sizeof(struct fuse_poll_in), sizeof(struct fuse_poll_out), EXACT},
	[FUSE_NOTIFY_REPLY] = {sizeof(struct fuse_notify_retrieve_in), 0, NO_REPLY},
	[FUSE_BATCH_FORGET] = {sizeof(struct fuse_batch_forget_in), 0, NO_REPLY},
	[FUSE_FALLOCATE] = {sizeof(struct fuse_fallocate_in), 0, EXACT},
	[FUSE_READDIRPLUS] = {sizeof(struct fuse_read_in), 0, FROM_READ},
	[FUSE_RENAME2] = {sizeof(struct fuse_rename2_in) + 2, 0, EXACT},
	[FUSE_LSEEK] = {sizeof(struct fuse_lseek_in), sizeof(struct fuse_lseek_out), EXACT},
	[FUSE_COPY_FILE_RANGE] = {sizeof(struct fuse_copy_file_range_in),
		sizeof(struct fuse_write_out), EXACT},
	[FUSE_SETUPMAPPING] = {sizeof(struct fuse_setupmapping_in), 0, EXACT},
	[FUSE_REMOVEMAPPING] = {sizeof(struct fuse_removemapping_in), 0, EXACT},
	[FUSE_SYNCFS] = {sizeof(struct fuse_syncfs_in), 0, EXACT},
	[FUSE_TMPFILE] = {sizeof(struct fuse_create_in) + 1, CREATE, EXACT},
	[VFS_FUSE_STATX] = {VFS_FUSE_STATX_IN_SIZE, VFS_FUSE_STATX_OUT_SIZE, EXACT},
	[VFS_FUSE_COPY_FILE_RANGE_64] = {sizeof(struct fuse_copy_file_range_in),
		sizeof(struct fuse_write_out), EXACT},
};

static const struct opcode *find(uint32_t number)
{
	if (number >= ARRAY_SIZE(opcodes) || opcodes[number].sizing == UNKNOWN)
		return NULL;
	return &opcodes[number];
}

static uint32_t size_of_read(const uint8_t *args)
{
	struct fuse_read_in read;

	memcpy(&read, args, sizeof(read));
	return read.size;
}

/* What is seldom. */
static __attribute__((noinline)) int finish_shape(
	struct vfs_reply_shape *shape, enum sizing sizing, const uint8_t *args)
{
	struct fuse_getxattr_in xattr;
	struct fuse_ioctl_in ioctl;

	switch (sizing) {
	case FROM_XATTR:
		memcpy(&xattr, args, sizeof(xattr));
		shape->exact = xattr.size == 0;
		shape->max = xattr.size ? xattr.size : (uint32_t)sizeof(struct fuse_getxattr_out);
		return 0;
	case FROM_IOCTL:
		memcpy(&ioctl, args, sizeof(ioctl));
		if (ioctl.out_size > UINT32_MAX - sizeof(struct fuse_ioctl_out))
			return vfs_error(
				-E2BIG, "an answer of %u bytes is asked for", ioctl.out_size);
		shape->max = (uint32_t)sizeof(struct fuse_ioctl_out) + ioctl.out_size;
		return 0;
	case OF_INIT:
	case OF_DESTROY:
		return 1;
	default:
		return 0;
	}
}

/* Why not. */
static __attribute__((cold, noinline)) int refuse(size_t length, uint32_t opcode)
{
	if (length < sizeof(struct fuse_in_header))
		return vfs_error(-EINVAL, "a message of %zu bytes has no header", length);
	if (find(opcode))
		return vfs_error(-EINVAL, "a message of %zu bytes is too short for opcode %u",
			length, opcode);
	if (find(__builtin_bswap32(opcode)))
		return vfs_error(
			-EINVAL, "opcode %u is in the other byte order", __builtin_bswap32(opcode));
	return vfs_error(-ENOSYS, "opcode %u is not known", opcode);
}

int vfs_opcode_shape(
	const void *message, size_t length, struct vfs_reply_shape *shape, uint32_t *opcode)
{
	const uint8_t *args = (const uint8_t *)message + sizeof(struct fuse_in_header);
	const struct opcode *op;
	uint32_t number;

	if (length < sizeof(struct fuse_in_header))
		return refuse(length, 0);
	memcpy(&number, (const uint8_t *)message + offsetof(struct fuse_in_header, opcode),
		sizeof(number));
	op = find(number);
	if (!op || length - sizeof(struct fuse_in_header) < op->args)
		return refuse(length, number);
	*opcode = number;
	*shape = shapes[op->sizing];
	shape->max = op->reply;
	if (op->sizing == FROM_READ)
		shape->max = size_of_read(args);
	else if (op->sizing > MAY_WAIT)
		return finish_shape(shape, op->sizing, args);
	return 0;
}
