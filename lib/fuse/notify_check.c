/* SPDX-License-Identifier: MIT */
/* What a notification has to look like. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core/core.h"
#include "fuse/fuse.h"

/* Linux' FUSE_NAME_MAX. */
#define NAME_MAX_BYTES 1024u

/* Where errors end, as in the kernel's MAX_ERRNO. */
#define ERROR_MAX 4096

/* As in the header of newer kernels. */
struct prune_out {
	uint32_t count;
	uint32_t padding;
	uint64_t spare;
};

struct lock_out {
	uint64_t unique;
	int32_t error;
	uint32_t padding;
};

/* What follows the header. */
struct body {
	const uint8_t *bytes;
	uint32_t length;
};

static int malformed_length(const struct body *body)
{
	vfs_error(-EBADMSG, "a body of %u bytes", body->length);
	return -EBADMSG;
}

/* The structure in front, and what follows it. */
static int take(struct body *body, void *out, uint32_t size)
{
	if (body->length < size)
		return malformed_length(body);
	memcpy(out, body->bytes, size);
	body->bytes += size;
	body->length -= size;
	return 0;
}

static int take_all(struct body *body, void *out, uint32_t size)
{
	return body->length == size ? take(body, out, size) : malformed_length(body);
}

static int check_node(uint64_t node)
{
	return node ? 0 : vfs_error(-EBADMSG, "it is about node 0");
}

static int check_range(uint64_t offset, uint64_t length)
{
	if (offset <= INT64_MAX && length <= INT64_MAX - offset)
		return 0;
	return vfs_error(-EBADMSG, "%llu bytes at offset %llu", (unsigned long long)length,
		(unsigned long long)offset);
}

/* @length bytes and a NUL that is not counted. */
static int take_name(const struct body *body, uint32_t length, struct vfs_notification *n)
{
	const char *name = (const char *)body->bytes;

	if (length == 0 || length > NAME_MAX_BYTES)
		return vfs_error(-EBADMSG, "a name of %u bytes", length);
	if (body->length != length + 1)
		return vfs_error(-EBADMSG, "%u bytes for a name of %u", body->length, length);
	if (name[length] || memchr(name, '\0', length) || memchr(name, '/', length))
		return vfs_error(-EBADMSG, "a name with a slash, a NUL, or none at its end");
	n->name = name;
	return check_node(n->node);
}

static int check_poll(struct body *body, struct vfs_notification *n)
{
	struct fuse_notify_poll_wakeup_out out = {0};
	int r = take_all(body, &out, sizeof(out));

	if (r < 0)
		return r;
	n->handle = out.kh;
	return 0;
}

static int check_inval_inode(struct body *body, struct vfs_notification *n)
{
	struct fuse_notify_inval_inode_out out;
	int r = take_all(body, &out, sizeof(out));

	if (r < 0)
		return r;
	n->node = out.ino;
	n->offset = out.off;
	n->length = out.len;
	return check_node(n->node);
}

static int check_inval_entry(struct body *body, struct vfs_notification *n)
{
	struct fuse_notify_inval_entry_out out;
	int r = take(body, &out, sizeof(out));

	if (r < 0)
		return r;
	n->node = out.parent;
	n->flags = out.flags;
	return take_name(body, out.namelen, n);
}

static int check_delete(struct body *body, struct vfs_notification *n)
{
	struct fuse_notify_delete_out out;
	int r = take(body, &out, sizeof(out));

	if (r < 0)
		return r;
	n->node = out.parent;
	n->child = out.child;
	return take_name(body, out.namelen, n);
}

static int check_store(struct body *body, struct vfs_notification *n)
{
	struct fuse_notify_store_out out;
	int r = take(body, &out, sizeof(out));

	if (r == 0 && body->length != out.size)
		r = vfs_error(-EBADMSG, "%u bytes of data where %u are", out.size, body->length);
	if (r == 0)
		r = check_range(out.offset, out.size);
	if (r < 0)
		return r;
	n->node = out.nodeid;
	n->offset = (int64_t)out.offset;
	n->length = out.size;
	n->data = body->bytes;
	return check_node(n->node);
}

static int check_retrieve(struct body *body, struct vfs_notification *n)
{
	struct fuse_notify_retrieve_out out;
	int r = take_all(body, &out, sizeof(out));

	if (r == 0)
		r = check_range(out.offset, out.size);
	if (r < 0)
		return r;
	n->unique = out.notify_unique;
	n->node = out.nodeid;
	n->offset = (int64_t)out.offset;
	n->length = out.size;
	return check_node(n->node);
}

