/* SPDX-License-Identifier: MIT */
#include "crew.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <vfs/session.h>

#include "lane_reader.h"
#include "lane_uring.h"
#include "plan.h"

static int create_channels(struct crew *crew, struct vfs_session *session)
{
	unsigned int count = vfs_session_num_queues(session);
	unsigned int i;

	crew->channels = calloc(count, sizeof(*crew->channels));
	if (!crew->channels)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		channel_init(&crew->channels[i], vfs_session_queue(session, i));
	crew->num_channels = count;
	return 0;
}

static struct worker *add_worker(struct crew *crew, const struct crew_options *options)
{
	struct worker *worker = &crew->workers[crew->num_workers];
	struct channel *channel = &crew->channels[crew->num_workers % crew->num_channels];

	*worker = (struct worker){
		.channel = channel,
		.events = &crew->wiring.events,
		.lock_wait = options->lock_wait,
		.cache = options->cache,
		.cpu = -1,
		.intake =
			{
				.channel = channel,
				.session = crew->wiring.session,
				.window = options->window,
				.interrupts = crew->wiring.interrupts,
				.held = crew->wiring.held,
				.timeout_ms = options->request_timeout_ms,
				.allow_root = options->allow_root,
				.trace = options->trace,
				.notices = options->notices,
				.owner = getuid(),
			},
	};
	looking_init(&worker->looking, options->poll);
	crew->num_workers++;
	return worker;
}

static void give_lane(struct worker *worker, struct lane *lane)
{
	worker->lane = lane;
	worker->intake.lane = lane;
}

/* The first one has the descriptor that was mounted, the others have descriptors of their own. */
static int add_reader(struct crew *crew, struct worker *worker, int mounted_fd)
{
	struct lane_reader *reader = &crew->readers[crew->num_readers];
	bool first = !crew->num_readers;
	int fd = first ? mounted_fd : lane_reader_clone(mounted_fd);
	int error;

	if (fd < 0)
		return fd;
	error = lane_reader_init(reader, worker->channel, fd, !first);
	if (error) {
		if (!first)
			close(fd);
		return error;
	}
	crew->num_readers++;
	give_lane(worker, &reader->lane);
	return 0;
}

/* What rings do not carry comes to a reader, which is seldom and may run anywhere. */
static int add_readers(struct crew *crew, const struct crew_options *options)
{
	const struct plan *plan = options->plan;
	bool pinned = plan->lane == LANE_READERS;
	unsigned int count = pinned ? plan->num_cpus : 1;
	unsigned int i;
	int error = 0;

	for (i = 0; !error && i < count; i++) {
		struct worker *worker = add_worker(crew, options);

		if (pinned)
			worker->cpu = (int)plan->cpus[i];
		error = add_reader(crew, worker, options->fuse_fd);
		if (error)
			crew->num_workers--;
	}
	return error;
}

static int add_uring(struct crew *crew, struct worker *worker, const struct crew_options *options)
{
	struct lane_uring *uring = &crew->urings[crew->num_urings];
	unsigned int queues[PLAN_ENTRIES_MAX];
	unsigned int count = plan_entries(options->plan, crew->num_urings, queues);
	int error = lane_uring_init(uring, worker->channel, options->fuse_fd, queues, count);

	if (error)
		return error;
	worker->cpu = (int)options->plan->cpus[crew->num_urings];
	crew->num_urings++;
	give_lane(worker, &uring->lane);
	return 0;
}

static int add_urings(struct crew *crew, const struct crew_options *options)
{
	unsigned int i;
	int error = 0;

	for (i = 0; !error && i < options->plan->num_cpus; i++) {
		struct worker *worker = add_worker(crew, options);

		error = add_uring(crew, worker, options);
		if (error)
			crew->num_workers--;
	}
	return error;
}

int crew_init(
	struct crew *crew, const struct crew_wiring *wiring, const struct crew_options *options)
{
	unsigned int count = options->plan->num_cpus;
	int error;

	*crew = (struct crew){.wiring = *wiring};
	error = create_channels(crew, wiring->session);
	if (error)
		return error;
	crew->workers = calloc(count + 1, sizeof(*crew->workers));
	crew->readers = calloc(count, sizeof(*crew->readers));
	crew->urings = calloc(count, sizeof(*crew->urings));
	if (!crew->workers || !crew->readers || !crew->urings)
		return -ENOMEM;
	lane_reader_handle_signal();
	if (options->plan->lane == LANE_URING)
		error = add_urings(crew, options);
	return error ? error : add_readers(crew, options);
}

int crew_start(struct crew *crew)
{
	unsigned int i;
	int error = 0;

	for (i = 0; !error && i < crew->num_workers; i++)
		error = worker_start(&crew->workers[i]);
	return error;
}

void crew_set_duty(struct crew *crew, enum worker_duty duty)
{
	unsigned int i;

	for (i = 0; i < crew->num_workers; i++)
		worker_set_duty(&crew->workers[i], duty);
}

void crew_lose_device(struct crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->num_workers; i++)
		worker_lose_device(&crew->workers[i]);
}

void crew_wake(struct crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->num_workers; i++)
		worker_wake(&crew->workers[i]);
}

void crew_join(struct crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->num_workers; i++)
		worker_join(&crew->workers[i]);
}

enum channel_cancel crew_cancel(struct crew *crew, uint64_t unique, bool locks_only)
{
	enum channel_cancel result = CHANNEL_UNKNOWN;
	unsigned int i;

	for (i = 0; i < crew->num_channels && result == CHANNEL_UNKNOWN; i++)
		result = channel_cancel(&crew->channels[i], unique, locks_only);
	/* There may be something to reap, or to be looked after in a while. */
	if (result == CHANNEL_CANCELLED)
		crew_wake(crew);
	return result;
}

bool crew_is_running(const struct crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->num_workers; i++) {
		if (crew->workers[i].started && !atomic_load(&crew->workers[i].ended))
			return true;
	}
	return false;
}

bool crew_is_idle(struct crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->num_channels; i++) {
		if (channel_in_flight(&crew->channels[i]))
			return false;
	}
	return true;
}

unsigned long crew_taken(const struct crew *crew)
{
	unsigned long taken = 0;
	unsigned int i;

	for (i = 0; i < crew->num_workers; i++)
		taken += atomic_load(&crew->workers[i].intake.taken);
	return taken;
}

struct window *crew_window(const struct crew *crew)
{
	return crew->workers[0].intake.window;
}

void crew_abort(struct crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->num_channels; i++)
		pthread_mutex_lock(&crew->channels[i].lock);
	vfs_session_abort(crew->wiring.session);
	for (i = 0; i < crew->num_channels; i++)
		pthread_mutex_unlock(&crew->channels[i].lock);
	crew_wake(crew);
}

void crew_destroy(struct crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->num_workers; i++)
		crew->workers[i].lane->ops->destroy(crew->workers[i].lane);
	for (i = 0; i < crew->num_channels; i++)
		channel_destroy(&crew->channels[i]);
	free(crew->workers);
	free(crew->readers);
	free(crew->urings);
	free(crew->channels);
	*crew = (struct crew){0};
}
