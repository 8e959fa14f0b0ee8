/* SPDX-License-Identifier: MIT */
/* Messages that must not go out do not. */
#include "check.h"
#include "fuse.h"

static int prepare(struct client *client, const struct op *op, size_t length)
{
	struct vfs_request *request = vfs_request_get(client->queue);
	int r;

	if (!request)
		return -ENOBUFS;
	op_write(request, op);
	r = vfs_request_prepare(request, length);
	vfs_request_put(request);
	return r;
}

static enum verdict prepare_refuses(struct client *client)
{
	size_t header = sizeof(struct fuse_in_header);
	struct fuse_read_in read = {.size = 64u << 20};
	struct vfs_request *request;
	struct fuse_attr attr;

	expect_error(EINVAL, prepare(client, &(struct op){.opcode = FUSE_STATFS}, header - 1));
	expect_error(EINVAL, prepare(client, &(struct op){.opcode = FUSE_GETATTR}, header));
	expect_error(EINVAL, prepare(client, &(struct op){.opcode = FUSE_LOOKUP}, header));
	expect_error(ENOSYS, prepare(client, &(struct op){.opcode = 4000}, header));
	expect_error(ENOSYS, prepare(client, &(struct op){.opcode = 0}, header));
	expect_error(EINVAL, prepare(client, &(struct op){.opcode = FUSE_INIT}, header + 64));
	expect_error(EINVAL, prepare(client, &(struct op){.opcode = FUSE_DESTROY}, header));
	expect_error(
		EINVAL, prepare(client, &(struct op){.opcode = __builtin_bswap32(FUSE_GETATTR)},
				header + sizeof(struct fuse_getattr_in)));
	expect_error(E2BIG, prepare(client, &(struct op){.opcode = FUSE_READ, .in = {PART(read)}},
				    header + sizeof(read)));
	request = vfs_request_get(client->queue);
	expect(request, "no request");
	op_write(request, &(struct op){.opcode = FUSE_WRITE});
	expect_error(EINVAL, vfs_request_prepare(request, vfs_request_capacity(request) + 1));
	expect_error(EINVAL, vfs_queue_submit(client->queue, &request, 1));
	vfs_request_put(request);
	expect_ok(fuse_getattr(client, FUSE_ROOT_ID, &attr));
	return PASSED;
}

static enum verdict requests_are_as_large_as_promised(struct client *client)
{
	struct vfs_request *request = vfs_request_get(client->queue);
	char *message;

	expect(request, "no request");
	expect(vfs_request_capacity(request) >=
			VFS_REQUEST_HEAD + vfs_session_max_payload(client->session),
		"room for %zu bytes", vfs_request_capacity(request));
	message = vfs_request_message(request);
	expect((uintptr_t)(message + VFS_REQUEST_HEAD) % 4096 == 0, "data is not on a page");
	memset(message, 0, vfs_request_capacity(request));
	vfs_request_put(request);
	return PASSED;
}

static const struct check checks[] = {
	{"malformed/prepare-refuses", prepare_refuses, NEEDS_SESSION, {0}, false},
	{"malformed/room-as-promised", requests_are_as_large_as_promised, NEEDS_SESSION, {0},
		false},
};

const struct check_list malformed_checks = CHECK_LIST(checks);
