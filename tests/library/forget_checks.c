/* SPDX-License-Identifier: MIT */
/* Nodes that were looked up are given back, each as often as it was. */
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

#include "check.h"
#include "fuse.h"

#define FILES 50u

struct flood {
	uint64_t parent;
	uint64_t nodes[FILES];
	char name[32];
};

static void make_lookup(void *ctx, unsigned int i, struct op *op)
{
	struct flood *flood = ctx;

	snprintf(flood->name, sizeof(flood->name), "file-%u", i % FILES);
	*op = (struct op){.opcode = FUSE_LOOKUP, .node = flood->parent, .in = {NAME(flood->name)}};
}

static int note_node(void *ctx, unsigned int i, const struct vfs_request *request)
{
	struct flood *flood = ctx;
	struct fuse_entry_out entry = {0};
	ssize_t n = op_answer(request, &entry, sizeof(entry));

	if (n < 0)
		return (int)n;
	/* The same file is the same node each time. */
	return entry.nodeid == flood->nodes[i % FILES] ? 0 : -EBADMSG;
}

/* Until all have been sent, however often there is no room. */
static int forget_all(struct client *client, const struct fuse_forget_one *forgets, size_t count)
{
	struct pollfd room = {.events = POLLIN};
	int r = vfs_forget(client->session, forgets, count);

	room.fd = vfs_session_hiprio_fd(client->session);
	while (r == 0 && (r = vfs_session_progress(client->session)) > 0)
		r = poll(&room, 1, PATIENCE_MS) == 1 ? 0 : -ETIMEDOUT;
	return r;
}

/* They have no answer: the server has them a little later than they were sent. */
static bool is_forgotten(struct client *client, uint64_t node)
{
	unsigned int waited;
	struct fuse_attr attr;

	for (waited = 0; waited < PATIENCE_MS; waited++) {
		if (fuse_getattr(client, node, &attr) < 0)
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

static int make_files(struct client *client, struct flood *flood)
{
	unsigned int i;
	int r = 0;

	for (i = 0; i < FILES && r == 0; i++) {
		struct fuse_entry_out entry = {0};

		snprintf(flood->name, sizeof(flood->name), "file-%u", i);
		r = fuse_mknod(client, flood->parent, flood->name, S_IFREG | 0600, &entry);
		flood->nodes[i] = entry.nodeid;
	}
	return r;
}

static enum verdict flood_is_collected(struct client *client)
{
	struct flood flood = {.parent = client->directory};
	/* Those of MKNOD and of LOOKUP, but for one of each file. */
	size_t count = client->settings->lookups, i;
	struct stream stream = {.count = client->settings->lookups,
		.make = make_lookup,
		.answered = note_node,
		.ctx = &flood};
	struct fuse_forget_one *forgets = client_scratch(client, count * sizeof(*forgets));
	struct fuse_attr attr;

	expect_ok(make_files(client, &flood));
	expect_ok(stream_run(client->queue, &stream));
	for (i = 0; i < count; i++)
		forgets[i] = (struct fuse_forget_one){
			.nodeid = flood.nodes[i % FILES], .nlookup = 1};
	expect_ok(forget_all(client, forgets, count));
	for (i = 0; i < FILES; i++)
		expect_ok(fuse_getattr(client, flood.nodes[i], &attr));
	/* The last ones: who asks for the node now asks for nothing that there is. */
	expect_ok(forget_all(client, forgets, FILES));
	for (i = 0; i < FILES; i++)
		expect(is_forgotten(client, flood.nodes[i]), "file %zu is not forgotten", i);
	return PASSED;
}

static enum verdict one_is_enough(struct client *client)
{
	struct fuse_forget_one forget = {.nlookup = 3};
	struct fuse_entry_out entry;
	struct fuse_attr attr;

	expect_ok(fuse_mknod(client, client->directory, "file", S_IFREG | 0600, &entry));
	expect_ok(fuse_lookup(client, client->directory, "file", &entry));
	expect_ok(fuse_lookup(client, client->directory, "file", &entry));
	expect_ok(fuse_getattr(client, entry.nodeid, &attr));
	forget.nodeid = entry.nodeid;
	expect_ok(forget_all(client, &forget, 1));
	expect(is_forgotten(client, entry.nodeid), "it is not forgotten");
	expect_ok(fuse_lookup(client, client->directory, "file", &entry));
	expect_ok(fuse_getattr(client, entry.nodeid, &attr));
	return PASSED;
}

static const struct check checks[] = {
	{"forget/one-is-enough", one_is_enough, NEEDS_SESSION, {0}, false},
	{"forget/flood-is-collected", flood_is_collected, NEEDS_SESSION, {0}, false},
};

const struct check_list forget_checks = CHECK_LIST(checks);
