/* SPDX-License-Identifier: MIT */
/* What came back: copied out, checked, and then handed out. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ops/ops.h"

/* The body of a good answer. The device can write to where it is. */
struct body {
	const uint8_t *bytes;
	uint32_t length;
	uint32_t opcode;
	struct vfs_session *session;
};

/* What is handed out, or why not. */
typedef int64_t take_fn(struct vfs_op *op, const struct body *body);

/* ---- entries ---- */

/* The root is nobody's entry, but as the directory that it is of those below. */
static int check_node(const struct vfs_op *op, uint64_t node)
{
	if (!node && op->opcode != FUSE_LOOKUP)
		return vfs_error(-EIO, "what was made has no node");
	if (node == FUSE_ROOT_ID &&
		!(op->opcode == FUSE_LOOKUP &&
			(strcmp(op->names[0], ".") == 0 || strcmp(op->names[0], "..") == 0)))
		return vfs_error(-EIO, "an entry is the root");
	return 0;
}

/* 0: any. */
static uint32_t expected_type(const struct vfs_op *op)
{
	switch (op->opcode) {
	case FUSE_MKDIR:
		return S_IFDIR;
	case FUSE_SYMLINK:
		return S_IFLNK;
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		return S_IFREG;
	case FUSE_MKNOD:
		return op->args.mknod.mode & S_IFMT ? op->args.mknod.mode & S_IFMT : S_IFREG;
	default:
		return 0;
	}
}

static int check_entry(const struct vfs_op *op, const struct fuse_entry_out *entry)
{
	uint32_t type = expected_type(op);
	int r = check_node(op, entry->nodeid);

	if (r == 0)
		r = vfs_check_entry(entry);
	if (r == 0 && type && (entry->attr.mode & S_IFMT) != type)
		return vfs_error(-EIO, "what was made has the mode 0%o, and is to be 0%o",
			entry->attr.mode, type);
	return r;
}

static int64_t take_entry(struct vfs_op *op, const struct body *body)
{
	char why[VFS_ERROR_MAX];
	int r;

	/* CREATE's answer begins as the others. */
	memcpy(&op->answer, body->bytes, body->length);
	r = check_entry(op, &op->answer.entry);
	if (r == 0)
		return 0;
	snprintf(why, sizeof(why), "%s", vfs_last_error());
	/* Nobody will ever have this node, but the server counts it. */
	vfs_give_lookup_back(body->session, op->answer.entry.nodeid);
	return vfs_error(r, "%s", why);
}

/* ---- the others ---- */

static int64_t take_plain(struct vfs_op *op, const struct body *body)
{
	if (body->length)
		memcpy(&op->answer, body->bytes, body->length);
	return 0;
}

static int64_t take_attr(struct vfs_op *op, const struct body *body)
{
	struct fuse_attr_out *out = &op->answer.attr;
	int r;

	memcpy(out, body->bytes, sizeof(*out));
	r = vfs_check_nsec(out->attr_valid_nsec, "the validity of attributes");
	return r < 0 ? r : vfs_check_attr(&out->attr);
}

static int64_t take_statx(struct vfs_op *op, const struct body *body)
{
	struct vfs_fuse_statx_out *out = &op->answer.statx;
	int r;

	memcpy(out, body->bytes, sizeof(*out));
	r = vfs_check_nsec(out->attr_valid_nsec, "the validity of attributes");
	return r < 0 ? r : vfs_check_statx(&out->stat);
}

/* No more than there was. */
static int64_t check_count(uint64_t count, uint64_t most)
{
	if (count <= most)
		return (int64_t)count;
	return vfs_error(-EIO, "%llu bytes were taken of %llu", (unsigned long long)count,
		(unsigned long long)most);
}

static int64_t take_written(struct vfs_op *op, const struct body *body)
{
	struct fuse_write_out out;

	memcpy(&out, body->bytes, sizeof(out));
	return check_count(out.size, op->args.write.size);
}

static int64_t take_copied(struct vfs_op *op, const struct body *body)
{
	uint64_t most = op->args.copy.len < INT64_MAX ? op->args.copy.len : INT64_MAX;
	struct vfs_fuse_copy_file_range_out out;
	struct fuse_write_out before;

	memcpy(&out, body->bytes, sizeof(out));
	memcpy(&before, body->bytes, sizeof(before));
	return check_count(
		body->opcode == FUSE_COPY_FILE_RANGE ? before.size : out.bytes_copied, most);
}

static int64_t take_bytes(struct vfs_op *op, const struct body *body)
{
	(void)op;
	return body->length;
}

static int64_t take_target(struct vfs_op *op, const struct body *body)
{
	char target[PATH_MAX];

	if (body->length == 0 || body->length >= sizeof(target))
		return vfs_error(-EIO, "the target of a symbolic link has %u bytes", body->length);
	memcpy(target, body->bytes, body->length);
	if (memchr(target, '\0', body->length))
		return vfs_error(-EIO, "the target of a symbolic link has a NUL");
	if (!op->data_count || body->length > op->data[0].iov_len)
		return vfs_error(
			-ENAMETOOLONG, "the target of a symbolic link has %u bytes", body->length);
	memcpy(op->data[0].iov_base, target, body->length);
	return body->length;
}

