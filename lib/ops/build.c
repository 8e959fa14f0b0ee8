/* SPDX-License-Identifier: MIT */
/* Operations on nodes and names, from the arguments of C functions. */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "ops/ops.h"

static uint32_t encode_device(dev_t device)
{
	uint32_t number = minor(device);

	return (number & 0xff) | (uint32_t)major(device) << 8 | (number & ~0xffu) << 12;
}

VFS_EXPORT void vfs_op_lookup(struct vfs_op *op, uint64_t parent, const char *name)
{
	*op = (struct vfs_op){.opcode = FUSE_LOOKUP, .node = parent, .names = {name}};
}

VFS_EXPORT void vfs_op_getattr(struct vfs_op *op, uint64_t node)
{
	*op = (struct vfs_op){.opcode = FUSE_GETATTR, .node = node};
}

VFS_EXPORT void vfs_op_setattr(struct vfs_op *op, uint64_t node, const struct fuse_setattr_in *in)
{
	*op = (struct vfs_op){.opcode = FUSE_SETATTR, .node = node, .args.setattr = *in};
}

VFS_EXPORT void vfs_op_statx(struct vfs_op *op, uint64_t node, uint32_t flags, uint32_t mask)
{
	*op = (struct vfs_op){
		.opcode = VFS_FUSE_STATX,
		.node = node,
		.args.statx = {.sx_flags = flags, .sx_mask = mask},
	};
}

VFS_EXPORT void vfs_op_readlink(struct vfs_op *op, uint64_t node, const struct iovec *target)
{
	*op = (struct vfs_op){
		.opcode = FUSE_READLINK, .node = node, .data = target, .data_count = 1};
}

VFS_EXPORT void vfs_op_symlink(
	struct vfs_op *op, uint64_t parent, const char *name, const char *target)
{
	*op = (struct vfs_op){.opcode = FUSE_SYMLINK, .node = parent, .names = {name, target}};
}

VFS_EXPORT void vfs_op_mknod(
	struct vfs_op *op, uint64_t parent, const char *name, mode_t mode, dev_t device)
{
	*op = (struct vfs_op){
		.opcode = FUSE_MKNOD,
		.node = parent,
		.names = {name},
		.args.mknod = {.mode = mode, .rdev = encode_device(device)},
	};
}

VFS_EXPORT void vfs_op_mkdir(struct vfs_op *op, uint64_t parent, const char *name, mode_t mode)
{
	*op = (struct vfs_op){
		.opcode = FUSE_MKDIR,
		.node = parent,
		.names = {name},
		.args.mkdir = {.mode = mode},
	};
}

VFS_EXPORT void vfs_op_unlink(struct vfs_op *op, uint64_t parent, const char *name)
{
	*op = (struct vfs_op){.opcode = FUSE_UNLINK, .node = parent, .names = {name}};
}

VFS_EXPORT void vfs_op_rmdir(struct vfs_op *op, uint64_t parent, const char *name)
{
	*op = (struct vfs_op){.opcode = FUSE_RMDIR, .node = parent, .names = {name}};
}

VFS_EXPORT void vfs_op_rename(struct vfs_op *op, uint64_t parent, const char *name,
	uint64_t new_parent, const char *new_name, unsigned int flags)
{
	*op = (struct vfs_op){
		.opcode = flags ? FUSE_RENAME2 : FUSE_RENAME,
		.node = parent,
		.names = {name, new_name},
		.args.rename = {.newdir = new_parent, .flags = flags},
	};
}

VFS_EXPORT void vfs_op_link(struct vfs_op *op, uint64_t node, uint64_t parent, const char *name)
{
	*op = (struct vfs_op){
		.opcode = FUSE_LINK,
		.node = parent,
		.names = {name},
		.args.link = {.oldnodeid = node},
	};
}

static void set_open(struct vfs_op *op, uint32_t opcode, uint64_t node, int flags)
{
	*op = (struct vfs_op){
		.opcode = opcode, .node = node, .args.open = {.flags = (uint32_t)flags}};
}

VFS_EXPORT void vfs_op_open(struct vfs_op *op, uint64_t node, int flags)
{
	set_open(op, FUSE_OPEN, node, flags);
}

VFS_EXPORT void vfs_op_opendir(struct vfs_op *op, uint64_t node, int flags)
{
	set_open(op, FUSE_OPENDIR, node, flags);
}

static void set_create(struct vfs_op *op, uint32_t opcode, uint64_t parent, const char *name,
	int flags, mode_t mode)
{
	*op = (struct vfs_op){
		.opcode = opcode,
		.node = parent,
		.names = {name},
		.args.create = {.flags = (uint32_t)flags, .mode = mode},
	};
}

VFS_EXPORT void vfs_op_create(
	struct vfs_op *op, uint64_t parent, const char *name, int flags, mode_t mode)
{
	set_create(op, FUSE_CREATE, parent, name, flags, S_IFREG | (mode & 07777));
}

VFS_EXPORT void vfs_op_tmpfile(struct vfs_op *op, uint64_t parent, int flags, mode_t mode)
{
	set_create(op, FUSE_TMPFILE, parent, NULL, flags, S_IFREG | (mode & 07777));
}

VFS_EXPORT void vfs_op_statfs(struct vfs_op *op, uint64_t node)
{
	*op = (struct vfs_op){.opcode = FUSE_STATFS, .node = node};
}

VFS_EXPORT void vfs_op_access(struct vfs_op *op, uint64_t node, int mask)
{
	*op = (struct vfs_op){
		.opcode = FUSE_ACCESS, .node = node, .args.access = {.mask = (uint32_t)mask}};
}

VFS_EXPORT void vfs_op_syncfs(struct vfs_op *op, uint64_t node)
{
	*op = (struct vfs_op){.opcode = FUSE_SYNCFS, .node = node};
}

/* ---- extended attributes ---- */

static unsigned int pieces(const struct iovec *iov)
{
	return iov && iov->iov_len;
}

VFS_EXPORT void vfs_op_setxattr(
	struct vfs_op *op, uint64_t node, const char *name, const struct iovec *value, int flags)
{
	*op = (struct vfs_op){
		.opcode = FUSE_SETXATTR,
		.node = node,
		.names = {name},
		.args.setxattr = {.flags = (uint32_t)flags},
		.data = value,
		.data_count = pieces(value),
	};
}

VFS_EXPORT void vfs_op_getxattr(
	struct vfs_op *op, uint64_t node, const char *name, const struct iovec *value)
{
	*op = (struct vfs_op){
		.opcode = FUSE_GETXATTR,
		.node = node,
		.names = {name},
		.data = value,
		.data_count = pieces(value),
	};
}

VFS_EXPORT void vfs_op_listxattr(struct vfs_op *op, uint64_t node, const struct iovec *names)
{
	*op = (struct vfs_op){
		.opcode = FUSE_LISTXATTR,
		.node = node,
		.data = names,
		.data_count = pieces(names),
	};
}

VFS_EXPORT void vfs_op_removexattr(struct vfs_op *op, uint64_t node, const char *name)
{
	*op = (struct vfs_op){.opcode = FUSE_REMOVEXATTR, .node = node, .names = {name}};
}
