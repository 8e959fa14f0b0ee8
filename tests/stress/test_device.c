/* SPDX-License-Identifier: MIT */
/* Many requests from many threads on our own device, which counts what it is sent. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/error.h>

#include "device/device_process.h"
#include "stress.h"

#define AT_ONCE 512u

static struct device_process process;
static struct shared_session shared;
static struct client total;

static const char *opened(const struct vfs_session_options *options)
{
	return shared_session_open(&shared, process.name, options) < 0 ? vfs_last_error() : NULL;
}

static void open_with(const struct vfs_session_options *options)
{
	const char *why = opened(options);

	if (why)
		fail_msg("%s", why);
}

static struct device_counts counts(void)
{
	struct device_counts c;

	assert_int_equal(device_process_counts(&process, &c), 0);
	return c;
}

/* What it was sent since: it may not have seen the last FORGETs yet. */
static void assert_device_agrees(const struct device_counts *before)
{
	struct device_counts now = counts();

	for (unsigned int i = 0; now.forgotten - before->forgotten < total.forgotten; i++) {
		assert_true(i < 30000);
		usleep(1000);
		now = counts();
	}
	assert_int_equal(now.forgotten - before->forgotten, total.forgotten);
	for (unsigned int i = 0; i < STRESS_OPCODES; i++)
		if (total.sent[i])
			assert_int_equal(now.messages[i] - before->messages[i], total.sent[i]);
}

static uint64_t requests(uint64_t few, uint64_t many)
{
	const char *full = getenv("VFS_TEST_FULL");

	return full && *full ? many : few;
}

static void mixed_requests_are_answered_once_each(void **state)
{
	uint64_t count = requests(60000, 1000000);
	struct device_counts before = counts();
	struct vfs_queue_counters counters;
	uint64_t sent = 0;

	(void)state;
	open_with(&(struct vfs_session_options){.num_queues = 4, .depth = 8});
	assert_int_equal(stress_mixed(&shared, count, &total), 0);
	assert_int_equal(stress_flush_forgets(&shared), 0);
	for (unsigned int i = 0; i < STRESS_OPCODES; i++)
		sent += total.sent[i];
	assert_true(sent >= count);
	counters = stress_counters(shared.session);
	/* And INIT. */
	assert_int_equal(counters.submitted, sent + 1);
	assert_int_equal(counters.completed, sent + 1);
	assert_int_equal(counters.late, 0);
	assert_device_agrees(&before);
	print_message("%llu requests, %llu lookups given back\n", (unsigned long long)sent,
		(unsigned long long)total.forgotten);
}

/* ---- more at once than the ring holds ---- */

static atomic_uint appended;
static atomic_int append_error;

static void appended_one(struct vfs_request *request, void *ctx)
{
	if (vfs_request_error(request))
		append_error = vfs_request_error(request);
	appended++;
	vfs_sync_put(ctx, request);
}

static void append(uint64_t node, uint64_t fh, uint32_t number)
{
	struct fuse_in_header header = {.opcode = FUSE_WRITE, .nodeid = node};
	struct fuse_write_in in = {.fh = fh, .size = sizeof(number), .flags = O_APPEND};
	struct vfs_request *request;
	char *message;

	assert_int_equal(vfs_sync_get_on(shared.sync, 0, 0, &request), 0);
	message = vfs_request_message(request);
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), &in, sizeof(in));
	memcpy(message + VFS_REQUEST_HEAD, &number, sizeof(number));
	assert_int_equal(vfs_request_prepare(request, VFS_REQUEST_HEAD + sizeof(number)), 0);
	assert_int_equal(vfs_sync_submit(shared.sync, request, appended_one, shared.sync), 0);
}

/* The file is opened to be appended to, so that its content is the order of execution. */
static void a_small_ring_keeps_the_order_of_many(void **state)
{
	struct client client;
	uint32_t content[BLOCK / sizeof(uint32_t)];
	uint64_t node;
	uint64_t fh;
	char path[128];
	int fd;

	(void)state;
	open_with(&(struct vfs_session_options){
		.depth = AT_ONCE, .ring_size = 8, .max_payload = 4096});
	client = (struct client){.session = shared.session, .sync = shared.sync};
	assert_int_equal(client_create(&client, "ordered", O_APPEND, &node, &fh), 0);
	for (uint32_t i = 0; i < AT_ONCE; i++)
		append(node, fh, i);
	assert_int_equal(vfs_sync_drain(shared.sync, 60000), 0);
	assert_int_equal(appended, AT_ONCE);
	assert_int_equal(append_error, 0);
	assert_int_equal(client_release(&client, node, fh), 0);
	snprintf(path, sizeof(path), "%s/share/ordered", process.dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, content, sizeof(content)), AT_ONCE * sizeof(uint32_t));
	close(fd);
	for (uint32_t i = 0; i < AT_ONCE; i++)
		assert_int_equal(content[i], i);
}

/* ---- a device that stalls ---- */

