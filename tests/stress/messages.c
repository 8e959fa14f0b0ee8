/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "messages.h"

static size_t put(char *message, size_t at, const struct iovec *part)
{
	if (part->iov_len)
		memcpy(message + at, part->iov_base, part->iov_len);
	return at + part->iov_len;
}

static int take_answer(const struct vfs_request *request, void *out, size_t size)
{
	struct iovec iov[2];
	int r = vfs_request_error(request);

	if (r == 0 && size) {
		if (vfs_request_reply(request, iov) != 2 || iov[1].iov_len != size)
			return -EBADMSG;
		memcpy(out, iov[1].iov_base, size);
	}
	return r;
}

int client_call(struct client *c, uint32_t opcode, uint64_t node, const struct iovec parts[2],
	void *out, size_t size)
{
	struct fuse_in_header header = {.opcode = opcode, .nodeid = node};
	struct vfs_request *request;
	size_t length = sizeof(header);
	char *message;
	int r = vfs_sync_get(c->sync, -1, &request);

	if (r < 0)
		return r;
	message = vfs_request_message(request);
	memcpy(message, &header, sizeof(header));
	length = put(message, length, &parts[0]);
	length = put(message, length, &parts[1]);
	r = vfs_request_prepare(request, length);
	if (r == 0) {
		c->sent[opcode]++;
		r = vfs_sync_call(c->sync, request, 0);
	}
	if (r == 0)
		r = take_answer(request, out, size);
	vfs_sync_put(c->sync, request);
	return r;
}

static struct iovec part(const void *data, size_t length)
{
	return (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = length};
}

int client_lookup(struct client *c, const char *name, struct fuse_entry_out *entry)
{
	struct iovec parts[2] = {part(name, strlen(name) + 1)};

	return client_call(c, FUSE_LOOKUP, FUSE_ROOT_ID, parts, entry, sizeof(*entry));
}

int client_forget(struct client *c, uint64_t node, uint64_t lookups)
{
	struct fuse_forget_one forget = {.nodeid = node, .nlookup = lookups};

	c->forgotten += lookups;
	return vfs_forget(c->session, &forget, 1);
}

int client_create(struct client *c, const char *name, uint32_t flags, uint64_t *node, uint64_t *fh)
{
	struct fuse_create_in in = {.flags = O_RDWR | O_TRUNC | flags, .mode = 0644};
	struct iovec parts[2] = {part(&in, sizeof(in)), part(name, strlen(name) + 1)};
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out;
	int r = client_call(c, FUSE_CREATE, FUSE_ROOT_ID, parts, &out, sizeof(out));

	if (r == 0) {
		*node = out.entry.nodeid;
		*fh = out.open.fh;
	}
	return r;
}

int client_release(struct client *c, uint64_t node, uint64_t fh)
{
	struct fuse_release_in in = {.fh = fh, .flags = O_RDWR};
	struct iovec parts[2] = {part(&in, sizeof(in))};

	return client_call(c, FUSE_RELEASE, node, parts, NULL, 0);
}

int client_getattr(struct client *c, uint64_t node)
{
	struct fuse_getattr_in in = {0};
	struct iovec parts[2] = {part(&in, sizeof(in))};
	struct fuse_attr_out out;

	return client_call(c, FUSE_GETATTR, node, parts, &out, sizeof(out));
}

int client_statfs(struct client *c)
{
	const struct iovec none[2] = {0};
	struct fuse_statfs_out out;

	return client_call(c, FUSE_STATFS, FUSE_ROOT_ID, none, &out, sizeof(out));
}

int client_read(struct client *c, uint64_t node, uint64_t fh, uint64_t block, void *data)
{
	struct fuse_read_in in = {.fh = fh, .offset = block * BLOCK, .size = BLOCK};
	struct iovec parts[2] = {part(&in, sizeof(in))};

	return client_call(c, FUSE_READ, node, parts, data, BLOCK);
}

int client_write(struct client *c, uint64_t node, uint64_t fh, uint64_t block, const void *data)
{
	struct fuse_write_in in = {.fh = fh, .offset = block * BLOCK, .size = BLOCK};
	struct iovec parts[2] = {part(&in, sizeof(in)), part(data, BLOCK)};
	struct fuse_write_out out;
	int r = client_call(c, FUSE_WRITE, node, parts, &out, sizeof(out));

	return r == 0 && out.size != BLOCK ? -EIO : r;
}
