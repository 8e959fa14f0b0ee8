/* SPDX-License-Identifier: MIT */
/* Operations on open files and directories, from the arguments of C functions. */
#include "ops/ops.h"

static void set_read(struct vfs_op *op, uint32_t opcode, uint64_t node, uint64_t fh,
	uint64_t offset, const struct iovec *data, unsigned int count)
{
	*op = (struct vfs_op){
		.opcode = opcode,
		.node = node,
		.args.read = {.fh = fh, .offset = offset},
		.data = data,
		.data_count = count,
	};
}

VFS_EXPORT void vfs_op_read(struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t offset,
	const struct iovec *data, unsigned int count)
{
	set_read(op, FUSE_READ, node, fh, offset, data, count);
}

VFS_EXPORT void vfs_op_readdir(
	struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t offset, const struct iovec *entries)
{
	set_read(op, FUSE_READDIR, node, fh, offset, entries, 1);
}

VFS_EXPORT void vfs_op_readdirplus(
	struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t offset, const struct iovec *entries)
{
	set_read(op, FUSE_READDIRPLUS, node, fh, offset, entries, 1);
}

VFS_EXPORT void vfs_op_write(struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t offset,
	const struct iovec *data, unsigned int count)
{
	*op = (struct vfs_op){
		.opcode = FUSE_WRITE,
		.node = node,
		.args.write = {.fh = fh, .offset = offset},
		.data = data,
		.data_count = count,
	};
}

static void set_release(struct vfs_op *op, uint32_t opcode, uint64_t node, uint64_t fh, int flags)
{
	*op = (struct vfs_op){
		.opcode = opcode,
		.node = node,
		.args.release = {.fh = fh, .flags = (uint32_t)flags},
	};
}

VFS_EXPORT void vfs_op_release(struct vfs_op *op, uint64_t node, uint64_t fh, int flags)
{
	set_release(op, FUSE_RELEASE, node, fh, flags);
}

VFS_EXPORT void vfs_op_releasedir(struct vfs_op *op, uint64_t node, uint64_t fh, int flags)
{
	set_release(op, FUSE_RELEASEDIR, node, fh, flags);
}

static void set_fsync(
	struct vfs_op *op, uint32_t opcode, uint64_t node, uint64_t fh, bool data_only)
{
	*op = (struct vfs_op){
		.opcode = opcode,
		.node = node,
		.args.fsync = {.fh = fh, .fsync_flags = data_only ? FUSE_FSYNC_FDATASYNC : 0},
	};
}

VFS_EXPORT void vfs_op_fsync(struct vfs_op *op, uint64_t node, uint64_t fh, bool data_only)
{
	set_fsync(op, FUSE_FSYNC, node, fh, data_only);
}

VFS_EXPORT void vfs_op_fsyncdir(struct vfs_op *op, uint64_t node, uint64_t fh, bool data_only)
{
	set_fsync(op, FUSE_FSYNCDIR, node, fh, data_only);
}

VFS_EXPORT void vfs_op_flush(struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t lock_owner)
{
	*op = (struct vfs_op){
		.opcode = FUSE_FLUSH,
		.node = node,
		.args.flush = {.fh = fh, .lock_owner = lock_owner},
	};
}

static void set_lock(struct vfs_op *op, uint32_t opcode, uint64_t node, uint64_t fh, uint64_t owner,
	const struct fuse_file_lock *lock)
{
	*op = (struct vfs_op){
		.opcode = opcode,
		.node = node,
		.args.lock = {.fh = fh, .owner = owner, .lk = *lock},
	};
}

VFS_EXPORT void vfs_op_getlk(struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t owner,
	const struct fuse_file_lock *lock)
{
	set_lock(op, FUSE_GETLK, node, fh, owner, lock);
	/* As Linux does. Servers that ask their kernel for OFD locks must not name anybody. */
	op->args.lock.lk.pid = 0;
}

