/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuse.h"

#define BATCH 16u

size_t op_write(struct vfs_request *request, const struct op *op)
{
	struct fuse_in_header header = {.opcode = op->opcode,
		.nodeid = op->node,
		.uid = geteuid(),
		.gid = getegid(),
		.pid = (uint32_t)getpid()};
	char *message = vfs_request_message(request);
	size_t length = sizeof(header), i;

	memcpy(message, &header, sizeof(header));
	for (i = 0; i < sizeof(op->in) / sizeof(op->in[0]); i++) {
		if (op->in[i].size)
			memcpy(message + length, op->in[i].data, op->in[i].size);
		length += op->in[i].size;
	}
	return length;
}

struct vfs_request *op_build(struct vfs_queue *queue, const struct op *op)
{
	struct vfs_request *request = vfs_request_get(queue);

	if (request && vfs_request_prepare(request, op_write(request, op)) < 0) {
		fprintf(stderr, "# opcode %u: %s\n", op->opcode, vfs_last_error());
		vfs_request_put(request);
		return NULL;
	}
	return request;
}

ssize_t op_answer(const struct vfs_request *request, void *out, size_t room)
{
	int error = vfs_request_error(request);
	struct iovec iov[2];
	size_t size;

	if (error)
		return error;
	size = vfs_request_reply(request, iov) == 2 ? iov[1].iov_len : 0;
	if (size > room)
		return -EOVERFLOW;
	if (size)
		memcpy(out, iov[1].iov_base, size);
	return (ssize_t)size;
}

static int wait_or_say(struct vfs_queue *queue)
{
	int r = vfs_queue_wait(queue, PATIENCE_MS);

	if (r < 0)
		fprintf(stderr, "# wait: %s\n", vfs_last_error());
	return r;
}

ssize_t op_run(struct client *client, const struct op *op)
{
	struct vfs_request *request = op_build(client->queue, op), *done = NULL;
	ssize_t r;

	if (!request)
		return -EINVAL;
	r = vfs_queue_submit(client->queue, &request, 1);
	if (r < 0) {
		fprintf(stderr, "# submit: %s\n", vfs_last_error());
		vfs_request_put(request);
	}
	while (r == 0 && vfs_queue_reap(client->queue, &done, 1) == 0)
		r = wait_or_say(client->queue);
	if (r < 0)
		return r;
	r = done == request ? op_answer(done, op->out, op->room) : -EBADMSG;
	vfs_request_put(done);
	return r;
}

int op_wait(struct client *client, struct vfs_request *request)
{
	struct vfs_request *done;
	int r = vfs_queue_reap_wait(client->queue, &done, 1, 1, PATIENCE_MS);

	if (r < 0)
		return r;
	if (r != 1 || done != request)
		return -EBADMSG;
	r = vfs_request_error(done);
	vfs_request_put(done);
	return r;
}

struct progress {
	struct vfs_queue *queue;
	const struct stream *stream;
	bool *seen;
	unsigned int sent;
	unsigned int answered;
	int error;
};

static void take_answer(struct progress *progress, struct vfs_request *request)
{
	const struct stream *stream = progress->stream;
	uintptr_t i = (uintptr_t)vfs_request_user_data(request);
	int r;

	if (i >= stream->count || progress->seen[i])
		r = -EBADMSG;
	else if (stream->answered)
		r = stream->answered(stream->ctx, (unsigned int)i, request);
	else
		r = vfs_request_error(request);
	if (i < stream->count)
		progress->seen[i] = true;
	if (r < 0 && !progress->error)
		progress->error = r;
	progress->answered++;
	vfs_request_put(request);
}

/* As many as there are free requests. */
static void send_more(struct progress *progress)
{
	const struct stream *stream = progress->stream;

	while (!progress->error && progress->sent < stream->count) {
		struct vfs_request *batch[BATCH];
		unsigned int n = 0;

		while (n < BATCH && progress->sent + n < stream->count) {
			struct op op = {0};

			stream->make(stream->ctx, progress->sent + n, &op);
			batch[n] = op_build(progress->queue, &op);
			if (!batch[n])
				break;
			vfs_request_set_user_data(
				batch[n], (void *)(uintptr_t)(progress->sent + n));
			n++;
		}
		if (n == 0)
			return;
		progress->error = vfs_queue_submit(progress->queue, batch, n);
		progress->sent += n;
	}
}

int stream_run(struct vfs_queue *queue, const struct stream *stream)
{
	int (*wait)(struct vfs_queue * queue) = stream->wait ? stream->wait : wait_or_say;
	struct progress progress = {.queue = queue, .stream = stream};

	progress.seen = calloc(stream->count, sizeof(*progress.seen));
	if (!progress.seen)
		abort();
	do {
		struct vfs_request *done[BATCH];
		unsigned int n, i;

		send_more(&progress);
		n = vfs_queue_reap(queue, done, BATCH);
		for (i = 0; i < n; i++)
			take_answer(&progress, done[i]);
		if (n == 0 && vfs_queue_in_flight(queue) && wait(queue) < 0) {
			progress.error = -ETIMEDOUT;
			break;
		}
	} while (vfs_queue_in_flight(queue) || (!progress.error && progress.sent < stream->count));
	if (!progress.error && progress.answered != stream->count)
		progress.error = -EBADMSG;
	free(progress.seen);
	return progress.error;
}
