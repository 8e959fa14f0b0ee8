/* SPDX-License-Identifier: MIT */
/*
 * File locks through the device: of several owners, and against a process that has the file open
 * on this machine, which is this one.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "fault_driver.h"

#define SHORT_MS 200

static char path[96];
static int host; /* the file, open here */
static uint64_t node, handle;

static struct vfs_request *send_message(
	uint32_t opcode, uint64_t to, const void *arguments, size_t size)
{
	struct fuse_in_header header = {.opcode = opcode, .nodeid = to};
	struct vfs_request *request = vfs_request_get(conn.queue);
	char *message;

	assert_non_null(request);
	message = vfs_request_message(request);
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), arguments, size);
	assert_int_equal(vfs_request_prepare(request, sizeof(header) + size), 0);
	assert_int_equal(vfs_queue_submit(conn.queue, &request, 1), 0);
	return request;
}

/* Its error, and the body of its answer if that is wanted. */
static int finish(struct vfs_request *request, void *body, size_t size)
{
	struct iovec iov[2];
	int r;

	assert_ptr_equal(reap(&conn, BOUND_MS), request);
	r = vfs_request_error(request);
	if (r == 0 && body) {
		assert_int_equal(vfs_request_reply(request, iov), 2);
		assert_in_range(size, 1, iov[1].iov_len);
		memcpy(body, iov[1].iov_base, size);
	}
	vfs_request_put(request);
	return r;
}

static int call(
	uint32_t opcode, uint64_t to, const void *arguments, size_t length, void *body, size_t size)
{
	return finish(send_message(opcode, to, arguments, length), body, size);
}

static struct fuse_lk_in lock_of(uint64_t owner, uint32_t type, uint64_t start, uint64_t end)
{
	return (struct fuse_lk_in){.fh = handle,
		.owner = owner,
		.lk = {.start = start, .end = end, .type = type, .pid = (uint32_t)getpid()}};
}

static int set_lock(uint64_t owner, uint32_t type, uint64_t start, uint64_t end)
{
	const struct fuse_lk_in in = lock_of(owner, type, start, end);

	return call(FUSE_SETLK, node, &in, sizeof(in), NULL, 0);
}

static struct vfs_request *wait_for_lock(uint64_t owner, uint64_t start, uint64_t end)
{
	const struct fuse_lk_in in = lock_of(owner, F_WRLCK, start, end);

	return send_message(FUSE_SETLKW, node, &in, sizeof(in));
}

/* The type of the lock that is in the way of a whole one of @owner's. */
static struct fuse_file_lock conflict(uint64_t owner)
{
	const struct fuse_lk_in in = lock_of(owner, F_WRLCK, 0, INT64_MAX);
	struct fuse_lk_out out;

	assert_int_equal(call(FUSE_GETLK, node, &in, sizeof(in), &out, sizeof(out)), 0);
	return out.lk;
}

static int host_lock(short type)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_len = 100};

	return fcntl(host, F_SETLK, &lock);
}

static int open_file(void **state)
{
	struct fuse_entry_out entry;
	struct fuse_open_in in = {.flags = O_RDWR};
	struct fuse_open_out out;

	(void)state;
	/* Another test's, if that has failed. */
	disconnect(&conn);
	snprintf(path, sizeof(path), "%s/share/file", process.dir);
	host = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (host < 0 || connect_session(&conn) < 0 ||
		call(FUSE_LOOKUP, FUSE_ROOT_ID, "file", 5, &entry, sizeof(entry)) < 0)
		return -1;
	node = entry.nodeid;
	if (call(FUSE_OPEN, node, &in, sizeof(in), &out, sizeof(out)) < 0)
		return -1;
	handle = out.fh;
	return 0;
}

static int close_file(void **state)
{
	(void)state;
	disconnect(&conn);
	close(host);
	unlink(path);
	return 0;
}

