/* SPDX-License-Identifier: MIT */
#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <vfs/error.h>
#include <vfs/request.h>

/* How long a single answer may take before the load begins. */
#define ANSWER_MS 10000

static bool opens_file(const struct options *options)
{
	return options->opcode == FUSE_READ || options->opcode == FUSE_WRITE;
}

/* One message and its answer, of which @out gets the first bytes. */
static int call(struct connection *c, uint32_t opcode, const void *args, size_t length, void *out,
	size_t out_size)
{
	struct vfs_queue *queue = vfs_session_queue(c->session, 0);
	struct vfs_request *request = vfs_request_get(queue);
	struct fuse_in_header header = {.opcode = opcode, .nodeid = c->node};
	char *message = vfs_request_message(request);
	struct iovec iov[2];
	int r;

	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), args, length);
	r = vfs_request_prepare(request, sizeof(header) + length);
	if (r == 0)
		r = vfs_queue_submit(queue, &request, 1);
	if (r == 0)
		r = vfs_queue_reap_wait(queue, &request, 1, 1, ANSWER_MS);
	if (r < 0)
		return r;
	r = vfs_request_error(request);
	if (r < 0)
		fprintf(stderr, "virtiofs-bench: the server says: %s\n", strerror(-r));
	else if (vfs_request_reply(request, iov) == 2)
		memcpy(out, iov[1].iov_base, iov[1].iov_len < out_size ? iov[1].iov_len : out_size);
	vfs_request_put(request);
	return r;
}

static int look_up(const char *name, struct connection *c)
{
	struct fuse_entry_out entry;
	int r;

	c->node = FUSE_ROOT_ID;
	r = call(c, FUSE_LOOKUP, name, strlen(name) + 1, &entry, sizeof(entry));
	if (r < 0)
		return r;
	c->node = entry.nodeid;
	c->file_size = entry.attr.size;
	c->lookups = 1;
	return 0;
}

static int open_file(const struct options *options, struct connection *c)
{
	struct fuse_open_in in = {.flags = options->opcode == FUSE_READ ? O_RDONLY : O_WRONLY};
	struct fuse_open_out out;
	int r = call(c, FUSE_OPEN, &in, sizeof(in), &out, sizeof(out));

	if (r == 0)
		c->fh = out.fh;
	return r;
}

static int connect_session(const struct options *options, struct connection *c)
{
	struct vfs_session_options session = {
		.num_queues = options->queues,
		.depth = 2 * options->depth, /* as many are ready as are in flight */
		.poll = options->poll,
	};
	struct vfs_init want = {
		.flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES, .max_readahead = 128u << 10};
	struct vfs_init got;
	int r = vfs_session_create(c->device, &session, &c->session);

	if (r < 0)
		return r;
	r = vfs_session_init(c->session, &want, &got);
	if (r == 0 && opens_file(options) && options->size > got.max_write) {
		fprintf(stderr, "virtiofs-bench: the server takes no more than %u bytes at once\n",
			got.max_write);
		return -EINVAL;
	}
	return r;
}

int connection_open(const struct options *options, struct connection *c)
{
	int r;

	*c = (struct connection){.node = FUSE_ROOT_ID};
	r = vfs_device_open(options->device, NULL, &c->device);
	if (r == 0)
		r = connect_session(options, c);
	/* What is looked up all the time is looked up below the root. */
	if (r == 0 && options->file && options->opcode != FUSE_LOOKUP)
		r = look_up(options->file, c);
	if (r == 0 && opens_file(options))
		r = open_file(options, c);
	return r;
}

void connection_close(const struct options *options, struct connection *c)
{
	struct fuse_release_in release = {.fh = c->fh};
	struct fuse_forget_one forget = {.nodeid = c->node, .nlookup = c->lookups};

	if (c->session && c->lookups) {
		if (opens_file(options))
			(void)call(c, FUSE_RELEASE, &release, sizeof(release), NULL, 0);
		(void)vfs_forget(c->session, &forget, 1);
	}
	vfs_session_destroy(c->session);
	vfs_device_close(c->device);
}
