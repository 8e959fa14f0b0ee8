/* SPDX-License-Identifier: MIT */
#include "intake.h"

#include <errno.h>
#include <unistd.h>

#include <vfs/request.h>

#include "access.h"
#include "answer.h"
#include "clock.h"
#include "figures.h"
#include "forget.h"
#include "report.h"
#include "trace.h"
#include "window.h"

#define LARGE (64u << 10)

/* So often it is taken for granted that there is no other message. */
#define ALONE_MAX 8

bool intake_has_room(struct intake *intake)
{
	if (!intake->spare)
		intake->spare = vfs_request_get(intake->queue);
	return intake->spare;
}

struct vfs_request *intake_lend(struct intake *intake)
{
	struct vfs_request *slot;

	if (!intake_has_room(intake))
		return NULL;
	slot = intake->spare;
	intake->spare = NULL;
	return slot;
}

static void refuse(struct intake *intake, const struct fuse_in_header *header, int error)
{
	if (intake->trace)
		trace_own(header, error ? "refused by the bridge" : "answered by the bridge");
	answer_error(intake->fuse_fd, header->unique, error);
}

static void drop(struct intake *intake, const struct fuse_in_header *header)
{
	if (intake->trace)
		trace_own(header, "dropped");
}

/* The library's verdict on a message, in a form that the caller of a system call understands. */
static int prepare_error(int error)
{
	return error == -ENOSYS || error == -E2BIG ? error : -EIO;
}

/* Whether to copy its data takes longer than to wake somebody up. */
static bool is_large(const struct fuse_in_header *header, size_t length)
{
	const struct fuse_read_in *in = (const void *)(header + 1);

	if (header->opcode == FUSE_READ && length >= sizeof(*header) + sizeof(*in))
		return in->size > LARGE;
	return length > LARGE;
}

static void queue_up(struct intake *intake, const struct fuse_in_header *header, size_t length)
{
	int error;

	if (intake->allow_root && access_denied(header, intake->owner)) {
		refuse(intake, header, -EACCES);
		return;
	}
	if (window_answer(intake->window, intake->fuse_fd, intake->spare, length)) {
		if (intake->trace)
			trace_own(header, "answered from the window");
		return;
	}
	error = vfs_request_prepare(intake->spare, length);
	if (error) {
		refuse(intake, header, prepare_error(error));
		return;
	}
	intake->large = is_large(header, length);
	window_before(intake->window, intake->spare);
	intake->batch[intake->num_batch++] = intake->spare;
	intake->spare = NULL;
}

static int forget(struct intake *intake, const struct fuse_in_header *header, size_t length)
{
	struct vfs_request *slot = intake->spare;
	int error;

	if (intake->trace)
		trace_own(header, "to the hiprio queue");
	intake->spare = NULL;
	error = forget_take(intake->session, intake->window, slot, length);
	/* The server keeps these nodes until the end, which is better than an end now. */
	if (error == -ENOMEM)
		report_error("no memory for what the kernel forgets");
	return error == -ENOMEM ? 0 : error;
}

static int submit(struct intake *intake)
{
	unsigned int i;
	int error;

	if (!intake->num_batch)
		return 0;
	error = vfs_queue_submit(intake->queue, intake->batch, intake->num_batch);
	for (i = 0; error && i < intake->num_batch; i++) {
		refuse(intake, vfs_request_message(intake->batch[i]), -EIO);
		vfs_request_put(intake->batch[i]);
	}
	intake->num_batch = 0;
	return error ? -EIO : 0;
}

/*
 * The kernel sends it after the request that it is about: that one is in the batch, in flight, or
 * answered.
 */
static void interrupt(struct intake *intake, const struct fuse_in_header *header, size_t length)
{
	const struct fuse_interrupt_in *in = (const void *)(header + 1);

	if (length < sizeof(*header) + sizeof(*in))
		return;
	if (intake->trace)
		trace_own(header, "kept back for a while");
	interrupts_keep(&intake->interrupts, in->unique, now_ms());
}

static int sort(struct intake *intake, size_t length)
{
	const struct fuse_in_header *header = vfs_request_message(intake->spare);

	if (length < sizeof(*header))
		return 0;
	figures_count(intake->figures, header->opcode);
	switch (header->opcode) {
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		return forget(intake, header, length);
	case FUSE_INTERRUPT:
		interrupt(intake, header, length);
		return 0;
	case FUSE_NOTIFY_REPLY:
		if (intake->notices)
			queue_up(intake, header, length);
		else
			drop(intake, header);
		return 0;
	case FUSE_DESTROY:
		/* The server gets one when the session ends. */
		refuse(intake, header, 0);
		return 0;
	case FUSE_INIT:
		refuse(intake, header, -EIO);
		return 0;
	default:
		queue_up(intake, header, length);
		return 0;
	}
}

static unsigned int under_way(const struct intake *intake)
{
	return vfs_queue_in_flight(intake->queue) + intake->num_batch;
}

/* ENOENT: the request was interrupted before it could be read. */
static int read_error(struct intake *intake)
{
	if (errno == EINTR || errno == ENOENT)
		return 0;
	intake->ready = false;
	if (errno != EAGAIN)
		return -errno;
	if (under_way(intake) == 1)
		intake->alone = 1;
	return 0;
}

/*
 * To learn that the kernel has no other message costs a system call too. While they come one at a
 * time it is asked seldom: with a device that answers at once there may be many who wait, and still
 * one at a time under way. Otherwise poll(2) says if there is one.
 */
static void expect_more(struct intake *intake)
{
	unsigned int count = under_way(intake);

	if (count > 1)
		intake->alone = 0;
	else if (count == 1 && intake->alone && intake->alone++ < ALONE_MAX)
		intake->ready = false;
}

static int read_one(struct intake *intake)
{
	struct vfs_request *slot = intake->spare;
	ssize_t n;

	n = read(intake->fuse_fd, vfs_request_message(slot), vfs_request_capacity(slot));
	/*
	 * Whoever reads in the moment of an unmount is told the same as at an abort. Once the
	 * connection is closed the kernel tells them apart.
	 */
	if (n < 0 && errno == ECONNABORTED)
		n = read(intake->fuse_fd, vfs_request_message(slot), vfs_request_capacity(slot));
	if (n < 0)
		return read_error(intake);
	intake->taken++;
	if (sort(intake, (size_t)n))
		return -EIO;
	expect_more(intake);
	return 0;
}

int intake_run(struct intake *intake)
{
	unsigned int i;
	int result = 0;
	int error;

	for (i = 0; i < INTAKE_BATCH && !result && intake->ready && intake_has_room(intake); i++)
		result = read_one(intake);
	error = submit(intake);
	return error ? error : result;
}