static void owners_are_kept_apart(void **state)
{
	struct fuse_file_lock lock;

	(void)state;
	assert_int_equal(set_lock(1, F_WRLCK, 10, 19), 0);
	assert_int_equal(set_lock(2, F_WRLCK, 15, 25), -EAGAIN);
	assert_int_equal(set_lock(2, F_RDLCK, 19, 19), -EAGAIN);
	assert_int_equal(set_lock(2, F_WRLCK, 20, 25), 0);
	/* What is one's own is in nobody's way. */
	assert_int_equal(set_lock(1, F_RDLCK, 10, 14), 0);
	assert_int_equal(set_lock(2, F_RDLCK, 10, 14), 0);
	lock = conflict(1);
	assert_in_range(lock.type, F_RDLCK, F_WRLCK);
	assert_int_equal(set_lock(1, F_UNLCK, 0, INT64_MAX), 0);
	assert_int_equal(set_lock(2, F_WRLCK, 0, INT64_MAX), 0);
	assert_int_equal(conflict(2).type, F_UNLCK);
}

static void a_process_on_the_host_is_in_the_way(void **state)
{
	struct fuse_file_lock lock;

	(void)state;
	assert_int_equal(host_lock(F_WRLCK), 0);
	assert_int_equal(set_lock(1, F_RDLCK, 99, 99), -EAGAIN);
	assert_int_equal(set_lock(1, F_WRLCK, 100, 100), 0);
	lock = conflict(2);
	assert_int_equal(lock.type, F_WRLCK);
	assert_int_equal(lock.start, 0);
	assert_int_equal(lock.end, 99);
	assert_int_equal(lock.pid, getpid());
	assert_int_equal(host_lock(F_UNLCK), 0);
	/* And the other way round. */
	assert_int_equal(set_lock(1, F_WRLCK, 0, 0), 0);
	assert_int_equal(host_lock(F_RDLCK), -1);
}

static void flush_takes_the_locks_of_its_owner(void **state)
{
	const struct fuse_flush_in in = {.fh = handle, .lock_owner = 1};

	(void)state;
	assert_int_equal(set_lock(1, F_WRLCK, 0, 0), 0);
	assert_int_equal(set_lock(2, F_WRLCK, 1, 1), 0);
	assert_int_equal(call(FUSE_FLUSH, node, &in, sizeof(in), NULL, 0), 0);
	assert_int_equal(set_lock(3, F_WRLCK, 0, 0), 0);
	assert_int_equal(set_lock(3, F_WRLCK, 1, 1), -EAGAIN);
}

/* As the locks of an open file go, of which no FLUSH tells. */
static void release_takes_the_locks_that_came_by_it(void **state)
{
	const uint64_t first = handle;
	const struct fuse_open_in open_in = {.flags = O_RDWR};
	struct fuse_release_in in = {.flags = O_RDWR};
	struct fuse_open_out out;

	(void)state;
	assert_int_equal(call(FUSE_OPEN, node, &open_in, sizeof(open_in), &out, sizeof(out)), 0);
	assert_int_equal(set_lock(1, F_WRLCK, 0, 0), 0);
	handle = in.fh = out.fh;
	assert_int_equal(set_lock(2, F_WRLCK, 1, 1), 0);
	assert_int_equal(call(FUSE_RELEASE, node, &in, sizeof(in), NULL, 0), 0);
	handle = first;
	assert_int_equal(set_lock(3, F_WRLCK, 1, 1), 0);
	assert_int_equal(set_lock(3, F_WRLCK, 0, 0), -EAGAIN);
}

static void who_waits_holds_nobody_up_and_gets_it_in_the_end(void **state)
{
	struct vfs_request *waits;

	(void)state;
	assert_int_equal(host_lock(F_WRLCK), 0);
	waits = wait_for_lock(1, 0, 9);
	assert_int_equal(getattr(&conn), 0);
	assert_int_equal(set_lock(2, F_WRLCK, 200, 200), 0);
	assert_null(reap(&conn, SHORT_MS));
	assert_int_equal(host_lock(F_UNLCK), 0);
	assert_int_equal(finish(waits, NULL, 0), 0);
	assert_int_equal(host_lock(F_WRLCK), -1);
}

