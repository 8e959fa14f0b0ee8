/* SPDX-License-Identifier: MIT */
#include "intake.h"

#include <errno.h>

#include <vfs/request.h>

#include "access.h"
#include "channel.h"
#include "clock.h"
#include "forget.h"
#include "held.h"
#include "interrupts.h"
#include "lane.h"
#include "report.h"
#include "trace.h"
#include "window.h"

#define LARGE (64u << 10)

static void refuse(struct intake *intake, struct vfs_request *slot, int error)
{
	if (intake->trace)
		trace_own(vfs_request_message(slot),
			error ? "refused by the bridge" : "answered by the bridge");
	intake->lane->ops->answer_data(intake->origin, slot, error, NULL, 0);
}

static void drop(struct intake *intake, const struct fuse_in_header *header)
{
	if (intake->trace)
		trace_own(header, "dropped");
}

/* The kernel wants no answer, but a ring has no entry to take more messages with without one. */
static void give_back(struct intake *intake, struct vfs_request *slot)
{
	drop(intake, vfs_request_message(slot));
	intake->lane->ops->answer_data(intake->origin, slot, 0, NULL, 0);
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

static bool queue_up(struct intake *intake, struct vfs_request *slot, size_t length)
{
	const struct fuse_in_header *header = vfs_request_message(slot);
	int error;

	if (intake->allow_root && access_denied(header, intake->owner)) {
		refuse(intake, slot, -EACCES);
		return false;
	}
	if (window_answer(intake->window, intake->origin, slot, length)) {
		if (intake->trace)
			trace_own(header, "answered from the window");
		return false;
	}
	error = vfs_request_prepare(slot, length);
	if (error) {
		refuse(intake, slot, prepare_error(error));
		return false;
	}
	if (intake->timeout_ms)
		vfs_request_set_timeout(slot, intake->timeout_ms);
	intake->lane->large = is_large(header, length);
	/* With a window it is the window's, and there is one origin only. */
	if (intake->window)
		window_before(intake->window, slot);
	else
		vfs_request_set_user_data(slot, intake->origin);
	intake->origins[intake->num_batch] = intake->origin;
	intake->batch[intake->num_batch++] = slot;
	return true;
}

static void forget(struct intake *intake, struct vfs_request *slot, size_t length)
{
	struct fuse_in_header *header = vfs_request_message(slot);
	int error;

	if (intake->trace)
		trace_own(header, "to the hiprio queue");
	error = forget_take(intake->session, intake->window, header, length);
	intake->forgets = true;
	/* The server keeps these nodes until the end, which is better than an end now. */
	if (error == -ENOMEM)
		report_error("no memory for what the kernel forgets");
}

/*
 * The kernel sends it after the request that it is about: that one is in the batch, in flight,
 * held, or answered; or another worker has it in its hands, and may still find that the device is
 * lost.
 */
static void interrupt(struct intake *intake, const struct fuse_in_header *header, size_t length)
{
	const struct fuse_interrupt_in *in = (const void *)(header + 1);

	if (length < sizeof(*header) + sizeof(*in))
		return;
	if (intake->trace)
		trace_own(header, "kept back for a while");
	interrupts_keep(intake->interrupts, in->unique, now_ms());
}

static bool reply_to_notice(struct intake *intake, struct vfs_request *slot, size_t length)
{
	if (intake->notices)
		return queue_up(intake, slot, length);
	give_back(intake, slot);
	return false;
}

static bool sort(struct intake *intake, struct vfs_request *slot, size_t length)
{
	const struct fuse_in_header *header = vfs_request_message(slot);

	switch (header->opcode) {
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		forget(intake, slot, length);
		return false;
	case FUSE_INTERRUPT:
		interrupt(intake, header, length);
		return false;
	case FUSE_NOTIFY_REPLY:
		return reply_to_notice(intake, slot, length);
	case FUSE_DESTROY:
		/* The server gets one when the session ends. */
		refuse(intake, slot, 0);
		return false;
	case FUSE_INIT:
		refuse(intake, slot, -EIO);
		return false;
	default:
		return queue_up(intake, slot, length);
	}
}

/* Whoever closes a file may be ending, and not even a signal would free him. */
static bool can_wait(const struct fuse_in_header *header)
{
	return header->opcode != FUSE_FLUSH && header->opcode != FUSE_RELEASE &&
	       header->opcode != FUSE_RELEASEDIR;
}

/* Nobody is there to answer; what wants no answer is of no interest. */
static void answer_lost(struct intake *intake, struct vfs_request *slot, size_t length)
{
	const struct fuse_in_header *header = vfs_request_message(slot);

	switch (header->opcode) {
	case FUSE_INTERRUPT:
		interrupt(intake, header, length);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		drop(intake, header);
		break;
	case FUSE_NOTIFY_REPLY:
		give_back(intake, slot);
		break;
	default:
		if (!can_wait(header) || !held_add(intake->held, intake->origin, header->unique))
			refuse(intake, slot, -ENOTCONN);
		break;
	}
}

bool intake_message(
	struct intake *intake, struct lane_origin *origin, struct vfs_request *slot, size_t length)
{
	const struct fuse_in_header *header = vfs_request_message(slot);

	intake->origin = origin;
	/* No other thread changes it. */
	atomic_store_explicit(&intake->taken, intake->taken + 1, memory_order_relaxed);
	if (length < sizeof(*header))
		return false;
	figures_count(&intake->figures, header->opcode);
	if (!intake->lost)
		return sort(intake, slot, length);
	answer_lost(intake, slot, length);
	return false;
}

int intake_submit(struct intake *intake)
{
	unsigned int count = intake->num_batch;
	unsigned int i;
	int error;

	if (!count)
		return 0;
	intake->num_batch = 0;
	atomic_fetch_add(&intake->lane->under_way, count);
	error = channel_submit(intake->channel, intake->batch, count);
	if (!error)
		return 0;
	atomic_fetch_sub(&intake->lane->under_way, count);
	for (i = 0; i < count; i++) {
		intake->origin = intake->origins[i];
		refuse(intake, intake->batch[i], -EIO);
		intake->lane->ops->take_back(intake->origin, intake->batch[i]);
	}
	return -EIO;
}
