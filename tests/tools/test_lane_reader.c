/* SPDX-License-Identifier: MIT */
/* A reader that is woken takes what there is, and never waits for more. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/request.h>

#include "answer.h"
#include "channel.h"
#include "intake.h"
#include "lane_reader.h"

#define HANGS_AFTER_S 10

struct vfs_request {
	char message[256];
};

static struct lane_reader reader;
static struct lane *lane = &reader.lane;
static struct intake intake;
static int kernel_fd;

/* ---- what it uses ---- */

struct vfs_request *channel_get(struct channel *channel)
{
	static struct vfs_request slot;

	(void)channel;
	return &slot;
}

void channel_put(struct channel *channel, struct vfs_request *request)
{
	(void)channel;
	(void)request;
}

void *vfs_request_message(struct vfs_request *request)
{
	return request->message;
}

size_t vfs_request_capacity(const struct vfs_request *request)
{
	return sizeof(request->message);
}

bool intake_message(
	struct intake *to, struct lane_origin *origin, struct vfs_request *slot, size_t length)
{
	assert_ptr_equal(origin->lane, lane);
	assert_int_equal(length, 1);
	to->batch[to->num_batch++] = slot;
	return true;
}

void answer_request(int fuse_fd, const struct vfs_request *request)
{
	(void)fuse_fd;
	(void)request;
}

void answer_data(int fuse_fd, uint64_t unique, void *data, size_t size)
{
	(void)fuse_fd;
	(void)unique;
	(void)data;
	(void)size;
}

void answer_error(int fuse_fd, uint64_t unique, int error)
{
	(void)fuse_fd;
	(void)unique;
	(void)error;
}

/* ---- the tests ---- */

static int set_up(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	kernel_fd = fds[1];
	intake = (struct intake){0};
	assert_int_equal(lane_reader_init(&reader, NULL, fds[0], true), 0);
	lane_reader_handle_signal();
	assert_int_equal(lane->ops->begin(lane), 0);
	/* What blocks does so for ever. */
	alarm(HANGS_AFTER_S);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	alarm(0);
	lane->ops->end(lane);
	lane->ops->destroy(lane);
	close(kernel_fd);
	return 0;
}

static void ask(void)
{
	assert_int_equal(write(kernel_fd, "m", 1), 1);
}

static void wait_for_messages(void)
{
	struct lane_wait wait = {
		.messages = true, .queue_fd = -1, .window_fd = -1, .timeout_ms = -1};

	assert_int_equal(lane->ops->wait(lane, &intake, &wait), 0);
}

static void take_all(void)
{
	assert_true(lane->ops->look(lane));
	assert_int_equal(lane->ops->take(lane, &intake), 0);
}

static void what_there_is_is_taken_at_once(void **state)
{
	(void)state;
	ask();
	ask();
	take_all();
	assert_int_equal(intake.num_batch, 2);
}

static void a_wait_takes_one_message(void **state)
{
	(void)state;
	ask();
	wait_for_messages();
	assert_int_equal(intake.num_batch, 1);
}

/* Whoever woke it did so while it did not read, and nobody ends a read that blocks later. */
static void after_a_wake_up_that_came_before_the_wait_no_read_blocks(void **state)
{
	(void)state;
	lane->ops->wake(lane);
	wait_for_messages();
	assert_int_equal(intake.num_batch, 0);
	ask();
	take_all();
	assert_int_equal(intake.num_batch, 1);
}

static void *wake_in_a_while(void *arg)
{
	(void)arg;
	while (!atomic_load(&reader.reading))
		sched_yield();
	lane->ops->wake(lane);
	return NULL;
}

static void wake_while_it_waits(void)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, wake_in_a_while, NULL), 0);
	wait_for_messages();
	pthread_join(thread, NULL);
}

static void a_wake_up_ends_a_read_that_blocks(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		wake_while_it_waits();
		assert_int_equal(intake.num_batch, 0);
	}
	ask();
	take_all();
	assert_int_equal(intake.num_batch, 1);
}

/* As it is in all threads if whoever started the program blocked it. */
static void a_wake_up_ends_it_although_signals_were_blocked(void **state)
{
	sigset_t all, before;

	sigfillset(&all);
	sigdelset(&all, SIGALRM);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	assert_int_equal(lane->ops->begin(lane), 0);
	a_wake_up_ends_a_read_that_blocks(state);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_there_is_is_taken_at_once),
		TEST(a_wait_takes_one_message),
		TEST(after_a_wake_up_that_came_before_the_wait_no_read_blocks),
		TEST(a_wake_up_ends_a_read_that_blocks),
		TEST(a_wake_up_ends_it_although_signals_were_blocked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