static void another_owner_can_be_waited_for(void **state)
{
	const struct fuse_flush_in in = {.fh = handle, .lock_owner = 2};
	struct vfs_request *waits, *flush, *done[2];

	(void)state;
	assert_int_equal(set_lock(2, F_WRLCK, 5, 5), 0);
	waits = wait_for_lock(1, 0, 9);
	assert_null(reap(&conn, SHORT_MS));
	flush = send_message(FUSE_FLUSH, node, &in, sizeof(in));
	done[0] = reap(&conn, BOUND_MS);
	done[1] = reap(&conn, BOUND_MS);
	assert_true(
		(done[0] == waits && done[1] == flush) || (done[0] == flush && done[1] == waits));
	assert_int_equal(vfs_request_error(waits), 0);
	assert_int_equal(vfs_request_error(flush), 0);
	vfs_request_put(waits);
	vfs_request_put(flush);
}

static void who_waits_can_be_interrupted(void **state)
{
	struct vfs_request *waits;

	(void)state;
	assert_int_equal(host_lock(F_WRLCK), 0);
	waits = wait_for_lock(1, 0, 9);
	assert_null(reap(&conn, SHORT_MS));
	assert_int_equal(vfs_request_cancel(waits), 0);
	assert_int_equal(finish(waits, NULL, 0), -EINTR);
	assert_int_equal(host_lock(F_UNLCK), 0);
	assert_int_equal(set_lock(2, F_WRLCK, 0, 0), 0);
}

static void flock_is_waited_for_too(void **state)
{
	struct fuse_lk_in in = lock_of(1, F_WRLCK, 0, INT64_MAX);
	struct vfs_request *waits;

	(void)state;
	in.lk_flags = FUSE_LK_FLOCK;
	assert_int_equal(flock(host, LOCK_EX), 0);
	assert_int_equal(call(FUSE_SETLK, node, &in, sizeof(in), NULL, 0), -EAGAIN);
	waits = send_message(FUSE_SETLKW, node, &in, sizeof(in));
	assert_null(reap(&conn, SHORT_MS));
	assert_int_equal(flock(host, LOCK_UN), 0);
	assert_int_equal(finish(waits, NULL, 0), 0);
	assert_int_equal(flock(host, LOCK_EX | LOCK_NB), -1);
}

/* The driver goes while one waits: nothing is left of it, neither here nor there. */
static void who_waits_goes_with_its_driver(void **state)
{
	(void)state;
	assert_int_equal(host_lock(F_WRLCK), 0);
	assert_int_equal(set_lock(2, F_WRLCK, 200, 200), 0);
	wait_for_lock(1, 0, 9);
	assert_null(reap(&conn, SHORT_MS));
	disconnect(&conn);
	assert_next_works();
	assert_int_equal(host_lock(F_UNLCK), 0);
	assert_int_equal(connect_session(&conn), 0);
	disconnect(&conn);
	/* All of the file, from here. */
	assert_int_equal(fcntl(host, F_SETLK, &(struct flock){.l_type = F_WRLCK}), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_file, close_file)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(owners_are_kept_apart),
		TEST(a_process_on_the_host_is_in_the_way),
		TEST(flush_takes_the_locks_of_its_owner),
		TEST(release_takes_the_locks_that_came_by_it),
		TEST(who_waits_holds_nobody_up_and_gets_it_in_the_end),
		TEST(another_owner_can_be_waited_for),
		TEST(who_waits_can_be_interrupted),
		TEST(flock_is_waited_for_too),
		TEST(who_waits_goes_with_its_driver),
	};

	return cmocka_run_group_tests(tests, start_vhost_user, stop_process);
}