VFS_EXPORT void vfs_op_setlk(struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t owner,
	const struct fuse_file_lock *lock, bool wait)
{
	set_lock(op, wait ? FUSE_SETLKW : FUSE_SETLK, node, fh, owner, lock);
}

VFS_EXPORT void vfs_op_bmap(struct vfs_op *op, uint64_t node, uint64_t block, uint32_t block_size)
{
	*op = (struct vfs_op){
		.opcode = FUSE_BMAP,
		.node = node,
		.args.bmap = {.block = block, .blocksize = block_size},
	};
}

VFS_EXPORT void vfs_op_ioctl(struct vfs_op *op, uint64_t node, uint64_t fh, unsigned int command,
	uint64_t arg, const struct iovec *in, const struct iovec *out)
{
	*op = (struct vfs_op){
		.opcode = FUSE_IOCTL,
		.node = node,
		.args.ioctl = {.fh = fh, .cmd = command, .arg = arg},
		.data = in,
		.data_count = in ? 1 : 0,
	};
	if (out)
		op->out = *out;
}

VFS_EXPORT void vfs_op_poll(
	struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t kh, uint32_t events, bool notify)
{
	*op = (struct vfs_op){
		.opcode = FUSE_POLL,
		.node = node,
		.args.poll = {.fh = fh,
			.kh = kh,
			.flags = notify ? FUSE_POLL_SCHEDULE_NOTIFY : 0,
			.events = events},
	};
}

VFS_EXPORT void vfs_op_fallocate(
	struct vfs_op *op, uint64_t node, uint64_t fh, int mode, uint64_t offset, uint64_t length)
{
	*op = (struct vfs_op){
		.opcode = FUSE_FALLOCATE,
		.node = node,
		.args.fallocate = {.fh = fh,
			.offset = offset,
			.length = length,
			.mode = (uint32_t)mode},
	};
}

VFS_EXPORT void vfs_op_lseek(
	struct vfs_op *op, uint64_t node, uint64_t fh, uint64_t offset, int whence)
{
	*op = (struct vfs_op){
		.opcode = FUSE_LSEEK,
		.node = node,
		.args.lseek = {.fh = fh, .offset = offset, .whence = (uint32_t)whence},
	};
}

VFS_EXPORT void vfs_op_copy_file_range(struct vfs_op *op, uint64_t node, uint64_t fh,
	uint64_t offset, uint64_t to_node, uint64_t to_fh, uint64_t to_offset, uint64_t length,
	unsigned int flags)
{
	*op = (struct vfs_op){
		.opcode = FUSE_COPY_FILE_RANGE,
		.node = node,
		.args.copy = {.fh_in = fh,
			.off_in = offset,
			.nodeid_out = to_node,
			.fh_out = to_fh,
			.off_out = to_offset,
			.len = length,
			.flags = flags},
	};
}

VFS_EXPORT void vfs_op_setupmapping(
	struct vfs_op *op, uint64_t node, const struct fuse_setupmapping_in *in)
{
	*op = (struct vfs_op){.opcode = FUSE_SETUPMAPPING, .node = node, .args.setupmapping = *in};
}

VFS_EXPORT void vfs_op_removemapping(struct vfs_op *op, uint64_t node,
	const struct fuse_removemapping_one *ranges, uint32_t count)
{
	*op = (struct vfs_op){
		.opcode = FUSE_REMOVEMAPPING,
		.node = node,
		.args.removemapping = {.count = count},
		.ranges = ranges,
	};
}

VFS_EXPORT void vfs_op_notify_reply(struct vfs_op *op, uint64_t node, uint64_t unique,
	uint64_t offset, const struct iovec *data, unsigned int count)
{
	*op = (struct vfs_op){
		.opcode = FUSE_NOTIFY_REPLY,
		.node = node,
		.unique = unique,
		.args.retrieve = {.offset = offset},
		.data = data,
		.data_count = count,
	};
}