static int check_nothing(struct body *body, struct vfs_notification *n)
{
	(void)n;
	return body->length ? malformed_length(body) : 0;
}

static int check_prune(struct body *body, struct vfs_notification *n)
{
	struct prune_out out;
	int r = take(body, &out, sizeof(out));

	if (r == 0 && body->length != (uint64_t)out.count * sizeof(*n->nodes))
		r = vfs_error(-EBADMSG, "%u bytes for %u nodes", body->length, out.count);
	if (r < 0)
		return r;
	/* The message is aligned, and so is what follows structures of whole words. */
	n->nodes = (const uint64_t *)(const void *)body->bytes;
	n->num_nodes = out.count;
	return 0;
}

static int check_lock(struct body *body, struct vfs_notification *n)
{
	struct lock_out out;
	int r = take_all(body, &out, sizeof(out));

	if (r == 0 && (out.error > 0 || out.error <= -ERROR_MAX))
		r = vfs_error(-EBADMSG, "a lock with the error %d", out.error);
	if (r < 0)
		return r;
	n->code = VFS_NOTIFY_LOCK;
	n->unique = out.unique;
	n->error = out.error;
	return 0;
}

/* One code has two meanings; what only one of them has is a body. */
static int check_resend(struct body *body, unsigned int quirks, struct vfs_notification *n)
{
	int r;

	if (body->length != sizeof(struct lock_out))
		return check_nothing(body, n);
	if (quirks & VFS_QUIRK_LOCK_WAIT)
		return check_lock(body, n);
	r = malformed_length(body);
	return vfs_quirk_error(r, VFS_QUIRK_LOCK_WAIT);
}

static const struct {
	const char *name;
	int (*check)(struct body *body, struct vfs_notification *n);
} kinds[] = {
	[FUSE_NOTIFY_POLL] = {"POLL", check_poll},
	[FUSE_NOTIFY_INVAL_INODE] = {"INVAL_INODE", check_inval_inode},
	[FUSE_NOTIFY_INVAL_ENTRY] = {"INVAL_ENTRY", check_inval_entry},
	[FUSE_NOTIFY_STORE] = {"STORE", check_store},
	[FUSE_NOTIFY_RETRIEVE] = {"RETRIEVE", check_retrieve},
	[FUSE_NOTIFY_DELETE] = {"DELETE", check_delete},
	[VFS_FUSE_NOTIFY_RESEND] = {"RESEND", NULL},
	[VFS_FUSE_NOTIFY_INC_EPOCH] = {"INC_EPOCH", check_nothing},
	[VFS_FUSE_NOTIFY_PRUNE] = {"PRUNE", check_prune},
};

static int check_header(const struct fuse_out_header *header, uint32_t length)
{
	if (header->len != length)
		return vfs_error(-EBADMSG,
			"a notification says it has %u bytes, the device wrote %u", header->len,
			length);
	if (header->unique)
		return vfs_error(-EBADMSG, "a notification has the unique %llu",
			(unsigned long long)header->unique);
	if (header->error <= 0)
		return vfs_error(-EBADMSG, "a notification has the code %d", header->error);
	return 0;
}

int vfs_notify_check(
	const void *message, uint32_t length, unsigned int quirks, struct vfs_notification *n)
{
	struct fuse_out_header header;
	struct body body;
	int r;

	*n = (struct vfs_notification){.message = message, .message_length = length};
	if (length < sizeof(header))
		return vfs_error(
			-EBADMSG, "a notification has %u bytes, too few for its header", length);
	memcpy(&header, message, sizeof(header));
	r = check_header(&header, length);
	if (r < 0)
		return r;
	n->code = (uint32_t)header.error;
	if (n->code >= ARRAY_SIZE(kinds))
		return 0;
	body = (struct body){.bytes = (const uint8_t *)message + sizeof(header),
		.length = length - (uint32_t)sizeof(header)};
	r = kinds[n->code].check ? kinds[n->code].check(&body, n) : check_resend(&body, quirks, n);
	if (r < 0)
		vfs_error_prefix("a notification %s", kinds[header.error].name);
	return r < 0 ? r : 1;
}
