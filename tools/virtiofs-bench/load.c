/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vfs/error.h>
#include <vfs/memory.h>
#include <vfs/request.h>

#define NS_PER_S 1000000000ULL

/* WRITE goes round in a file of so much. */
#define WRITE_SPAN (64u << 20)

/* No answer for so long is a failure. */
#define ANSWER_MS 30000

/* One of the requests that are in flight at once, or ready to be next; its user data. */
struct slot {
	uint64_t begin_ns;
	struct iovec data; /* in registered memory, if that is wanted */
};

struct run {
	struct load *load;
	struct vfs_queue *queue;
	struct slot *slots;
	struct vfs_request **requests; /* that are ready to be sent */
	unsigned int num_ready;
	struct vfs_request **done;
	struct vfs_mem *mem;
	uint64_t sent;
	uint64_t position; /* in the file, in operations */
	uint64_t span;	   /* where it begins anew */
	uint64_t end_ns;
};

uint64_t load_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static int fail(struct load *load, int error, const char *why)
{
	snprintf(load->why, sizeof(load->why), "%s", why);
	load->error = error;
	return error;
}

static size_t write_read_args(struct run *run, void *args)
{
	struct fuse_read_in in = {
		.fh = run->load->connection->fh,
		.offset = run->position * run->load->options->size,
		.size = run->load->options->size,
	};

	memcpy(args, &in, sizeof(in));
	return sizeof(in);
}

static size_t write_write_args(struct run *run, void *args)
{
	struct fuse_write_in in = {
		.fh = run->load->connection->fh,
		.offset = run->position * run->load->options->size,
		.size = run->load->options->size,
	};

	memcpy(args, &in, sizeof(in));
	return run->mem ? sizeof(in) : sizeof(in) + in.size;
}

static size_t write_args(struct run *run, void *args)
{
	const struct options *options = run->load->options;

	if (++run->position >= run->span)
		run->position = 0;
	switch (options->opcode) {
	case FUSE_GETATTR:
		memset(args, 0, sizeof(struct fuse_getattr_in));
		return sizeof(struct fuse_getattr_in);
	case FUSE_LOOKUP:
		memcpy(args, options->file, strlen(options->file) + 1);
		return strlen(options->file) + 1;
	case FUSE_READ:
		return write_read_args(run, args);
	case FUSE_WRITE:
		return write_write_args(run, args);
	default:
		return 0;
	}
}

static int make_ready(struct run *run, struct slot *slot)
{
	struct vfs_request *request = vfs_request_get(run->queue);
	struct fuse_in_header *header = vfs_request_message(request);
	size_t length;
	int r;

	*header = (struct fuse_in_header){
		.opcode = run->load->options->opcode, .nodeid = run->load->connection->node};
	length = write_args(run, header + 1);
	vfs_request_set_user_data(request, slot);
	r = run->mem ? vfs_request_set_data(request, &slot->data, 1) : 0;
	if (r == 0)
		r = vfs_request_prepare(request, sizeof(*header) + length);
	if (r < 0)
		return fail(run->load, r, vfs_last_error());
	run->requests[run->num_ready++] = request;
	return 0;
}

static bool wants_more(const struct run *run, uint64_t now)
{
	uint64_t count = run->load->count;

	return count ? run->sent + run->num_ready < count : now < run->end_ns;
}

static void stamp_ready(struct run *run, unsigned int count, uint64_t now)
{
	for (unsigned int i = 0; i < count; i++)
		((struct slot *)vfs_request_user_data(run->requests[i]))->begin_ns = now;
}

/* As many as were answered, those that are ready first. @now: 0 if nobody wants to know. */
static inline int send_ready(struct run *run, unsigned int most, uint64_t now)
{
	unsigned int count = run->num_ready < most ? run->num_ready : most;
	int r;

	if (now)
		stamp_ready(run, count, now);
	r = count ? vfs_queue_submit(run->queue, run->requests, count) : 0;
	if (r < 0)
		return fail(run->load, r, vfs_last_error());
	run->sent += count;
	run->num_ready -= count;
	memmove(run->requests, run->requests + count, run->num_ready * sizeof(run->requests[0]));
	return 0;
}

