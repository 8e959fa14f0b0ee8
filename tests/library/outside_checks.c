/* SPDX-License-Identifier: MIT */
/* What another process does to the files that are served, without the server. */
#include <poll.h>
#include <time.h>

#include "check.h"
#include "lock.h"
#include "lock_holder.h"

/* What is waited for, and how much later it may be noticed on a slow machine. */
#define DEADLINE_MS  1000
#define TOLERANCE_MS 10000

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int tell_holder(struct client *client, const struct file *file, char byte)
{
	ssize_t r = fuse_write(client, file, &byte, 1, 0);

	return r < 0 ? (int)r : r == 1 ? 0 : -EIO;
}

static int await_holder(struct client *client, const struct file *file, char wanted)
{
	long end = now_ms() + PATIENCE_MS;

	while (now_ms() < end) {
		char byte;
		ssize_t r = fuse_read(client, file, &byte, 1, 0);

		if (r < 0)
			return (int)r;
		if (r == 1 && byte == wanted)
			return 0;
		poll(NULL, 0, 5);
	}
	return -ETIMEDOUT;
}

static int run_lock(struct client *client, const struct file *file, uint32_t opcode, uint32_t type)
{
	const struct lock lock = {.file = file, .owner = 1, .type = type};
	struct vfs_request *request = lock_build(client, opcode, &lock);
	int r = request ? vfs_queue_submit(client->queue, &request, 1) : -ENOBUFS;

	return r == 0 ? op_wait(client, request) : r;
}

/* The slot of what has ended is free again when the server notices. */
static int await_late(struct client *client)
{
	const struct vfs_queue_counters *counters = vfs_queue_counters(client->queue);
	long end = now_ms() + PATIENCE_MS;
	struct fuse_attr attr;
	int r = 0;

	while (r == 0 && counters->late == 0)
		r = now_ms() > end ? -ETIMEDOUT : fuse_getattr(client, FUSE_ROOT_ID, &attr);
	return r;
}

static enum verdict lock_outside(struct client *client, struct file *file)
{
	if (!client->settings->lock_holder)
		return skipped("nobody locks files beside the server");
	expect_ok(fuse_create(client, client->directory, "file", file));
	expect_supported("POSIX locks", run_lock(client, file, FUSE_SETLK, F_WRLCK));
	expect_ok(run_lock(client, file, FUSE_SETLK, F_UNLCK));
	expect_ok(tell_holder(client, file, HOLDER_LOCK));
	expect_ok(await_holder(client, file, HOLDER_LOCKED));
	expect_error(EAGAIN, run_lock(client, file, FUSE_SETLK, F_WRLCK));
	return PASSED;
}

/* The lock, and what is answered although it is waited for. */
static enum verdict wait_in_vain(struct client *client, const struct file *file)
{
	const struct lock lock = {.file = file, .owner = 1, .type = F_WRLCK};
	const struct op statfs = {.opcode = FUSE_STATFS, .node = FUSE_ROOT_ID};
	struct vfs_request *both[] = {
		lock_build(client, FUSE_SETLKW, &lock), op_build(client->queue, &statfs)};
	struct vfs_request *done;
	long begin = now_ms();
	int error;

	expect(both[0] && both[1], "no request");
	vfs_request_set_timeout(both[0], DEADLINE_MS);
	expect_ok(vfs_queue_submit(client->queue, both, 2));
	expect_ok(vfs_queue_reap_wait(client->queue, &done, 1, 1, PATIENCE_MS));
	error = vfs_request_error(done);
	vfs_request_put(done);
	if (done == both[0] && (error == -ENOSYS || error == -EOPNOTSUPP)) {
		expect_ok(op_wait(client, both[1]));
		return skipped("the server waits for no POSIX lock: %s", strerror(-error));
	}
	expect(done == both[1], "STATFS waits for the lock");
	expect_ok(error);
	expect_error(ETIMEDOUT, op_wait(client, both[0]));
	expect(now_ms() - begin >= DEADLINE_MS, "it has ended too early");
	expect(now_ms() - begin < DEADLINE_MS + TOLERANCE_MS, "it has ended too late");
	return PASSED;
}

static enum verdict slot_comes_back(struct client *client)
{
	const struct vfs_queue_counters *counters = vfs_queue_counters(client->queue);

	expect_ok(await_late(client));
	expect(counters->timed_out == 1, "%llu have timed out",
		(unsigned long long)counters->timed_out);
	expect(counters->late == 1, "%llu came late", (unsigned long long)counters->late);
	expect(counters->submitted == counters->completed, "%llu of %llu are reaped",
		(unsigned long long)counters->completed, (unsigned long long)counters->submitted);
	return PASSED;
}

static enum verdict locks_are_waited_for_in_time(struct client *client)
{
	struct file file;
	enum verdict verdict = lock_outside(client, &file);

	if (verdict == PASSED)
		verdict = wait_in_vain(client, &file);
	if (verdict == PASSED)
		verdict = slot_comes_back(client);
	if (verdict != PASSED)
		return verdict;
	expect_error(EAGAIN, run_lock(client, &file, FUSE_SETLK, F_WRLCK));
	expect_ok(tell_holder(client, &file, HOLDER_LET_GO));
	expect_ok(run_lock(client, &file, FUSE_SETLKW, F_WRLCK));
	expect_ok(run_lock(client, &file, FUSE_SETLK, F_UNLCK));
	return PASSED;
}

static const struct check checks[] = {
	{"outside/locks-are-waited-for-in-time", locks_are_waited_for_in_time, NEEDS_SESSION, {0},
		false},
};

const struct check_list outside_checks = CHECK_LIST(checks);
