/* SPDX-License-Identifier: MIT */
/* Operations on their way, and which ones a server has not got. */
#include <errno.h>
#include <limits.h>

#include "ops/ops.h"

static unsigned int timeout_of(const struct vfs_op *op)
{
	return op->timeout_ms ? op->timeout_ms : op->fuse->timeout_ms;
}

static int refuse_lacking(const struct vfs_op *op)
{
	uint32_t opcode = vfs_op_opcode(op, op->fuse->session);

	if (!vfs_fuse_lacks(op->fuse, opcode))
		return 0;
	return vfs_error(
		-ENOSYS, "%s has not got opcode %u", op->fuse->session->device->info.name, opcode);
}

/*
 * Remember what the server has not got. True: it may have what the operation was before, and is
 * asked for that.
 */
static bool ask_again(const struct vfs_op *op, uint32_t opcode)
{
	if (op->result != -ENOSYS || !vfs_opcode_find(opcode)->remembers)
		return false;
	atomic_fetch_or_explicit(&op->fuse->lacks, 1ULL << opcode, memory_order_relaxed);
	return opcode != op->opcode;
}

#define ANY_QUEUE (-1)

static int get_request(
	struct vfs_op *op, int queue, unsigned int timeout_ms, struct vfs_request **request)
{
	int wait_ms = timeout_ms ? (int)min_size(timeout_ms, INT_MAX) : -1;

	if (queue == ANY_QUEUE)
		return vfs_sync_get(op->fuse->sync, wait_ms, request);
	return vfs_sync_get_on(op->fuse->sync, (unsigned int)queue, wait_ms, request);
}

static int write_into(struct vfs_op *op, struct vfs_request *request)
{
	int r = vfs_op_encode(op, request);

	if (r == 0)
		vfs_request_set_timeout(request, timeout_of(op));
	return r;
}

/* A request with the operation in it. */
static int prepare(struct vfs_op *op, int queue, struct vfs_request **request)
{
	int r = refuse_lacking(op);

	if (r == 0)
		r = get_request(op, queue, timeout_of(op), request);
	if (r < 0)
		return r;
	r = write_into(op, *request);
	if (r < 0)
		vfs_sync_put(op->fuse->sync, *request);
	return r;
}

/* The same request once more: there need not be another one, and a callback cannot wait for it. */
static int prepare_again(struct vfs_op *op, struct vfs_request *request)
{
	int r = refuse_lacking(op);

	if (r == 0)
		r = vfs_request_reuse(request);
	return r < 0 ? r : write_into(op, request);
}

/* True: once more. */
static bool call(struct vfs_op *op, struct vfs_request *request)
{
	uint32_t opcode = request->opcode;

	op->begun = true;
	op->result = vfs_sync_call(op->fuse->sync, request, 0);
	if (op->result == 0)
		(void)vfs_op_finish(op, request);
	if (!ask_again(op, opcode))
		return false;
	op->result = prepare_again(op, request);
	return op->result == 0;
}

VFS_EXPORT int64_t vfs_fuse_call(struct vfs_fuse *fuse, struct vfs_op *op)
{
	struct vfs_request *request;

	op->fuse = fuse;
	op->begun = op->answered = false;
	op->result = prepare(op, ANY_QUEUE, &request);
	if (op->result < 0)
		return op->result;
	while (call(op, request))
		;
	vfs_sync_put(fuse->sync, request);
	return op->result;
}

static void on_done(struct vfs_request *request, void *ctx);

static int submit(struct vfs_op *op, int queue)
{
	struct vfs_request *request;
	int r = prepare(op, queue, &request);

	if (r < 0)
		return r;
	r = vfs_sync_submit(op->fuse->sync, request, on_done, op);
	if (r < 0)
		vfs_sync_put(op->fuse->sync, request);
	return r;
}

static int submit_again(struct vfs_op *op, struct vfs_request *request)
{
	int r = prepare_again(op, request);

	return r < 0 ? r : vfs_sync_submit(op->fuse->sync, request, on_done, op);
}

static void on_done(struct vfs_request *request, void *ctx)
{
	struct vfs_op *op = ctx;

	(void)vfs_op_finish(op, request);
	if (ask_again(op, request->opcode)) {
		op->result = submit_again(op, request);
		if (op->result == 0)
			return;
	}
	vfs_sync_put(op->fuse->sync, request);
	op->done(op, op->ctx);
}

static int submit_first(
	struct vfs_fuse *fuse, int queue, struct vfs_op *op, vfs_op_done_fn *done, void *ctx)
{
	op->fuse = fuse;
	op->done = done;
	op->ctx = ctx;
	return submit(op, queue);
}

VFS_EXPORT int vfs_fuse_submit(
	struct vfs_fuse *fuse, struct vfs_op *op, vfs_op_done_fn *done, void *ctx)
{
	return submit_first(fuse, ANY_QUEUE, op, done, ctx);
}

int vfs_fuse_submit_on(struct vfs_fuse *fuse, unsigned int queue, struct vfs_op *op,
	vfs_op_done_fn *done, void *ctx)
{
	return submit_first(fuse, (int)queue, op, done, ctx);
}
