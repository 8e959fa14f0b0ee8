/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ops/encoded.h"

struct vfs_op op;
const uint8_t *message;
size_t length;
const struct vfs_caller caller = {.uid = 1000, .gid = 100, .pid = 42, .umask = 027};

static void read_message(const struct taken *from)
{
	message = from->bytes;
	length = from->length;
}

int encode(uint64_t agreed)
{
	struct vfs_request *request = vfs_request_get(queue);
	int r;

	assert_non_null(request);
	session->init.flags = agreed;
	if (!op.caller)
		op.caller = &caller;
	r = vfs_op_encode(&op, request);
	if (r < 0) {
		vfs_request_put(request);
		return r;
	}
	submit(request);
	take(&taken);
	read_message(&taken);
	fuse_device_answer(&d, &taken, -EIO, NULL, 0);
	vfs_request_put(reap_one(queue));
	return 0;
}

void assert_header(uint32_t opcode, uint64_t node, const struct vfs_caller *who)
{
	struct fuse_in_header header;

	memcpy(&header, message, sizeof(header));
	assert_int_equal(header.len, length);
	assert_int_equal(header.opcode, opcode);
	assert_int_equal(header.nodeid, node);
	assert_int_equal(header.uid, who->uid);
	assert_int_equal(header.gid, who->gid);
	assert_int_equal(header.pid, who->pid);
	assert_int_equal(header.padding, 0);
}

unsigned int extensions(void)
{
	struct fuse_in_header header;

	memcpy(&header, message, sizeof(header));
	return header.total_extlen;
}

const void *arguments(void)
{
	return message + sizeof(struct fuse_in_header);
}
