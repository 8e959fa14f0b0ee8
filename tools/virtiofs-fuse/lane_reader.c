/* SPDX-License-Identifier: MIT */
#include "lane_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/fuse.h>

#include <vfs/request.h>

#include "answer.h"
#include "channel.h"
#include "core/core.h"
#include "event.h"
#include "intake.h"

/* Ignored unless somebody handles it, and sent by nobody else. */
#define WAKE_SIGNAL SIGURG

/* So often it is taken for granted that there is no other message. */
#define ALONE_MAX 8

static struct lane_reader *reader_of(struct lane *lane)
{
	return container_of(lane, struct lane_reader, lane);
}

static bool has_slot(struct lane_reader *reader)
{
	if (!reader->spare)
		reader->spare = channel_get(reader->channel);
	return reader->spare;
}

static void set_blocking(struct lane_reader *reader, bool blocks)
{
	if (reader->blocks == blocks)
		return;
	reader->blocks = blocks;
	fcntl(reader->fuse_fd, F_SETFL, blocks ? 0 : O_NONBLOCK);
}

/* ENOENT: the request was interrupted before it could be read. */
static int read_error(struct lane_reader *reader)
{
	if (errno == EINTR || errno == ENOENT)
		return 0;
	reader->lane.ready = false;
	if (errno != EAGAIN)
		return -errno;
	/* Whoever woke it may have been late. */
	reader->blocks = false;
	if (atomic_load_explicit(&reader->lane.under_way, memory_order_relaxed) == 1)
		reader->alone = 1;
	return 0;
}

/*
 * To learn that the kernel has no other message costs a system call too. While they come one at a
 * time it is asked seldom: with a device that answers at once there may be many who wait, and still
 * one at a time under way. Otherwise poll(2) says if there is one.
 */
static void expect_more(struct lane_reader *reader, const struct intake *intake)
{
	unsigned int count = intake->num_batch +
			     atomic_load_explicit(&reader->lane.under_way, memory_order_relaxed);

	if (count > 1)
		reader->alone = 0;
	else if (count == 1 && reader->alone && reader->alone++ < ALONE_MAX)
		reader->lane.ready = false;
}

static ssize_t read_message(const struct lane_reader *reader)
{
	void *message = vfs_request_message(reader->spare);
	size_t room = vfs_request_capacity(reader->spare);
	ssize_t n = read(reader->fuse_fd, message, room);

	/*
	 * Whoever reads in the moment of an unmount is told the same as at an abort. Once the
	 * connection is closed the kernel tells them apart.
	 */
	if (n < 0 && errno == ECONNABORTED)
		n = read(reader->fuse_fd, message, room);
	return n;
}

static int read_one(struct lane_reader *reader, struct intake *intake)
{
	ssize_t n = read_message(reader);

	if (n < 0)
		return read_error(reader);
	if (intake_message(intake, &reader->origin, reader->spare, (size_t)n))
		reader->spare = NULL;
	return 0;
}

