/* SPDX-License-Identifier: MIT */
/* Each operation as a message: by its description, in the form that was agreed on. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "ops/ops.h"

/* As Linux' limits: FUSE_NAME_MAX and XATTR_NAME_MAX, XATTR_SIZE_MAX. */
#define NAME_LENGTH_MAX	 1024u
#define XATTR_LENGTH_MAX 255u
#define LABEL_SIZE_MAX	 65536u

/* ---- names ---- */

static int check_length(const char *name, size_t max, const char *what)
{
	if (!name || !*name)
		return vfs_error(-EINVAL, "%s is empty", what);
	if (strnlen(name, max + 1) > max)
		return vfs_error(-ENAMETOOLONG, "%s is longer than %zu bytes", what, max);
	return 0;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Only LOOKUP can have those that every directory has. */
static int check_name(const char *name, bool dots)
{
	int r = check_length(name, NAME_LENGTH_MAX, "a name");

	if (r < 0)
		return r;
	if (strchr(name, '/'))
		return vfs_error(-EINVAL, "the name %s has a slash", name);
	if (!dots && is_dots(name))
		return vfs_error(-EINVAL, "%s is no name of an entry", name);
	return 0;
}

static void put_string(struct vfs_message *message, const char *string)
{
	vfs_message_put(message, string, strlen(string) + 1);
}

static int put_checked(struct vfs_message *message, const char *string, int checked)
{
	if (checked == 0)
		put_string(message, string);
	return checked;
}

static int put_names(
	struct vfs_message *message, const struct vfs_opcode *desc, const struct vfs_op *op)
{
	const char *const *names = op->names;
	int r;

	switch (desc->names) {
	case VFS_NAMES_NONE:
		return 0;
	case VFS_NAMES_UNNAMED:
		put_string(message, "/");
		return 0;
	case VFS_NAMES_XATTR:
		return put_checked(
			message, names[0], check_length(names[0], XATTR_LENGTH_MAX, "a name"));
	default:
		break;
	}
	r = put_checked(message, names[0], check_name(names[0], op->opcode == FUSE_LOOKUP));
	if (r == 0 && desc->names == VFS_NAMES_ENTRIES)
		r = put_checked(message, names[1], check_name(names[1], false));
	if (r == 0 && desc->names == VFS_NAMES_LINK)
		r = put_checked(message, names[1],
			check_length(names[1], PATH_MAX - 1, "the target of a symbolic link"));
	return r;
}

/* ---- arguments ---- */

/* The server is told how much there is, by a field that every such message has. */
static int set_size(struct vfs_op *op, const struct vfs_opcode *desc)
{
	uint64_t total = 0;
	uint32_t size;
	unsigned int i;

	for (i = 0; i < op->data_count; i++) {
		if (op->data[i].iov_len > UINT32_MAX - total)
			return vfs_error(-E2BIG, "more data than a message can have");
		total += op->data[i].iov_len;
	}
	size = (uint32_t)total;
	if (op->opcode == FUSE_IOCTL) {
		op->args.ioctl.in_size = size;
		op->args.ioctl.out_size = (uint32_t)min_size(op->out.iov_len, UINT32_MAX);
	} else if (desc->data != VFS_DATA_NONE && desc->args) {
		memcpy((uint8_t *)&op->args + desc->size_at, &size, sizeof(size));
	}
	return 0;
}

static void mask_mode(uint32_t *mode, uint32_t *umask, const struct vfs_session *session,
	const struct vfs_caller *caller)
{
	*umask = caller->umask & 0777;
	if (!vfs_agreed(session, FUSE_DONT_MASK))
		*mode &= ~*umask;
}

/* Who may not keep the bits that give a program rights has the server take them away. */
static bool kills_privileges(const struct vfs_session *session, const struct vfs_caller *caller)
{
	return caller->uid != 0 && vfs_agreed(session, FUSE_HANDLE_KILLPRIV_V2);
}

static void adapt_open(struct fuse_open_in *in, const struct vfs_session *session, bool kills)
{
	in->flags &= ~(uint32_t)(O_CREAT | O_EXCL | O_NOCTTY);
	if (!vfs_agreed(session, FUSE_ATOMIC_O_TRUNC))
		in->flags &= ~(uint32_t)O_TRUNC;
	if (kills && in->flags & O_TRUNC)
		in->open_flags |= FUSE_OPEN_KILL_SUIDGID;
}

static void adapt_create(struct fuse_create_in *in, const struct vfs_session *session,
	const struct vfs_caller *caller, bool kills)
{
	in->flags &= ~(uint32_t)O_NOCTTY;
	mask_mode(&in->mode, &in->umask, session, caller);
	if (kills && in->flags & O_TRUNC && !(in->flags & O_EXCL))
		in->open_flags |= FUSE_OPEN_KILL_SUIDGID;
}

/* What arguments say of the caller, and what a server has to have agreed to. */
static void adapt(union vfs_op_args *args, uint32_t opcode, const struct vfs_session *session,
	const struct vfs_caller *caller)
{
	bool kills = kills_privileges(session, caller);

	switch (opcode) {
	case FUSE_MKNOD:
		mask_mode(&args->mknod.mode, &args->mknod.umask, session, caller);
		break;
	case FUSE_MKDIR:
		mask_mode(&args->mkdir.mode, &args->mkdir.umask, session, caller);
		break;
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		adapt_create(&args->create, session, caller, kills);
		break;
	case FUSE_OPEN:
		adapt_open(&args->open, session, kills);
		break;
	case FUSE_WRITE:
		/* What is written back is not the doing of whoever happens to send it. */
		if (kills && !(args->write.write_flags & FUSE_WRITE_CACHE))
			args->write.write_flags |= FUSE_WRITE_KILL_SUIDGID;
		break;
	case FUSE_SETATTR:
		if (kills && args->setattr.valid & FATTR_SIZE)
			args->setattr.valid |= FATTR_KILL_SUIDGID;
		break;
	default:
		break;
	}
}

static size_t args_size(
	const struct vfs_opcode *desc, uint32_t opcode, const struct vfs_session *session)
{
	if (opcode == FUSE_SETXATTR && vfs_agreed(session, FUSE_SETXATTR_EXT))
		return sizeof(struct fuse_setxattr_in);
	return desc->args;
}

static void put_args(struct vfs_message *message, const struct vfs_op *op,
	const struct vfs_opcode *desc, uint32_t opcode, const struct vfs_session *session,
	const struct vfs_caller *caller)
{
	size_t size = args_size(desc, opcode, session);
	union vfs_op_args args;

	memcpy(&args, &op->args, sizeof(args));
	adapt(&args, opcode, session, caller);
	vfs_message_put(message, &args, size);
}

/* ---- data ---- */

/* Of these it is small, and part of the message. */
static void put_attached(struct vfs_message *message, const struct vfs_op *op)
{
	unsigned int i;

	if (op->opcode == FUSE_IOCTL)
		for (i = 0; i < op->data_count; i++)
			vfs_message_put(message, op->data[i].iov_base, op->data[i].iov_len);
	if (op->opcode == FUSE_REMOVEMAPPING)
		vfs_message_put(
			message, op->ranges, op->args.removemapping.count * sizeof(op->ranges[0]));
}

/* The target of a link is copied: what is checked has to be what the caller gets. */
static int set_data(
	struct vfs_request *request, const struct vfs_op *op, const struct vfs_opcode *desc)
{
	bool elsewhere = desc->data != VFS_DATA_NONE && desc->answer != VFS_ANSWER_TARGET;

	return vfs_request_set_data(request, op->data, elsewhere ? op->data_count : 0);
}

static int check_data(const struct vfs_op *op, const struct vfs_session *session)
{
	if (op->opcode == FUSE_WRITE && op->args.write.size > session->init.max_write)
		return vfs_error(-E2BIG, "%u bytes are written, the server takes %u",
			op->args.write.size, session->init.max_write);
	if (op->context && op->context->size > LABEL_SIZE_MAX)
		return vfs_error(-E2BIG, "a label of %u bytes", op->context->size);
	return 0;
}

/* ---- the message ---- */

uint32_t vfs_op_opcode(const struct vfs_op *op, const struct vfs_session *session)
{
	if (op->opcode == FUSE_COPY_FILE_RANGE && session->init.minor >= 45 &&
		!(op->fuse && vfs_fuse_lacks(op->fuse, VFS_FUSE_COPY_FILE_RANGE_64)))
		return VFS_FUSE_COPY_FILE_RANGE_64;
	return op->opcode;
}

static struct fuse_in_header header_of(
	const struct vfs_op *op, uint32_t opcode, const struct vfs_caller *caller)
{
	return (struct fuse_in_header){
		.opcode = opcode,
		.unique = op->unique,
		.nodeid = op->node,
		.uid = caller->uid,
		.gid = caller->gid,
		.pid = (uint32_t)caller->pid,
	};
}

static int write_message(struct vfs_message *message, const struct vfs_op *op,
	const struct vfs_opcode *desc, uint32_t opcode, const struct vfs_session *session)
{
	struct vfs_caller process;
	const struct vfs_caller *caller = op->caller;
	struct fuse_in_header header;
	int r;

	if (!caller) {
		vfs_caller_get(&process);
		caller = &process;
	}
	header = header_of(op, opcode, caller);
	vfs_message_put(message, &header, sizeof(header));
	put_args(message, op, desc, opcode, session, caller);
	r = put_names(message, desc, op);
	if (r < 0)
		return r;
	if (desc->creates)
		header.total_extlen = vfs_message_put_extensions(message, op, session);
	put_attached(message, op);
	if (message->full)
		return vfs_error(-E2BIG, "a message of opcode %u is larger than a request", opcode);
	memcpy(message->start, &header, sizeof(header));
	return 0;
}

VFS_EXPORT int vfs_op_encode(struct vfs_op *op, struct vfs_request *request)
{
	const struct vfs_session *session = request->queue->session;
	uint32_t opcode = vfs_op_opcode(op, session);
	const struct vfs_opcode *desc = vfs_opcode_find(opcode);
	struct vfs_message message = {
		.start = vfs_request_message(request),
		.room = vfs_request_capacity(request),
	};
	int r;

	if (!desc || desc->answer == VFS_ANSWER_NO_OPERATION)
		return vfs_error(-EINVAL, "opcode %u is no operation", opcode);
	r = set_size(op, desc);
	if (r == 0)
		r = check_data(op, session);
	if (r == 0)
		r = set_data(request, op, desc);
	if (r == 0)
		r = write_message(&message, op, desc, opcode, session);
	return r < 0 ? r : vfs_request_prepare(request, message.length);
}