static uint32_t size_of_xattr(const struct body *body)
{
	struct fuse_getxattr_out out;

	memcpy(&out, body->bytes, sizeof(out));
	return out.size;
}

static int64_t take_value(struct vfs_op *op, const struct body *body)
{
	return op->args.getxattr.size ? body->length : size_of_xattr(body);
}

/* Each name has a byte before its NUL; they may lie in several pieces. */
static int64_t take_list(struct vfs_op *op, const struct body *body)
{
	size_t left = body->length;
	unsigned int i;
	char last = '\0';

	if (!op->args.getxattr.size)
		return size_of_xattr(body);
	for (i = 0; left > 0; i++) {
		const char *bytes = op->data[i].iov_base;
		const char *end = bytes + min_size(left, op->data[i].iov_len);

		left -= (size_t)(end - bytes);
		for (; bytes < end; last = *bytes++)
			if (!last && !*bytes)
				return vfs_error(-EIO, "the name of an attribute is empty");
	}
	if (last)
		return vfs_error(-EIO, "the last name of an attribute has no NUL");
	return body->length;
}

static int64_t take_lock(struct vfs_op *op, const struct body *body)
{
	struct fuse_file_lock *lock = &op->answer.lock;

	memcpy(lock, body->bytes, sizeof(*lock));
	if (lock->type == F_UNLCK)
		return 0;
	if (lock->type != F_RDLCK && lock->type != F_WRLCK)
		return vfs_error(-EIO, "a lock of type %u", lock->type);
	if (lock->start > lock->end || lock->end > INT64_MAX)
		return vfs_error(-EIO, "a lock from byte %llu to byte %llu",
			(unsigned long long)lock->start, (unsigned long long)lock->end);
	return 0;
}

static int64_t take_offset(struct vfs_op *op, const struct body *body)
{
	memcpy(&op->answer.offset, body->bytes, sizeof(op->answer.offset));
	if (op->answer.offset > INT64_MAX || op->answer.offset < op->args.lseek.offset)
		return vfs_error(-EIO, "from offset %llu on offset %llu was found",
			(unsigned long long)op->args.lseek.offset,
			(unsigned long long)op->answer.offset);
	return 0;
}

/* Only who has asked for it is told to come again with other memory. */
static int64_t take_ioctl(struct vfs_op *op, const struct body *body)
{
	struct fuse_ioctl_out *out = &op->answer.ioctl;
	uint32_t length;

	if (body->length < sizeof(*out))
		return vfs_error(-EIO, "the answer of an ioctl has %u bytes", body->length);
	memcpy(out, body->bytes, sizeof(*out));
	if (out->flags & FUSE_IOCTL_RETRY && !(op->args.ioctl.flags & FUSE_IOCTL_UNRESTRICTED))
		return vfs_error(-EIO, "an ioctl is to be done again with other memory");
	length = body->length - (uint32_t)sizeof(*out);
	if (length)
		memcpy(op->out.iov_base, body->bytes + sizeof(*out), length);
	return length;
}

static take_fn *const takers[] = {
	[VFS_ANSWER_PLAIN] = take_plain,
	[VFS_ANSWER_ENTRY] = take_entry,
	[VFS_ANSWER_CREATED] = take_entry,
	[VFS_ANSWER_ATTR] = take_attr,
	[VFS_ANSWER_STATX] = take_statx,
	[VFS_ANSWER_WRITTEN] = take_written,
	[VFS_ANSWER_COPIED] = take_copied,
	[VFS_ANSWER_BYTES] = take_bytes,
	[VFS_ANSWER_TARGET] = take_target,
	[VFS_ANSWER_VALUE] = take_value,
	[VFS_ANSWER_LIST] = take_list,
	[VFS_ANSWER_LOCK] = take_lock,
	[VFS_ANSWER_OFFSET] = take_offset,
	[VFS_ANSWER_IOCTL] = take_ioctl,
};

static struct body body_of(const struct vfs_request *request)
{
	struct body body = {.opcode = request->opcode, .session = request->queue->session};
	const struct fuse_out_header *header;
	struct iovec iov[2];

	if (vfs_request_reply(request, iov) == 0)
		return body;
	header = iov[0].iov_base;
	body.bytes = iov[1].iov_base;
	body.length = header->len - (uint32_t)sizeof(*header);
	return body;
}

static int64_t take(struct vfs_op *op, const struct vfs_request *request)
{
	const char *name = request->queue->session->device->info.name;
	struct body body = body_of(request);
	int64_t r = takers[vfs_opcode_find(body.opcode)->answer](op, &body);

	if (r >= 0)
		return r;
	vfs_error_prefix("%s: the answer to opcode %u", name, body.opcode);
	if (r == -EIO)
		vfs_log(VFS_LOG_ERROR, "%s", vfs_last_error());
	memset(&op->answer, 0, sizeof(op->answer));
	return r;
}

VFS_EXPORT int64_t vfs_op_finish(struct vfs_op *op, const struct vfs_request *request)
{
	int error = vfs_request_error(request);

	/* It may also have ended without an answer, or with one that cannot be believed. */
	op->answered = request->state == VFS_REQUEST_DONE && !request->ended && !request->malformed;
	if (error < 0)
		op->result = vfs_error(error, "%s: opcode %u ends with error %d",
			request->queue->session->device->info.name, request->opcode, -error);
	else
		op->result = take(op, request);
	return op->result;
}
