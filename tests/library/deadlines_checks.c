/* SPDX-License-Identifier: MIT */
/* Requests that end before they are answered. */
#include "check.h"
#include "lock.h"
#include "numbered.h"

#define DEPTH  64u
#define RING   8
#define BLOCKS 64u

#define CROWDED                                                        \
	{                                                              \
		.depth = DEPTH, .ring_size = RING, .max_payload = 4096 \
	}

/* Two handles of a file: the first one locks it, the second one waits. */
struct locked {
	struct file first;
	struct file second;
	struct vfs_request *waiting;
};

static int lock_now(struct client *client, const struct file *file, uint64_t owner, uint32_t type)
{
	const struct lock lock = {
		.file = file, .owner = owner, .flags = FUSE_LK_FLOCK, .type = type};
	struct vfs_request *request = lock_build(client, FUSE_SETLK, &lock);
	int r = request ? vfs_queue_submit(client->queue, &request, 1) : -ENOBUFS;

	return r == 0 ? op_wait(client, request) : r;
}

static int lock_twice(struct client *client, struct locked *locked, unsigned int timeout_ms)
{
	const struct lock second = {
		.file = &locked->second, .owner = 2, .flags = FUSE_LK_FLOCK, .type = F_WRLCK};
	int r = fuse_create(client, client->directory, "file", &locked->first);

	if (r == 0)
		r = fuse_open(client, locked->first.node, O_RDWR, &locked->second);
	if (r == 0)
		r = lock_now(client, &locked->first, 1, F_WRLCK);
	if (r < 0)
		return r;
	locked->waiting = lock_build(client, FUSE_SETLKW, &second);
	if (!locked->waiting)
		return -ENOBUFS;
	vfs_request_set_timeout(locked->waiting, timeout_ms);
	return vfs_queue_submit(client->queue, &locked->waiting, 1);
}

static enum verdict come(struct client *client)
{
	const struct vfs_queue_counters *counters;
	struct locked locked;
	struct fuse_attr attr;

	if (!client->settings->blocking_locks)
		return skipped("the server keeps nobody waiting");
	expect_ok(lock_twice(client, &locked, 50));
	expect_error(ETIMEDOUT, op_wait(client, locked.waiting));
	counters = vfs_queue_counters(client->queue);
	expect(counters->timed_out == 1, "%llu are counted",
		(unsigned long long)counters->timed_out);
	expect_ok(lock_now(client, &locked.first, 1, F_UNLCK));
	expect_ok(fuse_getattr(client, FUSE_ROOT_ID, &attr));
	return PASSED;
}

static enum verdict are_kept(struct client *client)
{
	struct op op = {.opcode = FUSE_STATFS, .node = FUSE_ROOT_ID};
	struct vfs_request *request = op_build(client->queue, &op);

	expect(request, "no request");
	vfs_request_set_timeout(request, PATIENCE_MS);
	expect_ok(vfs_queue_submit(client->queue, &request, 1));
	expect_ok(op_wait(client, request));
	return PASSED;
}

static enum verdict server_is_interrupted(struct client *client)
{
	struct locked locked;

	if (!client->settings->blocking_locks)
		return skipped("the server keeps nobody waiting");
	expect_ok(lock_twice(client, &locked, 0));
	expect_ok(vfs_request_cancel(locked.waiting));
	expect_error(EINTR, op_wait(client, locked.waiting));
	expect_error(EINVAL, vfs_request_cancel(locked.waiting));
	return PASSED;
}

/* What waits for room in the ring never goes out; the others are none the worse. */
static enum verdict parked_are_cancelled(struct client *client)
{
	struct vfs_request *requests[DEPTH], *done[DEPTH];
	struct numbered numbered;
	unsigned int i, count = 0;

	expect_ok(numbered_create(client, BLOCKS, &numbered));
	for (i = 0; i < DEPTH; i++) {
		struct op op = {0};

		numbered_make(&numbered, i, &op);
		requests[i] = op_build(client->queue, &op);
		expect(requests[i], "no request");
		vfs_request_set_user_data(requests[i], (void *)(uintptr_t)i);
	}
	expect_ok(vfs_queue_submit(client->queue, requests, DEPTH));
	for (i = DEPTH / 2; i < DEPTH; i++)
		expect_ok(vfs_request_cancel(requests[i]));
	while (count < DEPTH) {
		int n = vfs_queue_reap_wait(client->queue, done, 1, DEPTH, PATIENCE_MS);

		expect_ok(n);
		for (i = 0; i < (unsigned int)n; i++) {
			unsigned int number = (unsigned int)(uintptr_t)vfs_request_user_data(
				done[i]);

			if (number < DEPTH / 2)
				expect_ok(numbered_compare(&numbered, number, done[i]));
			else
				expect_error(ECANCELED, vfs_request_error(done[i]));
			vfs_request_put(done[i]);
		}
		count += (unsigned int)n;
	}
	expect(count == DEPTH, "%u answers", count);
	return PASSED;
}

static const struct check checks[] = {
	{"deadlines/come", come, NEEDS_SESSION, {0}, false},
	{"deadlines/are-kept", are_kept, NEEDS_SESSION, {0}, false},
	{"deadlines/server-is-interrupted", server_is_interrupted, NEEDS_SESSION, {0}, false},
	{"deadlines/parked-are-cancelled", parked_are_cancelled, NEEDS_SESSION, CROWDED, false},
};

const struct check_list deadlines_checks = CHECK_LIST(checks);
