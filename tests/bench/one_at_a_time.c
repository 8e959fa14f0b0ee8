/* SPDX-License-Identifier: MIT */
/*
 * Requests one at a time, of a device in the same process that answers at a look that is the same
 * each time: so what one costs the library does not depend on how fast a device is. The device's
 *own part is not to be counted: it is in device_notify() and answer_it().
 *
 *	one-at-a-time COUNT LOOKS
 *
 * With 0 looks the answer is there when the request has been submitted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fuse/fixture.h"

static unsigned long looks; /* until there is an answer */
static unsigned long left;

static __attribute__((noinline)) void answer_it(void)
{
	take(&taken);
	answer_statfs(&taken);
}

bool __real_vfs_ring_has_used(const struct vfs_ring *ring);
bool __wrap_vfs_ring_has_used(const struct vfs_ring *ring);
bool __wrap_vfs_ring_has_used(const struct vfs_ring *ring)
{
	if (left && --left == 0)
		answer_it();
	return __real_vfs_ring_has_used(ring);
}

static void answer_at_once(struct fuse_device *device, const struct taken *message)
{
	(void)device;
	answer_statfs(message);
}

static int one(void)
{
	struct vfs_request *request = vfs_request_get(queue);
	struct fuse_in_header *header = vfs_request_message(request);
	struct vfs_request *done;
	int r;

	*header = (struct fuse_in_header){.opcode = FUSE_STATFS, .nodeid = FUSE_ROOT_ID};
	r = vfs_request_prepare(request, sizeof(*header));
	if (r == 0)
		r = vfs_queue_submit(queue, &request, 1);
	if (r == 0)
		r = vfs_queue_reap_wait(queue, &done, 1, 1, 1000);
	if (r == 1)
		r = vfs_request_error(request);
	vfs_request_put(request);
	return r;
}

/* What is counted. */
__attribute__((noinline)) int requests(unsigned long count);
__attribute__((noinline)) int requests(unsigned long count)
{
	int r = 0;

	while (r == 0 && count--) {
		left = looks;
		r = one();
	}
	return r;
}

int main(int argc, char **argv)
{
	unsigned long count = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	int r;

	if (!count) {
		fprintf(stderr, "usage: one-at-a-time COUNT LOOKS\n");
		return 2;
	}
	looks = strtoul(argv[2], NULL, 10);
	set_up(NULL);
	poll_mode = VFS_POLL_ALWAYS;
	connect_with(4, 0);
	d.serve = looks ? NULL : answer_at_once;
	r = requests(count);
	if (r < 0)
		fprintf(stderr, "one-at-a-time: %s\n", vfs_last_error());
	tear_down(NULL);
	return r < 0;
}