#define STALLED	  4u
#define FORGOTTEN 200000u

/* It keeps every request that there is, and FORGETs go on. */
static void forgets_flow_while_requests_are_stalled(void **state)
{
	struct device_counts before = counts();
	struct fuse_forget_one forget = {.nlookup = 1};
	struct fuse_in_header header = {.opcode = FUSE_STATFS, .nodeid = FUSE_ROOT_ID};
	struct vfs_request *request;
	struct client client;

	(void)state;
	open_with(&(struct vfs_session_options){.depth = STALLED, .ring_size = 8});
	client = (struct client){.session = shared.session, .sync = shared.sync};
	assert_int_equal(device_process_command(&process, "never opcode=17 times=4"), 0);
	assert_int_equal(client_getattr(&client, FUSE_ROOT_ID), 0);
	appended = 0;
	assert_int_equal(vfs_sync_start_threads(shared.sync), 0);
	for (unsigned int i = 0; i < STALLED; i++) {
		assert_int_equal(vfs_sync_get(shared.sync, 0, &request), 0);
		memcpy(vfs_request_message(request), &header, sizeof(header));
		assert_int_equal(vfs_request_prepare(request, sizeof(header)), 0);
		assert_int_equal(
			vfs_sync_submit(shared.sync, request, appended_one, shared.sync), 0);
	}
	assert_int_equal(vfs_sync_get(shared.sync, 0, &request), -ETIMEDOUT);
	/* Of a node that the device does not know, which is no error. */
	forget.nodeid = 1ull << 40;
	for (unsigned int i = 0; i < FORGOTTEN; i++)
		assert_int_equal(vfs_forget(shared.session, &forget, 1), 0);
	/* Nothing but the thread that waits for the answers sends what found no room. */
	total = (struct client){.forgotten = FORGOTTEN};
	assert_device_agrees(&before);
	assert_int_equal(appended, 0);
	assert_int_equal(counts().messages[FUSE_STATFS] - before.messages[FUSE_STATFS], STALLED);
	vfs_session_abort(shared.session);
	assert_int_equal(vfs_sync_drain(shared.sync, 60000), 0);
	assert_int_equal(appended, STALLED);
	assert_int_equal(append_error, -EIO);
}

/* ---- a lock of somebody else ---- */

static void a_lock_that_is_waited_for_ends_at_its_deadline(void **state)
{
	struct fuse_in_header header = {.opcode = FUSE_SETLKW};
	struct fuse_lk_in in = {.owner = 1, .lk = {.type = F_WRLCK, .end = INT64_MAX}};
	struct vfs_request *request;
	struct client client;
	char path[128];
	uint64_t node;
	char *message;
	int fd;

	(void)state;
	open_with(&(struct vfs_session_options){.num_queues = 4});
	client = (struct client){.session = shared.session, .sync = shared.sync};
	assert_int_equal(client_create(&client, "locked", 0, &node, &in.fh), 0);
	snprintf(path, sizeof(path), "%s/share/locked", process.dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	in.lk_flags = FUSE_LK_FLOCK;
	header.nodeid = node;
	assert_int_equal(vfs_sync_get(shared.sync, 0, &request), 0);
	message = vfs_request_message(request);
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), &in, sizeof(in));
	assert_int_equal(vfs_request_prepare(request, sizeof(header) + sizeof(in)), 0);
	assert_int_equal(vfs_sync_call(shared.sync, request, 200), -ETIMEDOUT);
	vfs_sync_put(shared.sync, request);
	/* The process carries on, and the server gives up the lock that nobody waits for. */
	for (unsigned int i = 0; stress_counters(shared.session).late == 0; i++) {
		assert_true(i < 10000);
		assert_int_equal(client_getattr(&client, node), 0);
		usleep(1000);
	}
	assert_int_equal(stress_counters(shared.session).timed_out, 1);
	assert_int_equal(stress_counters(shared.session).late, 1);
	close(fd);
	assert_int_equal(client_release(&client, node, in.fh), 0);
}

/* ---- setup ---- */

static void remove_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/share/%s", process.dir, name);
	unlink(path);
}

static int start(void **state)
{
	(void)state;
	process.queues = "4";
	return device_process_start(&process, false);
}

static int stop(void **state)
{
	char name[16];

	(void)state;
	for (unsigned int i = 0; i < STRESS_THREADS; i++) {
		snprintf(name, sizeof(name), "stress-%u", i);
		remove_file(name);
	}
	remove_file("ordered");
	remove_file("locked");
	return device_process_stop(&process);
}

static int close_shared(void **state)
{
	(void)state;
	shared_session_close(&shared);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(mixed_requests_are_answered_once_each, close_shared),
		cmocka_unit_test_teardown(a_small_ring_keeps_the_order_of_many, close_shared),
		cmocka_unit_test_teardown(forgets_flow_while_requests_are_stalled, close_shared),
		cmocka_unit_test_teardown(
			a_lock_that_is_waited_for_ends_at_its_deadline, close_shared),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
