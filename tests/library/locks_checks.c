/* SPDX-License-Identifier: MIT */
/* Locks, where the server has them. */
#include "check.h"
#include "lock.h"

static int set_lock(struct client *client, const struct lock *lock)
{
	struct fuse_lk_in in = lock_in(lock);
	struct op op = {.opcode = FUSE_SETLK, .node = lock->file->node, .in = {PART(in)}};

	return (int)op_run(client, &op);
}

static int get_lock(struct client *client, const struct lock *lock, uint32_t *type)
{
	struct fuse_lk_in in = lock_in(lock);
	struct fuse_lk_out out;
	struct op op = {.opcode = FUSE_GETLK,
		.node = lock->file->node,
		.in = {PART(in)},
		.out = &out,
		.room = sizeof(out)};
	ssize_t r = op_run(client, &op);

	if (r < 0)
		return (int)r;
	*type = out.lk.type;
	return 0;
}

static enum verdict of_ranges(struct client *client)
{
	struct file one, two;
	struct lock first = {.file = &one, .owner = 1, .type = F_WRLCK};
	struct lock second = {.file = &two, .owner = 2, .type = F_WRLCK};
	uint32_t type;

	expect_ok(fuse_create(client, client->directory, "file", &one));
	expect_ok(fuse_open(client, one.node, O_RDWR, &two));
	expect_supported("POSIX locks", set_lock(client, &first));
	expect_error(EAGAIN, set_lock(client, &second));
	expect_ok(get_lock(client, &second, &type));
	expect(type == F_WRLCK, "a lock of type %u is in the way", type);
	first.type = F_UNLCK;
	expect_ok(set_lock(client, &first));
	expect_ok(get_lock(client, &second, &type));
	expect(type == F_UNLCK, "a lock of type %u is in the way", type);
	expect_ok(set_lock(client, &second));
	return PASSED;
}

static enum verdict of_files(struct client *client)
{
	struct file one, two;
	struct lock first = {.file = &one, .owner = 1, .flags = FUSE_LK_FLOCK, .type = F_WRLCK};
	struct lock second = {.file = &two, .owner = 2, .flags = FUSE_LK_FLOCK, .type = F_RDLCK};

	if (!(client->init.flags & FUSE_FLOCK_LOCKS))
		return skipped("the server has no locks of flock()");
	expect_ok(fuse_create(client, client->directory, "file", &one));
	expect_ok(fuse_open(client, one.node, O_RDWR, &two));
	expect_ok(set_lock(client, &first));
	expect_error(EAGAIN, set_lock(client, &second));
	first.type = F_UNLCK;
	expect_ok(set_lock(client, &first));
	expect_ok(set_lock(client, &second));
	return PASSED;
}

/* One that waits is answered last although it was asked first. */
static enum verdict are_waited_for(struct client *client)
{
	struct file one, two;
	struct lock first = {.file = &one, .owner = 1, .flags = FUSE_LK_FLOCK, .type = F_WRLCK};
	struct lock second = {.file = &two, .owner = 2, .flags = FUSE_LK_FLOCK, .type = F_WRLCK};
	struct op get = {.opcode = FUSE_STATFS, .node = FUSE_ROOT_ID};
	struct op wait = {.opcode = FUSE_SETLKW};
	struct vfs_request *requests[3], *done = NULL;
	struct fuse_lk_in in, unlock;
	unsigned int i;

	if (!client->settings->blocking_locks)
		return skipped("the server has no locks that are waited for");
	expect_ok(fuse_create(client, client->directory, "file", &one));
	expect_ok(fuse_open(client, one.node, O_RDWR, &two));
	expect_ok(set_lock(client, &first));
	in = lock_in(&second);
	wait.node = two.node;
	wait.in[0] = (struct part)PART(in);
	requests[0] = op_build(client->queue, &wait);
	requests[1] = op_build(client->queue, &get);
	first.type = F_UNLCK;
	unlock = lock_in(&first);
	wait = (struct op){.opcode = FUSE_SETLK, .node = one.node, .in = {PART(unlock)}};
	requests[2] = op_build(client->queue, &wait);
	expect(requests[0] && requests[1] && requests[2], "no request");
	expect_ok(vfs_queue_submit(client->queue, requests, 2));
	for (i = 1; i < 4; i++) {
		while (vfs_queue_reap(client->queue, &done, 1) == 0)
			expect_ok(vfs_queue_wait(client->queue, PATIENCE_MS));
		expect_ok(vfs_request_error(done));
		if (i == 1) {
			expect(done == requests[1], "STATFS is not answered first");
			expect_ok(vfs_queue_submit(client->queue, &requests[2], 1));
		}
		vfs_request_put(done);
	}
	return PASSED;
}

static const struct check checks[] = {
	{"locks/of-ranges", of_ranges, NEEDS_SESSION, {0}, false},
	{"locks/of-files", of_files, NEEDS_SESSION, {0}, false},
	{"locks/are-waited-for", are_waited_for, NEEDS_SESSION, {0}, false},
};

const struct check_list locks_checks = CHECK_LIST(checks);
