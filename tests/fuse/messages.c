/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "fuse/messages.h"

uint8_t pattern_byte(size_t offset)
{
	return (uint8_t)(offset * 7 + offset / 251);
}

struct vfs_request *message_raw(
	struct vfs_queue *queue, uint32_t opcode, const void *args, size_t length)
{
	struct fuse_in_header header = {.opcode = opcode};
	struct vfs_request *request = vfs_request_get(queue);
	uint8_t *message;

	assert_non_null(request);
	message = vfs_request_message(request);
	memcpy(message, &header, sizeof(header));
	if (length)
		memcpy(message + sizeof(header), args, length);
	return request;
}

static struct vfs_request *prepared(struct vfs_request *request, size_t length)
{
	if (vfs_request_prepare(request, sizeof(struct fuse_in_header) + length) < 0)
		fail_msg("%s", vfs_last_error());
	return request;
}

struct vfs_request *message_statfs(struct vfs_queue *queue, uintptr_t number)
{
	struct vfs_request *request = message_raw(queue, FUSE_STATFS, NULL, 0);
	struct fuse_in_header *header = vfs_request_message(request);

	header->nodeid = number;
	vfs_request_set_user_data(request, (void *)number); /* NOLINT(performance-no-int-to-ptr) */
	return prepared(request, 0);
}

struct vfs_request *message_read(struct vfs_queue *queue, uint32_t size)
{
	struct fuse_read_in in = {.size = size};

	return prepared(message_raw(queue, FUSE_READ, &in, sizeof(in)), sizeof(in));
}

struct vfs_request *message_write(struct vfs_queue *queue, uint32_t size)
{
	struct fuse_write_in in = {.size = size};
	struct vfs_request *request = message_raw(queue, FUSE_WRITE, &in, sizeof(in));
	uint8_t *data = (uint8_t *)vfs_request_message(request) + VFS_REQUEST_HEAD;

	for (uint32_t i = 0; i < size; i++)
		data[i] = pattern_byte(i);
	return prepared(request, sizeof(in) + size);
}

struct vfs_request *reap_one(struct vfs_queue *queue)
{
	struct vfs_request *request = NULL;

	assert_int_equal(vfs_queue_reap(queue, &request, 1), 1);
	assert_non_null(request);
	return request;
}

void reap_none(struct vfs_queue *queue)
{
	struct vfs_request *requests[4];

	assert_int_equal(vfs_queue_reap(queue, requests, 4), 0);
}

void submit(struct vfs_request *request)
{
	if (vfs_queue_submit(request->queue, &request, 1) < 0)
		fail_msg("%s", vfs_last_error());
}
