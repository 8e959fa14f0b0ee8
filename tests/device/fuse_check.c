/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <string.h>

#include <linux/fuse.h>

#include "fuse_check.h"
#include "say.h"

/* What follows the header: a struct, then so many names, then data. */
struct shape {
	uint8_t known;
	uint8_t names;
	uint16_t fixed;
};

#define SHAPE(opcode, size, count) \
	[opcode] = {.known = 1, .names = (count), .fixed = (uint16_t)(size)}

static const struct shape shapes[] = {
	SHAPE(FUSE_LOOKUP, 0, 1),
	SHAPE(FUSE_FORGET, sizeof(struct fuse_forget_in), 0),
	SHAPE(FUSE_GETATTR, sizeof(struct fuse_getattr_in), 0),
	SHAPE(FUSE_SETATTR, sizeof(struct fuse_setattr_in), 0),
	SHAPE(FUSE_READLINK, 0, 0),
	SHAPE(FUSE_SYMLINK, 0, 2),
	SHAPE(FUSE_MKNOD, sizeof(struct fuse_mknod_in), 1),
	SHAPE(FUSE_MKDIR, sizeof(struct fuse_mkdir_in), 1),
	SHAPE(FUSE_UNLINK, 0, 1),
	SHAPE(FUSE_RMDIR, 0, 1),
	SHAPE(FUSE_RENAME, sizeof(struct fuse_rename_in), 2),
	SHAPE(FUSE_LINK, sizeof(struct fuse_link_in), 1),
	SHAPE(FUSE_OPEN, sizeof(struct fuse_open_in), 0),
	SHAPE(FUSE_READ, sizeof(struct fuse_read_in), 0),
	SHAPE(FUSE_WRITE, sizeof(struct fuse_write_in), 0),
	SHAPE(FUSE_STATFS, 0, 0),
	SHAPE(FUSE_RELEASE, sizeof(struct fuse_release_in), 0),
	SHAPE(FUSE_FSYNC, sizeof(struct fuse_fsync_in), 0),
	/* Without FUSE_SETXATTR_EXT the struct ends after its first two fields. */
	SHAPE(FUSE_SETXATTR, FUSE_COMPAT_SETXATTR_IN_SIZE, 1),
	SHAPE(FUSE_GETXATTR, sizeof(struct fuse_getxattr_in), 1),
	SHAPE(FUSE_LISTXATTR, sizeof(struct fuse_getxattr_in), 0),
	SHAPE(FUSE_REMOVEXATTR, 0, 1),
	SHAPE(FUSE_FLUSH, sizeof(struct fuse_flush_in), 0),
	/* Up to minor 35 the struct ended before its second word of flags. */
	SHAPE(FUSE_INIT, offsetof(struct fuse_init_in, flags2), 0),
	SHAPE(FUSE_OPENDIR, sizeof(struct fuse_open_in), 0),
	SHAPE(FUSE_READDIR, sizeof(struct fuse_read_in), 0),
	SHAPE(FUSE_RELEASEDIR, sizeof(struct fuse_release_in), 0),
	SHAPE(FUSE_FSYNCDIR, sizeof(struct fuse_fsync_in), 0),
	SHAPE(FUSE_GETLK, sizeof(struct fuse_lk_in), 0),
	SHAPE(FUSE_SETLK, sizeof(struct fuse_lk_in), 0),
	SHAPE(FUSE_SETLKW, sizeof(struct fuse_lk_in), 0),
	SHAPE(FUSE_ACCESS, sizeof(struct fuse_access_in), 0),
	SHAPE(FUSE_CREATE, sizeof(struct fuse_create_in), 1),
	SHAPE(FUSE_INTERRUPT, sizeof(struct fuse_interrupt_in), 0),
	SHAPE(FUSE_BMAP, sizeof(struct fuse_bmap_in), 0),
	SHAPE(FUSE_DESTROY, 0, 0),
	SHAPE(FUSE_IOCTL, sizeof(struct fuse_ioctl_in), 0),
	SHAPE(FUSE_POLL, sizeof(struct fuse_poll_in), 0),
	SHAPE(FUSE_BATCH_FORGET, sizeof(struct fuse_batch_forget_in), 0),
	SHAPE(FUSE_FALLOCATE, sizeof(struct fuse_fallocate_in), 0),
	SHAPE(FUSE_READDIRPLUS, sizeof(struct fuse_read_in), 0),
	SHAPE(FUSE_RENAME2, sizeof(struct fuse_rename2_in), 2),
	SHAPE(FUSE_LSEEK, sizeof(struct fuse_lseek_in), 0),
	SHAPE(FUSE_SETUPMAPPING, sizeof(struct fuse_setupmapping_in), 0),
	SHAPE(FUSE_REMOVEMAPPING, sizeof(struct fuse_removemapping_in), 0),
	SHAPE(FUSE_SYNCFS, sizeof(struct fuse_syncfs_in), 0),
	SHAPE(FUSE_COPY_FILE_RANGE, sizeof(struct fuse_copy_file_range_in), 0),
};

/* The bytes after the names, or -1: they are not all there. */
static long long after_names(const char *p, size_t size, unsigned int names)
{
	while (names--) {
		size_t length = strnlen(p, size);

		if (length == size)
			return -1;
		p += length + 1;
		size -= length + 1;
	}
	return (long long)size;
}

/* Structs that say how much follows them. */
static bool data_is_there(uint32_t opcode, const char *argument, size_t after)
{
	struct fuse_write_in write;
	struct fuse_setxattr_in setxattr;
	struct fuse_batch_forget_in forget;
	struct fuse_removemapping_in remove;
	struct fuse_ioctl_in ioctl;

	switch (opcode) {
	case FUSE_WRITE:
		memcpy(&write, argument, sizeof(write));
		return write.size == after;
	case FUSE_SETXATTR:
		memcpy(&setxattr, argument, FUSE_COMPAT_SETXATTR_IN_SIZE);
		return setxattr.size == after;
	case FUSE_BATCH_FORGET:
		memcpy(&forget, argument, sizeof(forget));
		return forget.count * sizeof(struct fuse_forget_one) == after;
	case FUSE_REMOVEMAPPING:
		memcpy(&remove, argument, sizeof(remove));
		return remove.count * sizeof(struct fuse_removemapping_one) == after;
	case FUSE_IOCTL:
		memcpy(&ioctl, argument, sizeof(ioctl));
		return ioctl.in_size == after;
	default:
		return true;
	}
}

bool fuse_check(const void *message, size_t size)
{
	struct fuse_in_header header;
	const struct shape *shape;
	const char *argument = (const char *)message + sizeof(header);
	long long after = 0;

	if (size < sizeof(header)) {
		say("a request of %zu bytes has no header", size);
		return false;
	}
	memcpy(&header, message, sizeof(header));
	if (header.len != size) {
		say("opcode %u: its header says %u bytes, there are %zu", header.opcode, header.len,
			size);
		return false;
	}
	if (header.opcode >= sizeof(shapes) / sizeof(shapes[0]) || !shapes[header.opcode].known)
		return true; /* Nobody will look inside. */
	shape = &shapes[header.opcode];
	size -= sizeof(header);
	if (size >= shape->fixed)
		after = after_names(argument + shape->fixed, size - shape->fixed, shape->names);
	if (size >= shape->fixed && after >= 0 &&
		data_is_there(header.opcode, argument, (size_t)after))
		return true;
	say("opcode %u: %zu bytes after the header are not what it takes", header.opcode, size);
	return false;
}
