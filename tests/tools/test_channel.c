/* SPDX-License-Identifier: MIT */
/* Threads that share a queue: somebody always hears of the next answer. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/request.h>

#include "channel.h"

#define PATIENCE_MS 20000
#define WORKERS	    4
#define ROUNDS	    5000
#define RING	    64

/* ---- a queue whose device answers in order ---- */

struct worker;

struct vfs_request {
	struct fuse_in_header header;
	struct worker *owner;
};

struct vfs_queue {
	struct vfs_request *ring[RING];
	atomic_uint submitted;
	atomic_uint done; /* by the device */
	unsigned int reaped;
	atomic_bool interrupts;
	unsigned int armed; /* how often */
	int timeout_ms;
	int fd;
};

static struct vfs_queue queue;
static struct channel channel;

struct vfs_request *vfs_request_get(struct vfs_queue *from)
{
	(void)from;
	return NULL;
}

void vfs_request_put(struct vfs_request *request)
{
	(void)request;
}

int vfs_queue_submit(struct vfs_queue *to, struct vfs_request *const *requests, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		to->ring[to->submitted % RING] = requests[i];
		atomic_fetch_add(&to->submitted, 1);
	}
	return 0;
}

static void clear(int fd)
{
	eventfd_t value;

	(void)eventfd_read(fd, &value);
}

unsigned int vfs_queue_reap(struct vfs_queue *from, struct vfs_request **requests, unsigned int max)
{
	unsigned int count = 0;

	atomic_store(&from->interrupts, false);
	clear(from->fd);
	while (count < max && from->reaped != atomic_load(&from->done))
		requests[count++] = from->ring[from->reaped++ % RING];
	return count;
}

unsigned int vfs_queue_in_flight(const struct vfs_queue *of)
{
	return atomic_load(&of->submitted) - of->reaped;
}

int vfs_queue_timeout(const struct vfs_queue *of)
{
	return of->timeout_ms;
}

bool vfs_queue_arm(struct vfs_queue *which)
{
	which->armed++;
	atomic_store(&which->interrupts, true);
	return which->reaped != atomic_load(&which->done);
}

struct vfs_request *vfs_queue_find(struct vfs_queue *in, uint64_t unique)
{
	return unique < queue.submitted ? in->ring[unique] : NULL;
}

void *vfs_request_message(struct vfs_request *request)
{
	return &request->header;
}

int vfs_request_cancel(struct vfs_request *request)
{
	(void)request;
	return 0;
}

static void complete_one(void)
{
	atomic_fetch_add(&queue.done, 1);
	if (atomic_exchange(&queue.interrupts, false))
		eventfd_write(queue.fd, 1);
}

static int begin(void **state)
{
	(void)state;
	queue = (struct vfs_queue){.timeout_ms = -1};
	queue.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(queue.fd >= 0);
	channel_init(&channel, &queue);
	return 0;
}

static int end(void **state)
{
	(void)state;
	channel_destroy(&channel);
	close(queue.fd);
	return 0;
}

/* ---- one thread at a time ---- */

static struct vfs_request some;
static struct vfs_request *const some_list[] = {&some};

static enum channel_rest rest(bool wait)
{
	int timeout_ms;

	return channel_rest(&channel, wait, &timeout_ms);
}

static void nothing_is_waited_for_when_nothing_is_under_way(void **state)
{
	(void)state;
	assert_int_equal(rest(true), CHANNEL_LEAVE);
	assert_int_equal(queue.armed, 0);
}

static void one_waits_for_all(void **state)
{
	(void)state;
	channel_submit(&channel, some_list, 1);
	assert_int_equal(rest(false), CHANNEL_WAIT);
	assert_int_equal(rest(false), CHANNEL_LEAVE);
	channel_end_rest(&channel);
	assert_int_equal(rest(false), CHANNEL_WAIT);
}

static void who_has_requests_waits_too(void **state)
{
	(void)state;
	channel_submit(&channel, some_list, 1);
	assert_int_equal(rest(false), CHANNEL_WAIT);
	assert_int_equal(rest(true), CHANNEL_WAIT);
}

static void nobody_sleeps_on_what_is_there(void **state)
{
	(void)state;
	channel_submit(&channel, some_list, 1);
	complete_one();
	assert_int_equal(rest(true), CHANNEL_BUSY);
	assert_int_equal(channel.sleepers, 0);
}

