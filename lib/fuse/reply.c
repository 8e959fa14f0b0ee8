/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "core/core.h"
#include "fuse/fuse.h"

/* Where errors end, as in the kernel's MAX_ERRNO. */
#define ERROR_MAX 4096

/* In place of an error: the answer comes as a notification. */
#define ERROR_WAIT 1

static bool takes(const struct vfs_reply *reply, enum vfs_quirk quirk)
{
	return (reply->quirks & quirk) != 0;
}

/* Too few bytes for a header. */
static int short_answer(const struct vfs_reply *reply)
{
	int r = vfs_error(
		-EBADMSG, "the answer has %u bytes, too few for its header", reply->used_len);

	return reply->used_len ? r : vfs_quirk_error(r, VFS_QUIRK_USED_LEN_ZERO);
}

static bool says_wait(const struct vfs_reply *reply)
{
	return reply->shape.may_wait && reply->header.error == ERROR_WAIT;
}

static int check_error(const struct vfs_reply *reply)
{
	int error = reply->header.error;
	int r;

	if (error <= 0 && error > -ERROR_MAX)
		return 0;
	if (says_wait(reply) && takes(reply, VFS_QUIRK_LOCK_WAIT))
		return 0;
	r = vfs_error(-EBADMSG, "the answer has the error %d", error);
	return says_wait(reply) ? vfs_quirk_error(r, VFS_QUIRK_LOCK_WAIT) : r;
}

static int check_header(const struct vfs_reply *reply)
{
	const struct fuse_out_header *header = &reply->header;

	if (reply->used_len < sizeof(*header))
		return short_answer(reply);
	if (header->len != reply->used_len && __builtin_bswap32(header->len) == reply->used_len)
		return vfs_error(-EBADMSG, "the answer is in the other byte order");
	if (header->len != reply->used_len)
		return vfs_error(-EBADMSG, "the answer says it has %u bytes, the device wrote %u",
			header->len, reply->used_len);
	if (header->unique != reply->unique)
		return vfs_error(-EBADMSG, "the answer is for request %llu",
			(unsigned long long)header->unique);
	return check_error(reply);
}

static int check_body(const struct vfs_reply *reply)
{
	uint32_t body = reply->used_len - (uint32_t)sizeof(reply->header);

	if (reply->header.error && body)
		return vfs_error(-EBADMSG, "the answer has an error and %u bytes", body);
	if (!reply->header.error &&
		(body > reply->shape.max || (reply->shape.exact && body != reply->shape.max)))
		return vfs_error(-EBADMSG, "the answer has %u bytes where %s%u are allowed", body,
			reply->shape.exact ? "" : "at most ", reply->shape.max);
	return (int)body;
}

static int check(const struct vfs_reply *reply, bool *malformed)
{
	int r;

	*malformed = false;
	if (reply->used_len == 0 && (reply->shape.none || reply->shape.may_omit))
		return 0;
	r = reply->shape.none
		    ? vfs_error(-EBADMSG, "%u bytes came for a message that has no answer",
			      reply->used_len)
		    : check_header(reply);
	if (r == 0)
		r = check_body(reply);
	if (r < 0) {
		*malformed = true;
		return r;
	}
	if (reply->header.error > 0)
		return -EINPROGRESS;
	return reply->header.error ? reply->header.error : r;
}

int vfs_reply_check(const struct vfs_reply *reply, bool *malformed)
{
	struct vfs_reply meant;

	if (reply->used_len || reply->shape.none || reply->shape.may_omit ||
		!takes(reply, VFS_QUIRK_USED_LEN_ZERO))
		return check(reply, malformed);
	/* As long as it says, as the device is known not to say it: that is checked as well. */
	meant = *reply;
	meant.used_len = reply->header.len;
	return check(&meant, malformed);
}
