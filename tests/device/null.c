/* SPDX-License-Identifier: MIT */
/*
 * One file system of two nodes: the root, and a file of fixed size that any name leads to. It
 * reads as zeros and takes what is written.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <linux/fuse.h>

#include "fuse_check.h"
#include "null.h"

#define FILE_NODE 2u
#define FILE_SIZE (1ULL << 40)
#define MAX_WRITE (1u << 20)
#define LONG_TIME 3600u /* seconds that answers stay true */

static const char zeros[MAX_WRITE];

static struct fuse_attr attributes_of(uint64_t node)
{
	bool root = node == FUSE_ROOT_ID;

	return (struct fuse_attr){
		.ino = node,
		.size = root ? 4096 : FILE_SIZE,
		.blocks = root ? 8 : FILE_SIZE / 512,
		.mode = root ? S_IFDIR | 0777 : S_IFREG | 0666,
		.nlink = root ? 2 : 1,
		.blksize = 4096,
	};
}

static void answer(struct request *request, const struct fuse_in_header *in, int error,
	const void *body, size_t size)
{
	struct fuse_out_header out = {
		.len = (uint32_t)(sizeof(out) + size), .error = error, .unique = in->unique};
	struct iovec iov[] = {
		{.iov_base = &out, .iov_len = sizeof(out)},
		{.iov_base = (void *)(uintptr_t)body, .iov_len = size},
	};

	request_reply(request, iov, size ? 2 : 1);
}

static void answer_init(
	struct request *request, const struct fuse_in_header *in, const struct fuse_init_in *init)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = init->max_readahead,
		.flags = init->flags & (FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_MAX_PAGES |
					       FUSE_PARALLEL_DIROPS | FUSE_ASYNC_DIO),
		.max_background = 64,
		.congestion_threshold = 48,
		.max_write = MAX_WRITE,
		.time_gran = 1,
		.max_pages = MAX_WRITE / 4096,
	};

	answer(request, in, 0, &out, sizeof(out));
}

static void answer_attributes(struct request *request, const struct fuse_in_header *in)
{
	struct fuse_attr_out out = {.attr_valid = LONG_TIME, .attr = attributes_of(in->nodeid)};

	answer(request, in, 0, &out, sizeof(out));
}

static void answer_entry(struct request *request, const struct fuse_in_header *in)
{
	struct fuse_entry_out out = {.nodeid = FILE_NODE,
		.entry_valid = LONG_TIME,
		.attr_valid = LONG_TIME,
		.attr = attributes_of(FILE_NODE)};

	answer(request, in, 0, &out, sizeof(out));
}

static void answer_read(
	struct request *request, const struct fuse_in_header *in, const struct fuse_read_in *read)
{
	if (in->nodeid != FILE_NODE)
		answer(request, in, -EISDIR, NULL, 0);
	else
		answer(request, in, 0, zeros, read->size < MAX_WRITE ? read->size : MAX_WRITE);
}

static void answer_write(
	struct request *request, const struct fuse_in_header *in, const struct fuse_write_in *write)
{
	struct fuse_write_out out = {.size = write->size};

	answer(request, in, 0, &out, sizeof(out));
}

static void answer_open(struct request *request, const struct fuse_in_header *in)
{
	struct fuse_open_out out = {.fh = 1};

	answer(request, in, 0, &out, sizeof(out));
}

static void answer_statfs(struct request *request, const struct fuse_in_header *in)
{
	struct fuse_statfs_out out = {.st = {.blocks = 1u << 30,
					      .bfree = 1u << 29,
					      .bavail = 1u << 29,
					      .bsize = 4096,
					      .frsize = 4096,
					      .namelen = 255}};

	answer(request, in, 0, &out, sizeof(out));
}

static void handle_checked(struct request *request, const void *argument)
{
	const struct fuse_in_header *in = request->message;

	switch (in->opcode) {
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		request_done(request);
		break;
	case FUSE_INIT:
		answer_init(request, in, argument);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		answer_attributes(request, in);
		break;
	case FUSE_LOOKUP:
		answer_entry(request, in);
		break;
	case FUSE_READ:
		answer_read(request, in, argument);
		break;
	case FUSE_WRITE:
		answer_write(request, in, argument);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer_open(request, in);
		break;
	case FUSE_STATFS:
		answer_statfs(request, in);
		break;
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_FLUSH:
	case FUSE_FSYNC:
	case FUSE_FSYNCDIR:
	case FUSE_DESTROY:
		answer(request, in, 0, NULL, 0);
		break;
	default:
		answer(request, in, -ENOSYS, NULL, 0);
		break;
	}
}

static void null_handle(struct engine *engine, struct request *request)
{
	(void)engine;
	if (fuse_check(request->message, request->chain.readable))
		handle_checked(
			request, (const char *)request->message + sizeof(struct fuse_in_header));
	else
		request_done(request);
}

static void null_end(struct engine *engine)
{
	(void)engine;
}

static void null_destroy(struct engine *engine)
{
	free(engine);
}

struct engine *null_create(void)
{
	struct engine *engine = malloc(sizeof(*engine));

	if (engine)
		*engine = (struct engine){
			.handle = null_handle, .end = null_end, .destroy = null_destroy};
	return engine;
}
