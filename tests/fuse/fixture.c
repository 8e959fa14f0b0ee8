/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fuse/fixture.h"

struct fuse_device d;
struct vfs_session *session;
struct vfs_queue *queue;
struct taken taken;
enum vfs_poll poll_mode;

int set_up(void **state)
{
	(void)state;
	fake_pagemap = (struct fake_pagemap){.frame = frame_scattered};
	fake_memfd = (struct fake_memfd){0};
	poll_mode = VFS_POLL_AUTO;
	fuse_device_init(&d);
	return 0;
}

int tear_down(void **state)
{
	(void)state;
	d.serve = fuse_device_serve;
	vfs_session_destroy(session);
	session = NULL;
	fuse_device_fini(&d);
	return 0;
}

void without_platform(void)
{
	d.stub.offered &= ~FEATURE_ACCESS_PLATFORM;
}

void connect_with(unsigned int depth, unsigned int ring_size)
{
	struct vfs_session_options options = {
		.depth = depth,
		.ring_size = ring_size,
		.max_payload = PAYLOAD,
		.num_queues = d.device.info.num_request_queues,
		.timeout_ms = TIMEOUT_MS,
		.poll = poll_mode,
	};

	session = fuse_device_connect(&d, &options);
	queue = vfs_session_queue(session, 0);
}

void take(struct taken *to)
{
	assert_true(fuse_device_take(&d, 1, to));
}

void take_none(void)
{
	assert_false(fuse_device_take(&d, 1, &taken));
}

const struct fuse_statfs_out statfs_out = {.st = {.bsize = 4096, .namelen = 255}};

void answer_statfs(const struct taken *to)
{
	fuse_device_answer(&d, to, 0, &statfs_out, sizeof(statfs_out));
}

void expect(uintptr_t number)
{
	struct vfs_request *request = reap_one(queue);

	assert_int_equal((uintptr_t)vfs_request_user_data(request), number);
	assert_int_equal(vfs_request_error(request), 0);
	vfs_request_put(request);
}