static int look_at_answer(struct run *run, struct vfs_request *request)
{
	struct load *load = run->load;
	struct fuse_entry_out entry;
	struct iovec iov[2];
	int r = vfs_request_error(request);

	if (r < 0)
		return fail(load, r, strerror(-r));
	if (load->options->opcode == FUSE_LOOKUP && vfs_request_reply(request, iov) == 2) {
		memcpy(&entry, iov[1].iov_base, sizeof(entry));
		load->looked_up = entry.nodeid;
	}
	return 0;
}

/* How many there are; negative: there will be none. */
static inline int wait_for_answers(struct run *run)
{
	unsigned int depth = run->load->options->depth;
	unsigned int count;

	do {
		int r = vfs_queue_wait(run->queue, ANSWER_MS);

		if (r < 0 && r != -EINTR)
			return fail(run->load, r, vfs_last_error());
		count = vfs_queue_reap(run->queue, run->done, depth);
	} while (!count);
	return (int)count;
}

/* Wait for answers, send what is ready, and make those requests ready anew. */
static int take_answers(struct run *run)
{
	int count = wait_for_answers(run);
	uint64_t now;
	int r;

	if (count < 0)
		return count;
	now = run->load->options->no_latency ? 0 : load_now_ns();
	/* What comes next is ready, so the device need not wait for what is done with answers. */
	r = send_ready(run, (unsigned int)count, now);
	run->load->answered += (unsigned int)count;
	for (int i = 0; i < count && r == 0; i++) {
		struct slot *slot = vfs_request_user_data(run->done[i]);

		if (now)
			histogram_add(&run->load->times, now - slot->begin_ns, 1);
		r = look_at_answer(run, run->done[i]);
		vfs_request_put(run->done[i]);
		if (r == 0 && wants_more(run, now))
			r = make_ready(run, slot);
	}
	return r;
}

static void run_load(struct run *run)
{
	const struct options *options = run->load->options;
	uint64_t now = load_now_ns();
	int r = 0;

	run->end_ns = now + options->seconds * NS_PER_S;
	for (unsigned int i = 0; i < options->depth && r == 0 && wants_more(run, now); i++)
		r = make_ready(run, &run->slots[i]);
	if (r == 0)
		r = send_ready(run, options->depth, now);
	for (unsigned int i = 0; i < options->depth && r == 0 && wants_more(run, now); i++)
		r = make_ready(run, &run->slots[options->depth + i]);
	while (r == 0 && run->load->answered < run->sent)
		r = take_answers(run);
	run->load->ended_ns = load_now_ns();
}

/* A place for the data of each request. */
static int register_memory(struct run *run)
{
	const struct options *options = run->load->options;
	size_t size = options->size;
	void *memory;
	int r;

	if (!options->registered || (options->opcode != FUSE_READ && options->opcode != FUSE_WRITE))
		return 0;
	r = vfs_mem_alloc(
		run->load->connection->session, 2 * size * options->depth, &memory, &run->mem);
	if (r < 0)
		return fail(run->load, r, vfs_last_error());
	for (unsigned int i = 0; i < 2 * options->depth; i++)
		run->slots[i].data = (struct iovec){
			.iov_base = (char *)memory + i * size, .iov_len = size};
	return 0;
}

void *load_run(void *ctx)
{
	struct load *load = ctx;
	const struct options *options = load->options;
	uint64_t bytes = options->opcode == FUSE_WRITE ? WRITE_SPAN : load->connection->file_size;
	struct run run = {
		.load = load,
		.queue = vfs_session_queue(load->connection->session, load->queue),
		.slots = calloc(2 * options->depth, sizeof(*run.slots)),
		.requests = calloc(2 * options->depth, sizeof(*run.requests)),
		.done = calloc(options->depth, sizeof(*run.done)),
		.span = bytes / options->size,
	};

	if (!run.slots || !run.requests || !run.done)
		(void)fail(load, -ENOMEM, "out of memory");
	else if (register_memory(&run) == 0)
		run_load(&run);
	(void)vfs_mem_unregister(run.mem);
	free(run.slots);
	free(run.requests);
	free(run.done);
	return NULL;
}
