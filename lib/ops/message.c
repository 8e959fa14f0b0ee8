/* SPDX-License-Identifier: MIT */
/* A message piece by piece, and the extensions of those that make a file. */
#include <string.h>

#include "ops/ops.h"

void vfs_message_put(struct vfs_message *message, const void *bytes, size_t length)
{
	if (length > message->room) {
		message->full = true;
		return;
	}
	if (length)
		memcpy(message->start + message->length, bytes, length);
	message->length += length;
	message->room -= length;
}

static void pad(struct vfs_message *message, size_t length)
{
	static const uint8_t zero[sizeof(uint64_t)];

	vfs_message_put(message, zero, FUSE_REC_ALIGN(length) - length);
}

/* Linux sends it also without a label, and there are servers that want it then. */
static void put_label(struct vfs_message *message, const struct vfs_security_context *context)
{
	struct fuse_secctx_header header = {.size = sizeof(header)};
	struct fuse_secctx label = {0};
	size_t name = 0;

	if (context && context->size) {
		label.size = context->size;
		name = strlen(context->name) + 1;
		header.nr_secctx = 1;
		header.size += (uint32_t)FUSE_REC_ALIGN(sizeof(label) + name + context->size);
	}
	vfs_message_put(message, &header, sizeof(header));
	if (!header.nr_secctx)
		return;
	vfs_message_put(message, &label, sizeof(label));
	vfs_message_put(message, context->name, name);
	vfs_message_put(message, context->value, context->size);
	pad(message, name + context->size);
}

static void put_group(struct vfs_message *message, gid_t group)
{
	struct {
		struct fuse_ext_header header;
		struct vfs_fuse_supp_groups groups;
		uint32_t group;
	} ext = {
		.header = {.size = sizeof(ext), .type = VFS_FUSE_EXT_GROUPS},
		.groups = {.nr_groups = 1},
		.group = group,
	};

	_Static_assert(sizeof(ext) % sizeof(uint64_t) == 0, "extensions are multiples of 8 bytes");
	vfs_message_put(message, &ext, sizeof(ext));
}

uint16_t vfs_message_put_extensions(
	struct vfs_message *message, const struct vfs_op *op, const struct vfs_session *session)
{
	size_t before = message->length;

	if (vfs_agreed(session, FUSE_SECURITY_CTX))
		put_label(message, op->context);
	if (op->has_group && vfs_agreed(session, FUSE_CREATE_SUPP_GROUP))
		put_group(message, op->group);
	return (uint16_t)((message->length - before) / sizeof(uint64_t));
}
