/* SPDX-License-Identifier: MIT */
#include "lane_uring.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <vfs/request.h>

#include "channel.h"
#include "core/core.h"
#include "event.h"
#include "intake.h"
#include "uring_entry.h"
#include "uring_ring.h"

/* Beside those of the entries: two polls. */
#define OTHER_SUBMISSIONS 2

static struct lane_uring *uring_of(struct lane *lane)
{
	return container_of(lane, struct lane_uring, lane);
}

static struct uring_entry *entry_of(struct lane_origin *origin)
{
	return container_of(origin, struct uring_entry, origin);
}

/* ---- submissions ---- */

int lane_uring_probe(void)
{
	struct io_uring ring;
	int error = uring_ring_create(&ring, 1);

	if (!error)
		io_uring_queue_exit(&ring);
	return error;
}

/* There is room for all entries and polls at once, so the first try succeeds. */
static struct io_uring_sqe *next_submission(struct lane_uring *uring)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = io_uring_get_sqe(&uring->ring)))
		io_uring_submit(&uring->ring);
	return sqe;
}

static void submit_entry(struct lane_uring *uring, struct uring_entry *entry, uint32_t operation)
{
	struct io_uring_sqe *sqe = next_submission(uring);
	struct fuse_uring_cmd *cmd;

	memset(sqe, 0, 2 * sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = uring->fuse_fd;
	sqe->cmd_op = operation;
	cmd = (void *)sqe->cmd;
	cmd->queue = (uint16_t)entry->queue;
	if (operation == FUSE_URING_REGISTER) {
		sqe->addr = (uintptr_t)entry->iov;
		sqe->len = 2;
	} else {
		cmd->commit_id = entry->header->ent.commit_id;
	}
	io_uring_sqe_set_data(sqe, entry);
}

/*
 * What is marked by the address of the number. It ends with what it finds: an interrupt is heard by
 * all who listen, and those who wait for something else by then are not to be woken by each one.
 */
static void submit_poll(struct lane_uring *uring, int *fd, int number)
{
	struct io_uring_sqe *sqe = next_submission(uring);

	memset(sqe, 0, 2 * sizeof(*sqe));
	io_uring_prep_poll_add(sqe, number, POLLIN);
	io_uring_sqe_set_data(sqe, fd);
}

static bool in_own_thread(const struct lane_uring *uring)
{
	return pthread_equal(uring->thread, pthread_self());
}

/* ---- answers ---- */

static void send_answer(struct lane_uring *uring, struct uring_entry *entry)
{
	if (!entry->dead)
		submit_entry(uring, entry, FUSE_URING_COMMIT_AND_FETCH);
}

/*
 * Only the thread that owns the ring may submit. Who is the first tells it; when it is told, there
 * may be nothing else that it waits for.
 */
static void leave_to_owner(struct lane_uring *uring, struct uring_entry *entry)
{
	pthread_mutex_lock(&uring->lock);
	entry->next = uring->answered;
	uring->answered = entry;
	pthread_mutex_unlock(&uring->lock);
	atomic_fetch_sub(&uring->lane.under_way, 1);
	if (!atomic_exchange(&uring->has_answered, true))
		event_set(uring->wake_fd);
}

static void send_all_answered(struct lane_uring *uring)
{
	struct uring_entry *entry;

	pthread_mutex_lock(&uring->lock);
	entry = uring->answered;
	uring->answered = NULL;
	pthread_mutex_unlock(&uring->lock);
	for (; entry; entry = entry->next)
		send_answer(uring, entry);
}

static void send_answered(struct lane_uring *uring)
{
	if (atomic_load_explicit(&uring->has_answered, memory_order_relaxed) &&
		atomic_exchange(&uring->has_answered, false))
		send_all_answered(uring);
}

static void answer(struct lane_origin *origin, struct vfs_request *request)
{
	struct lane_uring *uring = uring_of(origin->lane);
	struct uring_entry *entry = entry_of(origin);
	int error = vfs_request_error(request);
	struct iovec iov[2];
	size_t size = 0;

	if (vfs_request_reply(request, iov) > 1)
		size = uring_entry_place_body(entry, iov[1].iov_base, iov[1].iov_len);
	/* Interrupted before the device had it: for who asked it is the same. */
	uring_entry_set_answer(entry, error == -ECANCELED ? -EINTR : error, size);
	(void)vfs_request_reuse(request);
	if (in_own_thread(uring)) {
		send_answer(uring, entry);
		atomic_fetch_sub(&uring->lane.under_way, 1);
		return;
	}
	leave_to_owner(uring, entry);
}

static void answer_here(
	struct lane_origin *origin, struct vfs_request *slot, int error, void *data, size_t size)
{
	struct uring_entry *entry = entry_of(origin);

	(void)slot;
	uring_entry_set_answer(entry, error, uring_entry_place_body(entry, data, size));
	send_answer(uring_of(origin->lane), entry);
}

/* The slot stays the entry's. */
static void take_back(struct lane_origin *origin, struct vfs_request *slot)
{
	(void)origin;
	(void)slot;
}

/* ---- messages ---- */

static void take_message(struct intake *intake, struct uring_entry *entry)
{
	size_t length = uring_entry_assemble(entry);

	if (length)
		(void)intake_message(intake, &entry->origin, entry->slot, length);
	else
		answer_here(&entry->origin, entry->slot, -EIO, NULL, 0);
}

/*
 * The entries end with the connection; of what kind its end is hears who reads from /dev/fuse, as
 * others may be sent there as well.
 */
static int take_entry(struct intake *intake, struct uring_entry *entry, int result)
{
	if (!result) {
		if (intake)
			take_message(intake, entry);
		return 0;
	}
	entry->dead = true;
	if (result == -ENOTCONN || result == -ECONNABORTED || result == -ECANCELED ||
		result == -ENOENT)
		return 0;
	return result;
}

/* Without an @intake a message stays the kernel's, which ends it with the connection. */
static int take_completion(
	struct lane_uring *uring, struct intake *intake, const struct io_uring_cqe *cqe)
{
	void *what = io_uring_cqe_get_data(cqe);

	if (what == &uring->wake_fd) {
		event_clear(uring->wake_fd);
		submit_poll(uring, &uring->wake_fd, uring->wake_fd);
		return 0;
	}
	if (what == &uring->answers_polled) {
		uring->answers_polled = false;
		return 0;
	}
	return take_entry(intake, what, cqe->res);
}

/* The kernel has completions, and puts them where they are seen when it is called. */
static bool has_more_to_ask_for(const struct io_uring *ring)
{
	return !io_uring_cq_ready(ring) &&
	       (IO_URING_READ_ONCE(*ring->sq.kflags) & IORING_SQ_TASKRUN);
}

static int take(struct lane *lane, struct intake *intake)
{
	struct lane_uring *uring = uring_of(lane);
	struct io_uring_cqe *cqe;
	int error = 0;

	send_answered(uring);
	if (has_more_to_ask_for(&uring->ring))
		io_uring_submit_and_get_events(&uring->ring);
	while (!error && intake_has_room(intake) && !io_uring_peek_cqe(&uring->ring, &cqe)) {
		error = take_completion(uring, intake, cqe);
		io_uring_cqe_seen(&uring->ring, cqe);
	}
	return error;
}

static bool look(struct lane *lane)
{
	struct lane_uring *uring = uring_of(lane);

	return atomic_load_explicit(&uring->has_answered, memory_order_relaxed) ||
	       io_uring_cq_ready(&uring->ring) || has_more_to_ask_for(&uring->ring);
}

/* ---- waiting ---- */

/* They would end every wait from now on. */
static void pass_over_messages(struct lane_uring *uring)
{
	struct io_uring_cqe *cqe;

	while (!io_uring_peek_cqe(&uring->ring, &cqe)) {
		(void)take_completion(uring, NULL, cqe);
		io_uring_cqe_seen(&uring->ring, cqe);
	}
}

static int wait_for_something(struct lane *lane, struct intake *intake, struct lane_wait *wait)
{
	struct lane_uring *uring = uring_of(lane);
	struct __kernel_timespec timeout = {
		.tv_sec = wait->timeout_ms / 1000,
		.tv_nsec = wait->timeout_ms % 1000 * 1000000L,
	};
	struct io_uring_cqe *cqe;
	int r;

	(void)intake;
	/* What comes after this makes a completion. */
	send_answered(uring);
	if (wait->queue_fd >= 0 && !uring->answers_polled) {
		submit_poll(uring, (int *)&uring->answers_polled, wait->queue_fd);
		uring->answers_polled = true;
	}
	r = io_uring_submit_and_wait_timeout(
		&uring->ring, &cqe, 1, wait->timeout_ms < 0 ? NULL : &timeout, NULL);
	/* Only now: whoever woke it is to be heard first. */
	if (!wait->messages)
		pass_over_messages(uring);
	/* Without memory at the moment nothing is lost: what was not submitted is the next time. */
	return r >= 0 || r == -ETIME || r == -EINTR || r == -EAGAIN || r == -EBUSY ? 0 : r;
}

static void wake(struct lane *lane)
{
	event_set(uring_of(lane)->wake_fd);
}

static void flush(struct lane *lane)
{
	struct lane_uring *uring = uring_of(lane);

	send_answered(uring);
	if (io_uring_sq_ready(&uring->ring))
		io_uring_submit(&uring->ring);
}

/* ---- begin and end ---- */

static int begin(struct lane *lane)
{
	struct lane_uring *uring = uring_of(lane);
	unsigned int i;
	int error = uring_ring_create(&uring->ring, uring->num_entries + OTHER_SUBMISSIONS);

	if (error)
		return error;
	uring->thread = pthread_self();
	submit_poll(uring, &uring->wake_fd, uring->wake_fd);
	for (i = 0; i < uring->num_entries; i++)
		submit_entry(uring, &uring->entries[i], FUSE_URING_REGISTER);
	error = io_uring_submit(&uring->ring);
	if (error >= 0)
		return 0;
	io_uring_queue_exit(&uring->ring);
	return error;
}

/*
 * While there is a ring, the kernel goes on handing messages to its thread, and waits for ever at
 * an unmount if that has ended and does not take them. So it has to go first.
 */
static void end(struct lane *lane)
{
	/* Also what is there of somebody who has yet to say so. */
	send_all_answered(uring_of(lane));
	flush(lane);
	io_uring_queue_exit(&uring_of(lane)->ring);
}

static void destroy(struct lane *lane)
{
	struct lane_uring *uring = uring_of(lane);
	unsigned int i;

	for (i = 0; i < uring->num_entries; i++)
		channel_put(uring->channel, uring->entries[i].slot);
	free(uring->entries);
	free(uring->headers);
	close(uring->wake_fd);
	pthread_mutex_destroy(&uring->lock);
}

static const struct lane_ops ops = {
	.begin = begin,
	.end = end,
	.take = take,
	.look = look,
	.wait = wait_for_something,
	.wake = wake,
	.answer = answer,
	.answer_data = answer_here,
	.take_back = take_back,
	.flush = flush,
	.destroy = destroy,
};

static int create_entry(struct lane_uring *uring, unsigned int queue)
{
	struct uring_entry *entry = &uring->entries[uring->num_entries];
	char *payload;

	entry->slot = channel_get(uring->channel);
	if (!entry->slot)
		return -ENOBUFS;
	payload = (char *)vfs_request_message(entry->slot) + VFS_REQUEST_HEAD;
	entry->origin.lane = &uring->lane;
	entry->queue = queue;
	entry->header = &uring->headers[uring->num_entries];
	entry->iov[0] = (struct iovec){entry->header, sizeof(*entry->header)};
	entry->iov[1] = (struct iovec){
		payload, vfs_request_capacity(entry->slot) - VFS_REQUEST_HEAD};
	uring->num_entries++;
	return 0;
}

int lane_uring_init(struct lane_uring *uring, struct channel *channel, int fuse_fd,
	const unsigned int *queues, unsigned int num_entries)
{
	unsigned int i;
	int error = 0;

	*uring = (struct lane_uring){
		.lane = {.ops = &ops, .ready = true, .sends_itself = true},
		.channel = channel,
		.fuse_fd = fuse_fd,
		.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.entries = calloc(num_entries, sizeof(*uring->entries)),
		.headers = calloc(num_entries, sizeof(*uring->headers)),
	};
	if (uring->wake_fd < 0)
		error = -errno;
	if (!uring->entries || !uring->headers)
		error = -ENOMEM;
	for (i = 0; !error && i < num_entries; i++)
		error = create_entry(uring, queues[i]);
	if (error)
		destroy(&uring->lane);
	return error;
}