static int begin(struct lane *lane)
{
	sigset_t set;

	/* Whoever started us may have blocked it: no read would ever be ended. */
	sigemptyset(&set);
	sigaddset(&set, WAKE_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	reader_of(lane)->thread = pthread_self();
	return 0;
}

static void end(struct lane *lane)
{
	(void)lane;
}

static int take(struct lane *lane, struct intake *intake)
{
	struct lane_reader *reader = reader_of(lane);
	int error = 0;

	while (!error && lane->ready && intake_has_room(intake) && has_slot(reader)) {
		set_blocking(reader, false);
		error = read_one(reader, intake);
		expect_more(reader, intake);
	}
	return error;
}

static bool look(struct lane *lane)
{
	struct lane_reader *reader = reader_of(lane);
	struct pollfd pfd = {.fd = reader->fuse_fd, .events = POLLIN};

	if (has_slot(reader) && poll(&pfd, 1, 0) > 0)
		lane->ready = true;
	return lane->ready;
}

/*
 * Whoever wakes it makes the descriptor non-blocking before the signal, so that it does not matter
 * whether the read has begun.
 */
static int read_and_block(struct lane_reader *reader, struct intake *intake)
{
	int error = 0;

	set_blocking(reader, true);
	atomic_store(&reader->reading, true);
	if (!atomic_load(&reader->woken))
		error = read_one(reader, intake);
	atomic_store(&reader->reading, false);
	/* Whoever woke it before it was reading has left the descriptor as it is. */
	if (atomic_exchange(&reader->woken, false))
		set_blocking(reader, false);
	return error;
}

enum { ON_FUSE, ON_QUEUE, ON_WINDOW, ON_WAKE, NUM_POLLED };

static void sleep_on_all(struct lane_reader *reader, struct lane_wait *wait)
{
	bool listens = wait->messages && has_slot(reader);
	struct pollfd polled[NUM_POLLED] = {
		/* poll() passes over a negative descriptor. */
		[ON_FUSE] = {.fd = listens ? reader->fuse_fd : -1, .events = POLLIN},
		[ON_QUEUE] = {.fd = wait->queue_fd, .events = POLLIN},
		[ON_WINDOW] = {.fd = wait->window_fd, .events = POLLIN},
		[ON_WAKE] = {.fd = reader->wake_fd, .events = POLLIN},
	};

	if (poll(polled, NUM_POLLED, wait->timeout_ms) <= 0)
		return;
	if (polled[ON_FUSE].revents)
		reader->lane.ready = true;
	wait->window_woken = polled[ON_WINDOW].revents;
	if (polled[ON_WAKE].revents) {
		event_clear(reader->wake_fd);
		atomic_store(&reader->woken, false);
	}
}

static int wait_for_something(struct lane *lane, struct intake *intake, struct lane_wait *wait)
{
	struct lane_reader *reader = reader_of(lane);

	if (wait->messages && has_slot(reader) && wait->queue_fd < 0 && wait->window_fd < 0 &&
		wait->timeout_ms < 0)
		return read_and_block(reader, intake);
	sleep_on_all(reader, wait);
	return 0;
}

static void wake(struct lane *lane)
{
	struct lane_reader *reader = reader_of(lane);

	atomic_store(&reader->woken, true);
	if (atomic_load(&reader->reading)) {
		fcntl(reader->fuse_fd, F_SETFL, O_NONBLOCK);
		pthread_kill(reader->thread, WAKE_SIGNAL);
	} else {
		event_set(reader->wake_fd);
	}
}

static void answer(struct lane_origin *origin, struct vfs_request *request)
{
	struct lane_reader *reader = reader_of(origin->lane);

	answer_request(reader->fuse_fd, request);
	channel_put(reader->channel, request);
	atomic_fetch_sub(&reader->lane.under_way, 1);
}

static void answer_here(
	struct lane_origin *origin, struct vfs_request *slot, int error, void *data, size_t size)
{
	const struct fuse_in_header *header = vfs_request_message(slot);
	int fuse_fd = reader_of(origin->lane)->fuse_fd;

	if (size)
		answer_data(fuse_fd, header->unique, data, size);
	else
		answer_error(fuse_fd, header->unique, error);
}

static void answer_unique(struct lane_origin *origin, uint64_t unique, int error)
{
	answer_error(reader_of(origin->lane)->fuse_fd, unique, error);
}

static void take_back(struct lane_origin *origin, struct vfs_request *slot)
{
	channel_put(reader_of(origin->lane)->channel, slot);
}

static void flush(struct lane *lane)
{
	(void)lane;
}

static void destroy(struct lane *lane)
{
	struct lane_reader *reader = reader_of(lane);

	channel_put(reader->channel, reader->spare);
	close(reader->wake_fd);
	if (reader->own_fd)
		close(reader->fuse_fd);
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
	.answer_error = answer_unique,
	.take_back = take_back,
	.flush = flush,
	.destroy = destroy,
};

int lane_reader_init(struct lane_reader *reader, struct channel *channel, int fuse_fd, bool own_fd)
{
	*reader = (struct lane_reader){
		.lane = {.ops = &ops, .ready = true},
		.origin.lane = &reader->lane,
		.channel = channel,
		.fuse_fd = fuse_fd,
		.own_fd = own_fd,
		.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	return reader->wake_fd < 0 ? -errno : 0;
}

int lane_reader_clone(int fuse_fd)
{
	uint32_t source = (uint32_t)fuse_fd;
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int error;

	if (fd < 0)
		return -errno;
	if (!ioctl(fd, FUSE_DEV_IOC_CLONE, &source))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

bool lane_reader_can_clone(int fuse_fd)
{
	int fd = lane_reader_clone(fuse_fd);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static void nothing(int number)
{
	(void)number;
}

void lane_reader_handle_signal(void)
{
	struct sigaction action = {.sa_handler = nothing};

	sigemptyset(&action.sa_mask);
	sigaction(WAKE_SIGNAL, &action, NULL);
}
