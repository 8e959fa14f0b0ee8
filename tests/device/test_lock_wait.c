/* SPDX-License-Identifier: MIT */
/* The quirk lock-wait: SETLKW is answered by "wait", and the lock is granted by a notification. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include <cmocka.h>

#include <vfs/notify.h>
#include <vfs/quirks.h>
#include <vfs/sync.h>

#include "fault_driver.h"

static struct vfs_sync *sync_queues;

static int start(void **state)
{
	(void)state;
	return start_process(&(struct device_process){.notify = true});
}

static int connect_with_quirk(void **state)
{
	(void)state;
	quirks = VFS_QUIRK_LOCK_WAIT;
	notify_buffers = 4;
	return connect_session(&conn);
}

static int end(void **state)
{
	vfs_sync_destroy(sync_queues);
	sync_queues = NULL;
	quirks = 0;
	notify_buffers = 0;
	return close_connection(state);
}

/* Whatever the server would say, the device says "wait". */
static void prepare_lock(struct vfs_request *request)
{
	struct fuse_in_header header = {.opcode = FUSE_SETLKW, .nodeid = FUSE_ROOT_ID};
	struct fuse_lk_in in = {.owner = 1, .lk = {.end = INT64_MAX, .type = F_WRLCK, .pid = 1}};
	char *message = vfs_request_message(request);

	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), &in, sizeof(in));
	assert_int_equal(vfs_request_prepare(request, sizeof(header) + sizeof(in)), 0);
	command("wrong-error value=1 opcode=33");
}

static uint64_t unique_of(struct vfs_request *request)
{
	struct fuse_out_header header;
	struct iovec iov[2];

	assert_in_range(vfs_request_reply(request, iov), 1, 2);
	memcpy(&header, iov[0].iov_base, sizeof(header));
	return header.unique;
}

static void grant(uint64_t unique, unsigned int error)
{
	char line[80];

	snprintf(line, sizeof(line), "notify lock unique=%llu error=%u", (unsigned long long)unique,
		error);
	command(line);
}

static void assert_notified(uint64_t unique, int error)
{
	struct vfs_notification n;
	long until = now_ms() + BOUND_MS;
	int r;

	while ((r = vfs_notify_next(conn.session, &n)) == 0 && now_ms() < until) {
		struct pollfd polled = {.fd = vfs_notify_fd(conn.session), .events = POLLIN};

		if (!vfs_notify_arm(conn.session))
			poll(&polled, 1, BOUND_MS);
	}
	assert_int_equal(r, 1);
	assert_int_equal(n.code, VFS_NOTIFY_LOCK);
	assert_int_equal(n.unique, unique);
	assert_int_equal(n.error, error);
}

static struct vfs_request *run_lock(int expected)
{
	struct vfs_request *request = vfs_request_get(conn.queue);

	assert_non_null(request);
	prepare_lock(request);
	assert_int_equal(vfs_queue_submit(conn.queue, &request, 1), 0);
	assert_ptr_equal(reap(&conn, BOUND_MS), request);
	assert_int_equal(vfs_request_error(request), expected);
	return request;
}

static void a_lock_is_granted_by_a_notification(void **state)
{
	struct vfs_request *request = run_lock(-EINPROGRESS);
	uint64_t unique = unique_of(request);

	(void)state;
	vfs_request_put(request);
	/* Nothing is held up by who waits for a lock. */
	assert_int_equal(getattr(&conn), 0);
	grant(unique, 0);
	assert_notified(unique, 0);
	request = run_lock(-EINPROGRESS);
	unique = unique_of(request);
	vfs_request_put(request);
	grant(unique, EINTR);
	assert_notified(unique, -EINTR);
}

static struct vfs_request *call_lock(void)
{
	struct vfs_request *request;

	assert_int_equal(vfs_sync_get(sync_queues, BOUND_MS, &request), 0);
	prepare_lock(request);
	assert_int_equal(vfs_sync_call(sync_queues, request, BOUND_MS), 0);
	assert_int_equal(vfs_request_error(request), -EINPROGRESS);
	return request;
}

/* Two locks are waited for, and granted in the other order. */
static void shared_queues_have_it_too(void **state)
{
	struct vfs_request *requests[2];
	uint64_t unique[2];

	(void)state;
	assert_int_equal(vfs_sync_create(conn.session, NULL, &sync_queues), 0);
	for (unsigned int i = 0; i < 2; i++) {
		requests[i] = call_lock();
		unique[i] = unique_of(requests[i]);
		vfs_sync_put(sync_queues, requests[i]);
	}
	assert_int_not_equal(unique[0], unique[1]);
	grant(unique[1], 0);
	grant(unique[0], 0);
	assert_notified(unique[1], 0);
	assert_notified(unique[0], 0);
	assert_int_equal(vfs_sync_drain(sync_queues, BOUND_MS), 0);
}

static void without_the_quirk_it_is_malformed(void **state)
{
	const struct vfs_notify_counters *counters;
	long until = now_ms() + BOUND_MS;
	struct vfs_notification n;

	(void)state;
	quirks = 0;
	disconnect(&conn);
	assert_int_equal(connect_session(&conn), 0);
	said[0] = '\0';
	vfs_request_put(run_lock(-EIO));
	assert_said("the quirk lock-wait takes that");
	grant(1, 0);
	counters = vfs_notify_counters(conn.session);
	while (!counters->malformed && now_ms() < until)
		assert_int_equal(vfs_notify_next(conn.session, &n), 0);
	assert_int_equal(counters->malformed, 1);
	assert_int_equal(getattr(&conn), 0);
}

#define LOCK_TEST(f) cmocka_unit_test_setup_teardown(f, connect_with_quirk, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOCK_TEST(a_lock_is_granted_by_a_notification),
		LOCK_TEST(shared_queues_have_it_too),
		LOCK_TEST(without_the_quirk_it_is_malformed),
	};

	return cmocka_run_group_tests(tests, start, stop_process);
}
