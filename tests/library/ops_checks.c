/* SPDX-License-Identifier: MIT */
/* Every operation of fuse.h on a real server, by the functions that wait. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <vfs/fuse.h>

#include "check.h"

#define SIZE 10000u

struct connection {
	struct client *client;
	struct vfs_fuse *fuse;
	uint64_t directory;
	struct vfs_op op; /* the last one */
};

static long call(struct connection *c)
{
	return (long)vfs_fuse_call(c->fuse, &c->op);
}

static void forget(struct connection *c, uint64_t node)
{
	struct fuse_forget_one one = {.nodeid = node, .nlookup = 1};

	(void)vfs_forget(c->client->session, &one, 1);
}

static long begin(struct connection *c)
{
	static const struct vfs_session_options options = {.depth = 16, .max_payload = 128 << 10};
	struct client *client = c->client;
	int r = vfs_session_create(client->device, &options, &client->session);

	if (r < 0)
		return r;
	client->queue = vfs_session_queue(client->session, 0);
	r = vfs_fuse_connect(client->session, NULL, &c->fuse);
	if (r < 0)
		return r;
	vfs_op_mkdir(&c->op, FUSE_ROOT_ID, client->name, 0755);
	if (call(c) < 0)
		return (long)c->op.result;
	c->directory = client->directory = c->op.answer.entry.nodeid;
	return 0;
}

static enum verdict connected(struct client *client, enum verdict (*body)(struct connection *c))
{
	struct connection c = {.client = client};
	enum verdict verdict;
	long r = begin(&c);

	verdict = r < 0 ? failed("begin: %s", vfs_last_error()) : body(&c);
	/* The directory is removed by a queue that threads do not share. */
	vfs_fuse_disconnect(c.fuse);
	return verdict;
}

static long create(struct connection *c, const char *name, struct vfs_created *created)
{
	vfs_op_create(&c->op, c->directory, name, O_RDWR, 0644);
	(void)call(c);
	*created = c->op.answer.created;
	return (long)c->op.result;
}

static long release(struct connection *c, const struct vfs_created *file)
{
	vfs_op_release(&c->op, file->entry.nodeid, file->open.fh, O_RDWR);
	return call(c);
}

/* ---- files ---- */

static enum verdict write_and_read(struct connection *c, const struct vfs_created *file)
{
	static char written[SIZE], read[SIZE + 100];
	struct iovec in[2] = {{written, 100}, {written + 100, SIZE - 100}};
	struct iovec out = {read, sizeof(read)};
	uint64_t node = file->entry.nodeid;
	uint64_t fh = file->open.fh;

	for (unsigned int i = 0; i < SIZE; i++)
		written[i] = (char)(i * 7 + i / 251);
	vfs_op_write(&c->op, node, fh, 0, in, 2);
	expect(call(c) == SIZE, "%ld bytes were written", (long)c->op.result);
	vfs_op_read(&c->op, node, fh, 0, &out, 1);
	expect(call(c) == SIZE, "%ld bytes were read", (long)c->op.result);
	expect(memcmp(written, read, SIZE) == 0, "other bytes than were written");
	vfs_op_flush(&c->op, node, fh, 1);
	expect_ok(call(c));
	vfs_op_fsync(&c->op, node, fh, true);
	expect_ok(call(c));
	vfs_op_getattr(&c->op, node);
	expect_ok(call(c));
	expect(c->op.answer.attr.attr.size == SIZE, "a size of %llu",
		(unsigned long long)c->op.answer.attr.attr.size);
	return PASSED;
}

static enum verdict files_body(struct connection *c)
{
	struct vfs_created file;
	enum verdict verdict;

	expect_ok(create(c, "file", &file));
	verdict = write_and_read(c, &file);
	expect_ok(release(c, &file));
	vfs_op_open(&c->op, file.entry.nodeid, O_RDONLY | O_CREAT | O_EXCL);
	expect_ok(call(c));
	file.open = c->op.answer.open;
	expect_ok(release(c, &file));
	vfs_op_unlink(&c->op, c->directory, "file");
	expect_ok(call(c));
	forget(c, file.entry.nodeid);
	return verdict;
}

static enum verdict files(struct client *client)
{
	return connected(client, files_body);
}

static const struct check checks[] = {
	{"ops/files", files, NEEDS_DEVICE, {0}, false},
};

const struct check_list ops_checks = CHECK_LIST(checks);
