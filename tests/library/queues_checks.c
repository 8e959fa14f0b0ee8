/* SPDX-License-Identifier: MIT */
/* Queues that are full, and several of them. */
#include "check.h"
#include "numbered.h"

#define DEPTH  64u
#define RING   8
#define BLOCKS 256u
#define ROUNDS 1000u
#define QUEUES 4u

/* Far more than the ring has room for. */
#define CROWDED                                                        \
	{                                                              \
		.depth = DEPTH, .ring_size = RING, .max_payload = 4096 \
	}

static unsigned int take_all(
	struct vfs_queue *queue, struct numbered *numbered, struct vfs_request *requests[DEPTH + 1])
{
	unsigned int n;

	for (n = 0; n <= DEPTH; n++) {
		struct op op = {0};

		numbered_make(numbered, n, &op);
		requests[n] = op_build(queue, &op);
		if (!requests[n])
			break;
		vfs_request_set_user_data(requests[n], (void *)(uintptr_t)n);
	}
	return n;
}

static enum verdict full_ones_lose_nothing(struct client *client)
{
	struct vfs_request *requests[DEPTH + 1];
	struct numbered numbered;
	bool seen[DEPTH] = {false};
	unsigned int left;

	expect_ok(numbered_create(client, BLOCKS, &numbered));
	expect(take_all(client->queue, &numbered, requests) == DEPTH, "not %u requests", DEPTH);
	expect_ok(vfs_queue_submit(client->queue, requests, DEPTH));
	expect(vfs_queue_in_flight(client->queue) == DEPTH, "%u are in flight",
		vfs_queue_in_flight(client->queue));
	for (left = DEPTH; left > 0; left--) {
		struct vfs_request *done;
		uintptr_t i;

		while (vfs_queue_reap(client->queue, &done, 1) == 0)
			expect_ok(vfs_queue_wait(client->queue, PATIENCE_MS));
		i = (uintptr_t)vfs_request_user_data(done);
		expect(i < DEPTH && !seen[i], "request %zu a second time", (size_t)i);
		seen[i] = true;
		expect_ok(numbered_compare(&numbered, (unsigned int)i, done));
		vfs_request_put(done);
	}
	expect(vfs_queue_in_flight(client->queue) == 0, "%u are in flight",
		vfs_queue_in_flight(client->queue));
	return PASSED;
}

static enum verdict stay_full(struct client *client)
{
	struct numbered numbered;
	struct stream stream = {.count = ROUNDS,
		.make = numbered_make,
		.answered = numbered_compare,
		.ctx = &numbered};

	expect_ok(numbered_create(client, BLOCKS, &numbered));
	expect_ok(stream_run(client->queue, &stream));
	return PASSED;
}

/* Submitted backwards and in pieces: what belongs together is told by the request alone. */
static enum verdict any_order_is_right(struct client *client)
{
	struct vfs_request *requests[DEPTH + 1];
	struct numbered numbered;
	unsigned int i, count = 0;

	expect_ok(numbered_create(client, BLOCKS, &numbered));
	expect(take_all(client->queue, &numbered, requests) == DEPTH, "not %u requests", DEPTH);
	for (i = DEPTH; i-- > 0;)
		expect_ok(vfs_queue_submit(client->queue, &requests[i], 1));
	while (count < DEPTH) {
		struct vfs_request *done[7];
		unsigned int n = vfs_queue_reap(client->queue, done, 7);

		if (n == 0)
			expect_ok(vfs_queue_wait(client->queue, PATIENCE_MS));
		for (i = 0; i < n; i++) {
			uintptr_t number = (uintptr_t)vfs_request_user_data(done[i]);

			expect(requests[number] == done[i], "request %zu has another number",
				(size_t)number);
			expect_ok(numbered_compare(&numbered, (unsigned int)number, done[i]));
			vfs_request_put(done[i]);
		}
		count += n;
	}
	return PASSED;
}

static enum verdict requests_are_sent_once(struct client *client)
{
	struct op op = {.opcode = FUSE_STATFS, .node = FUSE_ROOT_ID};
	struct vfs_request *request = op_build(client->queue, &op), *twice[2];

	expect(request, "no request");
	twice[0] = twice[1] = request;
	expect_error(EINVAL, vfs_queue_submit(client->queue, twice, 2));
	expect(vfs_queue_in_flight(client->queue) == 0, "it is in flight");
	vfs_request_put(request);
	expect_error(EINVAL, vfs_queue_submit(client->queue, &request, 1));
	return PASSED;
}

static enum verdict several_take_turns(struct client *client)
{
	unsigned int count = vfs_device_info(client->device)->num_request_queues, i, answered = 0;
	struct vfs_session_options options = {.depth = 8, .max_payload = 4096};
	struct numbered numbered;

	if (count < 2)
		return skipped("the device has one request queue");
	options.num_queues = count = count < QUEUES ? count : QUEUES;
	expect_ok(client_start(client, &options));
	expect_ok(client_make_directory(client));
	expect(vfs_session_num_queues(client->session) == count, "not %u queues", count);
	expect(!vfs_session_queue(client->session, count), "one queue more");
	expect_ok(numbered_create(client, BLOCKS, &numbered));
	for (i = 0; i < BLOCKS; i++) {
		struct vfs_queue *queue = vfs_session_queue(client->session, i % count);
		struct vfs_request *request, *done;
		struct op op = {0};

		numbered_make(&numbered, i, &op);
		while ((request = op_build(queue, &op)) == NULL) {
			uintptr_t number;

			while (vfs_queue_reap(queue, &done, 1) == 0)
				expect_ok(vfs_queue_wait(queue, PATIENCE_MS));
			number = (uintptr_t)vfs_request_user_data(done);
			expect(number % count == i % count, "an answer on another queue");
			expect_ok(numbered_compare(&numbered, (unsigned int)number, done));
			answered++;
			vfs_request_put(done);
		}
		vfs_request_set_user_data(request, (void *)(uintptr_t)i);
		expect_ok(vfs_queue_submit(queue, &request, 1));
	}
	for (i = 0; i < count; i++) {
		struct vfs_queue *queue = vfs_session_queue(client->session, i);

		while (vfs_queue_in_flight(queue)) {
			struct vfs_request *done;

			while (vfs_queue_reap(queue, &done, 1) == 0)
				expect_ok(vfs_queue_wait(queue, PATIENCE_MS));
			expect_ok(vfs_request_error(done));
			answered++;
			vfs_request_put(done);
		}
	}
	expect(answered == BLOCKS, "%u answers", answered);
	return PASSED;
}

static const struct check checks[] = {
	{"queues/full-ones-lose-nothing", full_ones_lose_nothing, NEEDS_SESSION, CROWDED, false},
	{"queues/stay-full", stay_full, NEEDS_SESSION, CROWDED, false},
	{"queues/any-order-is-right", any_order_is_right, NEEDS_SESSION, CROWDED, false},
	{"queues/requests-are-sent-once", requests_are_sent_once, NEEDS_SESSION, {0}, false},
	{"queues/several-take-turns", several_take_turns, NEEDS_DEVICE, {0}, false},
};

const struct check_list queues_checks = CHECK_LIST(checks);
