/* SPDX-License-Identifier: MIT */
/* The server's errors are its own. */
#include "check.h"
#include "fuse.h"

static enum verdict of_names(struct client *client)
{
	uint64_t here = client->directory;
	struct fuse_entry_out entry, sub;
	struct file file;

	expect_error(ENOENT, fuse_lookup(client, here, "nothing", &entry));
	expect_ok(fuse_create(client, here, "file", &file));
	expect_ok(fuse_mkdir(client, here, "sub", &sub));
	expect_ok(fuse_mkdir(client, sub.nodeid, "below", &entry));
	expect_error(EEXIST, fuse_mkdir(client, here, "file", &entry));
	expect_error(EEXIST, fuse_create(client, here, "file", &file));
	expect_error(ENOTDIR, fuse_lookup(client, file.node, "below", &entry));
	expect_error(ENOTDIR, fuse_rmdir(client, here, "file"));
	expect_error(EISDIR, fuse_unlink(client, here, "sub"));
	expect_error(ENOTEMPTY, fuse_rmdir(client, here, "sub"));
	/* Kernels do not ask for this, and servers have different answers. */
	expect(fuse_unlink(client, here, "nothing") < 0, "nothing is removed");
	expect(fuse_rename(client, here, "nothing", here, "other", 0) < 0, "nothing is renamed");
	expect_error(EINVAL, fuse_rename(client, here, "sub", sub.nodeid, "loop", 0));
	return PASSED;
}

static enum verdict of_nodes(struct client *client)
{
	struct fuse_entry_out entry;
	struct fuse_attr attr;
	struct file file;
	char data[16];

	expect_ok(fuse_symlink(client, client->directory, "link", "target", &entry));
	/* Which error is up to the server. */
	expect(fuse_open(client, entry.nodeid, O_RDONLY, &file) < 0, "a link is opened");
	expect_ok(fuse_create(client, client->directory, "file", &file));
	expect(fuse_readlink(client, file.node, data, sizeof(data)) < 0,
		"a file is read as a link");
	expect(fuse_getattr(client, 0x7ffffffffff1, &attr) < 0, "a node that nobody looked up");
	file.fh = 0x7ffffffffff1;
	expect_error(EBADF, fuse_read(client, &file, data, sizeof(data), 0));
	return PASSED;
}

/* An error has no body, and its header says what the library says. */
static enum verdict of_the_answer(struct client *client)
{
	struct op op = {.opcode = FUSE_LOOKUP, .node = FUSE_ROOT_ID, .in = {NAME("nothing there")}};
	struct vfs_request *request = op_build(client->queue, &op), *done;
	struct fuse_out_header header;
	struct iovec iov[2];

	expect(request, "no request");
	expect_ok(vfs_queue_submit(client->queue, &request, 1));
	while (vfs_queue_reap(client->queue, &done, 1) == 0)
		expect_ok(vfs_queue_wait(client->queue, PATIENCE_MS));
	expect(done == request, "another request");
	expect_error(ENOENT, vfs_request_error(done));
	expect(vfs_request_reply(done, iov) == 1, "it has a body");
	memcpy(&header, iov[0].iov_base, sizeof(header));
	expect(header.error == -ENOENT && header.len == sizeof(header), "error %d, %u bytes",
		header.error, header.len);
	vfs_request_put(done);
	return PASSED;
}

/* The session is as good as before. */
static enum verdict are_survived(struct client *client)
{
	struct fuse_entry_out entry;
	unsigned int i;

	for (i = 0; i < 200; i++)
		expect_error(ENOENT, fuse_lookup(client, client->directory, "nothing", &entry));
	expect_ok(fuse_mkdir(client, client->directory, "something", &entry));
	return PASSED;
}

static const struct check checks[] = {
	{"errors/of-names", of_names, NEEDS_SESSION, {0}, false},
	{"errors/of-nodes", of_nodes, NEEDS_SESSION, {0}, false},
	{"errors/of-the-answer", of_the_answer, NEEDS_SESSION, {0}, false},
	{"errors/are-survived", are_survived, NEEDS_SESSION, {0}, false},
};

const struct check_list errors_checks = CHECK_LIST(checks);