static void who_takes_answers_arms_for_those_who_sleep(void **state)
{
	struct vfs_request *done[1];

	(void)state;
	channel_submit(&channel, some_list, 1);
	channel_submit(&channel, some_list, 1);
	assert_int_equal(rest(true), CHANNEL_WAIT);
	complete_one();
	assert_int_equal(channel_reap(&channel, done, 1), 1);
	assert_int_equal(queue.armed, 2);
	complete_one();
	assert_int_equal(channel_reap(&channel, done, 1), 1);
	/* There is nothing left to wait for. */
	assert_int_equal(queue.armed, 2);
}

/* A request that came too late is still to be had back. */
static void a_deadline_is_waited_for_with_nothing_under_way(void **state)
{
	int timeout_ms = -1;

	(void)state;
	queue.timeout_ms = 7;
	assert_int_equal(channel_rest(&channel, false, &timeout_ms), CHANNEL_WAIT);
	assert_int_equal(timeout_ms, 7);
}

static void a_request_is_found_by_its_number(void **state)
{
	(void)state;
	channel_submit(&channel, some_list, 1);
	assert_int_equal(channel_cancel(&channel, 0, false), CHANNEL_CANCELLED);
	assert_int_equal(channel_cancel(&channel, 1, false), CHANNEL_UNKNOWN);
	assert_int_equal(channel_cancel(&channel, 0, true), CHANNEL_NOT_YET);
	some.header.opcode = FUSE_SETLKW;
	assert_int_equal(channel_cancel(&channel, 0, true), CHANNEL_CANCELLED);
}

/* ---- all at once ---- */

struct worker {
	pthread_t thread;
	struct vfs_request request;
	atomic_uint under_way;
	unsigned int rounds;
	int wake_fd; /* somebody else has taken the answer */
	bool hangs;
};

static struct worker workers[WORKERS];
static atomic_uint running;

static unsigned int collect(const struct worker *self)
{
	struct vfs_request *done[2];
	unsigned int count = channel_reap(&channel, done, 2);
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct worker *owner = done[i]->owner;

		atomic_store(&owner->under_way, 0);
		if (owner != self)
			eventfd_write(owner->wake_fd, 1);
	}
	return count;
}

static void sleep_a_while(struct worker *worker)
{
	int timeout_ms;
	enum channel_rest how = channel_rest(
		&channel, atomic_load(&worker->under_way), &timeout_ms);
	struct pollfd polled[] = {
		{.fd = how == CHANNEL_WAIT ? queue.fd : -1, .events = POLLIN},
		{.fd = worker->wake_fd, .events = POLLIN},
	};

	if (how == CHANNEL_BUSY)
		return;
	/* With nothing under way it goes on by itself. */
	if (atomic_load(&worker->under_way) && poll(polled, 2, PATIENCE_MS) == 0)
		worker->hangs = true;
	clear(worker->wake_fd);
	if (how == CHANNEL_WAIT)
		channel_end_rest(&channel);
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct vfs_request *list[] = {&worker->request};

	while (!worker->hangs && (worker->rounds || atomic_load(&worker->under_way))) {
		if (!atomic_load(&worker->under_way)) {
			worker->rounds--;
			atomic_store(&worker->under_way, 1);
			channel_submit(&channel, list, 1);
		}
		if (!collect(worker))
			sleep_a_while(worker);
	}
	atomic_fetch_sub(&running, 1);
	return NULL;
}

static void serve(void)
{
	while (atomic_load(&running)) {
		if (atomic_load(&queue.done) == atomic_load(&queue.submitted))
			sched_yield();
		else
			complete_one();
	}
}

static void no_answer_is_slept_over(void **state)
{
	unsigned int i;

	(void)state;
	atomic_store(&running, WORKERS);
	for (i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){.rounds = ROUNDS, .request.owner = &workers[i]};
		workers[i].wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
	for (i = 0; i < WORKERS; i++)
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	serve();
	for (i = 0; i < WORKERS; i++) {
		pthread_join(workers[i].thread, NULL);
		close(workers[i].wake_fd);
	}
	for (i = 0; i < WORKERS; i++)
		assert_false(workers[i].hangs);
	assert_int_equal(queue.reaped, WORKERS * ROUNDS);
	assert_int_equal(channel.sleepers, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_waited_for_when_nothing_is_under_way),
		TEST(one_waits_for_all),
		TEST(who_has_requests_waits_too),
		TEST(nobody_sleeps_on_what_is_there),
		TEST(who_takes_answers_arms_for_those_who_sleep),
		TEST(a_deadline_is_waited_for_with_nothing_under_way),
		TEST(a_request_is_found_by_its_number),
		TEST(no_answer_is_slept_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
