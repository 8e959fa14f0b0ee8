/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "core/core.h"
#include "fuse/fuse.h"

/* Where errors end, as in the kernel's MAX_ERRNO. */
#define ERROR_MAX 4096

static int check_header(const struct vfs_reply *reply)
{
	const struct fuse_out_header *header = &reply->header;

	if (reply->used_len < sizeof(*header))
		return vfs_error(-EBADMSG, "the answer has %u bytes, too few for its header",
			reply->used_len);
	if (header->len != reply->used_len && __builtin_bswap32(header->len) == reply->used_len)
		return vfs_error(-EBADMSG, "the answer is in the other byte order");
	if (header->len != reply->used_len)
		return vfs_error(-EBADMSG, "the answer says it has %u bytes, the device wrote %u",
			header->len, reply->used_len);
	if (header->unique != reply->unique)
		return vfs_error(-EBADMSG, "the answer is for request %llu",
			(unsigned long long)header->unique);
	if (header->error > 0 || header->error <= -ERROR_MAX)
		return vfs_error(-EBADMSG, "the answer has the error %d", header->error);
	return 0;
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

int vfs_reply_check(const struct vfs_reply *reply, bool *malformed)
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
	return reply->header.error ? reply->header.error : r;
}
