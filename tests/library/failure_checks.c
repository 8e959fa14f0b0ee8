/* SPDX-License-Identifier: MIT */
/* Ends that come too early. */
#include "check.h"
#include "numbered.h"

#define DEPTH  64u
#define RING   8
#define BLOCKS 64u

#define CROWDED                                                        \
	{                                                              \
		.depth = DEPTH, .ring_size = RING, .max_payload = 4096 \
	}

static int send_all(struct client *client, struct numbered *numbered)
{
	struct vfs_request *requests[DEPTH];
	unsigned int i;

	for (i = 0; i < DEPTH; i++) {
		struct op op = {0};

		numbered_make(numbered, i, &op);
		requests[i] = op_build(client->queue, &op);
		if (!requests[i])
			return -ENOBUFS;
		vfs_request_set_user_data(requests[i], (void *)(uintptr_t)i);
	}
	return vfs_queue_submit(client->queue, requests, DEPTH);
}

/* With the directory of the last one. */
static enum verdict next_one_works(struct client *client)
{
	struct vfs_session_options options = CROWDED;
	struct fuse_entry_out entry;
	struct numbered numbered;
	struct stream stream = {.count = 2 * DEPTH,
		.make = numbered_make,
		.answered = numbered_compare,
		.ctx = &numbered};

	expect_ok(client_restart(client, &options));
	expect_ok(fuse_lookup(client, client->directory, "numbered", &entry));
	expect_ok(fuse_unlink(client, client->directory, "numbered"));
	expect_ok(numbered_create(client, BLOCKS, &numbered));
	expect_ok(stream_run(client->queue, &stream));
	return PASSED;
}

static enum verdict abort_ends_all(struct client *client)
{
	struct op op = {.opcode = FUSE_STATFS, .node = FUSE_ROOT_ID};
	struct vfs_request *done[DEPTH + 1];
	struct numbered numbered;
	bool seen[DEPTH] = {false};
	unsigned int i, n;

	expect_ok(numbered_create(client, BLOCKS, &numbered));
	expect_ok(send_all(client, &numbered));
	vfs_session_abort(client->session);
	expect_ok(vfs_queue_wait(client->queue, PATIENCE_MS));
	n = vfs_queue_reap(client->queue, done, DEPTH + 1);
	expect(n == DEPTH, "%u requests are reaped", n);
	for (i = 0; i < n; i++) {
		uintptr_t number = (uintptr_t)vfs_request_user_data(done[i]);

		expect(number < DEPTH && !seen[number], "request %zu twice", (size_t)number);
		seen[number] = true;
		expect_error(EIO, vfs_request_error(done[i]));
		vfs_request_put(done[i]);
	}
	done[0] = op_build(client->queue, &op);
	expect(done[0], "no request");
	expect_error(EIO, vfs_queue_submit(client->queue, done, 1));
	vfs_request_put(done[0]);
	expect_error(EIO, vfs_queue_wait(client->queue, PATIENCE_MS));
	expect_error(EIO, vfs_forget(client->session, &(struct fuse_forget_one){.nodeid = 2}, 1));
	return next_one_works(client);
}

static enum verdict destroy_ends_all(struct client *client)
{
	struct numbered numbered;

	expect_ok(numbered_create(client, BLOCKS, &numbered));
	expect_ok(send_all(client, &numbered));
	vfs_session_destroy(client->session);
	client->session = NULL;
	return next_one_works(client);
}

static enum verdict close_follows_abort(struct client *client)
{
	struct vfs_session_options options = CROWDED;
	struct numbered numbered;

	expect_ok(numbered_create(client, BLOCKS, &numbered));
	expect_ok(send_all(client, &numbered));
	vfs_session_abort(client->session);
	client_close(client);
	expect_ok(client_open(client));
	expect_ok(client_start(client, &options));
	expect_ok(client_make_directory(client));
	return PASSED;
}

static const struct check checks[] = {
	{"failure/abort-ends-all", abort_ends_all, NEEDS_SESSION, CROWDED, true},
	{"failure/destroy-ends-all", destroy_ends_all, NEEDS_SESSION, CROWDED, false},
	{"failure/close-follows-abort", close_follows_abort, NEEDS_SESSION, CROWDED, true},
};

const struct check_list failure_checks = CHECK_LIST(checks);
