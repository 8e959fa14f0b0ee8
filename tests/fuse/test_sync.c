/* SPDX-License-Identifier: MIT */
/* Queues that threads share: every call has its answer, whoever collects it. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/core.h"
#include "dma/said.h"
#include "fuse/fixture.h"
#include "fuse/sync.h"

#define WAIT_MS 10000
#define HIPRIO	0
#define RING	4u /* entries */

static struct vfs_sync *sync_queues;

static void share(unsigned int depth, unsigned int ring_size)
{
	connect_with(depth, ring_size);
	assert_int_equal(vfs_sync_create(session, NULL, &sync_queues), 0);
}

static int end(void **state)
{
	vfs_sync_destroy(sync_queues);
	sync_queues = NULL;
	return tear_down(state);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, end)

/* ---- the device, in a thread of its own ---- */

static struct {
	pthread_t thread;
	atomic_bool stop;
	bool hiprio_only;
} server;

static void answer_with_number(const struct taken *to)
{
	struct fuse_statfs_out out = statfs_out;

	out.st.blocks = to->header.nodeid;
	fuse_device_answer(&d, to, 0, &out, sizeof(out));
}

static void *serve(void *ctx)
{
	static struct taken message;

	(void)ctx;
	while (!server.stop) {
		bool some = false;

		for (unsigned int i = 0; i < d.stub.transport.num_queues; i++) {
			if ((i && server.hiprio_only) || !fuse_device_take(&d, i, &message))
				continue;
			some = true;
			if (message.header.opcode == FUSE_STATFS)
				answer_with_number(&message);
			else
				fuse_device_serve(&d, &message);
		}
		if (!some)
			usleep(20);
	}
	return NULL;
}

static void start_serving(void)
{
	server.stop = false;
	assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void stop_serving(void)
{
	server.stop = true;
	pthread_join(server.thread, NULL);
}

/* ---- callers ---- */

static struct vfs_request *prepared(struct vfs_request *request, uintptr_t number)
{
	struct fuse_in_header header = {.opcode = FUSE_STATFS, .nodeid = number};

	memcpy(vfs_request_message(request), &header, sizeof(header));
	if (vfs_request_prepare(request, sizeof(header)) < 0)
		return NULL;
	return request;
}

/* What is answered, and that it belongs to the question. */
static int statfs(uintptr_t number)
{
	struct fuse_statfs_out out;
	struct vfs_request *request;
	struct iovec iov[2];
	int r = vfs_sync_get(sync_queues, WAIT_MS, &request);

	if (r < 0)
		return r;
	r = prepared(request, number) ? vfs_sync_call(sync_queues, request, 0) : -EINVAL;
	if (r == 0)
		r = vfs_request_error(request);
	if (r == 0 && vfs_request_reply(request, iov) == 2) {
		memcpy(&out, iov[1].iov_base, sizeof(out));
		r = out.st.blocks == number ? 0 : -EBADMSG;
	}
	vfs_sync_put(sync_queues, request);
	return r;
}

struct caller {
	pthread_t thread;
	struct vfs_request *request;
	uintptr_t number;
	unsigned int calls;
	unsigned int timeout_ms;
	int result;
	atomic_bool returned;
};

static void *call_often(void *ctx)
{
	struct caller *c = ctx;

	for (unsigned int i = 0; i < c->calls && c->result == 0; i++)
		c->result = statfs(c->number + i);
	return NULL;
}

static void *call_once(void *ctx)
{
	struct caller *c = ctx;

	c->result = vfs_sync_call(sync_queues, c->request, c->timeout_ms);
	c->returned = true;
	return NULL;
}

static void *get_once(void *ctx)
{
	struct caller *c = ctx;

	c->result = vfs_sync_get(sync_queues, WAIT_MS, &c->request);
	c->returned = true;
	return NULL;
}

static struct vfs_request *get_prepared(uintptr_t number)
{
	struct vfs_request *request;

	assert_int_equal(vfs_sync_get(sync_queues, 0, &request), 0);
	assert_non_null(prepared(request, number));
	return request;
}

/* In a thread of its own; returns when it is in flight. */
static void call_in_thread(struct caller *c, uintptr_t number, unsigned int timeout_ms)
{
	*c = (struct caller){.request = get_prepared(number), .timeout_ms = timeout_ms};
	assert_int_equal(pthread_create(&c->thread, NULL, call_once, c), 0);
}

static void take_soon(struct taken *to)
{
	for (unsigned int i = 0; !fuse_device_take(&d, 1, to); i++) {
		assert_true(i < 100000);
		usleep(100);
	}
}

/* As soon as it is in flight, which a thread on a busy machine takes its time for. */
static void cancel_soon(struct vfs_request *request)
{
	int r = -EINVAL;

	for (unsigned int i = 0; i < 100000 && r == -EINVAL; i++) {
		usleep(100);
		r = vfs_sync_cancel(sync_queues, request);
	}
	assert_int_equal(r, 0);
}

static int join(struct caller *c)
{
	pthread_join(c->thread, NULL);
	return c->result;
}

/* ---- tests ---- */

static void a_call_has_its_answer(void **state)
{
	struct vfs_request *request;

	(void)state;
	share(4, 0);
	start_serving();
	assert_int_equal(statfs(7), 0);
	assert_int_equal(vfs_sync_get(sync_queues, 0, &request), 0);
	memcpy(vfs_request_message(request),
		&(struct fuse_in_header){.opcode = FUSE_READLINK, .nodeid = 1},
		sizeof(struct fuse_in_header));
	assert_int_equal(vfs_request_prepare(request, sizeof(struct fuse_in_header)), 0);
	/* The server's error is an answer. */
	assert_int_equal(vfs_sync_call(sync_queues, request, 1000), 0);
	assert_int_equal(vfs_request_error(request), -ENOSYS);
	vfs_sync_put(sync_queues, request);
	vfs_sync_put(sync_queues, NULL);
	stop_serving();
}

#define CALLERS 8

static void call_from_many(unsigned int depth, unsigned int ring_size, unsigned int calls)
{
	struct caller callers[CALLERS] = {0};
	uint64_t submitted = 0;
	uint64_t completed = 0;

	share(depth, ring_size);
	start_serving();
	for (unsigned int i = 0; i < CALLERS; i++) {
		callers[i].number = i * 1000000;
		callers[i].calls = calls;
		assert_int_equal(
			pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
	}
	for (unsigned int i = 0; i < CALLERS; i++)
		assert_int_equal(join(&callers[i]), 0);
	stop_serving();
	for (unsigned int i = 0; i < vfs_session_num_queues(session); i++) {
		const struct vfs_queue_counters *counters = vfs_queue_counters(
			vfs_session_queue(session, i));

		submitted += counters->submitted;
		completed += counters->completed;
		assert_int_equal(vfs_queue_in_flight(vfs_session_queue(session, i)), 0);
	}
	/* The first one was INIT. */
	assert_int_equal(submitted, CALLERS * calls + 1);
	assert_int_equal(completed, submitted);
	assert_int_equal(d.served[FUSE_STATFS], CALLERS * calls);
}

static void many_threads_share_a_queue(void **state)
{
	for (unsigned int i = VFS_POLL_AUTO; i <= VFS_POLL_NEVER; i++) {
		if (i) {
			end(state);
			set_up(state);
		}
		poll_mode = i;
		call_from_many(16, 0, i == VFS_POLL_ALWAYS ? 100 : 1000);
	}
}

static void many_threads_share_many_queues(void **state)
{
	(void)state;
	fuse_device_set_queues(&d, 4, 16);
	call_from_many(16, 0, 1000);
}

static void fewer_requests_than_threads_are_enough(void **state)
{
	(void)state;
	fuse_device_set_queues(&d, 2, 4);
	call_from_many(4, 4, 500);
}

static void queues_with_one_interrupt_are_shared_too(void **state)
{
	(void)state;
	d.shared_fd = true;
	poll_mode = VFS_POLL_NEVER;
	fuse_device_set_queues(&d, 3, 16);
	call_from_many(4, 0, 500);
}

static void who_collects_for_all_hands_it_over(void **state)
{
	static struct taken messages[4];
	struct caller callers[4];

	(void)state;
	for (poll_mode = VFS_POLL_AUTO; poll_mode <= VFS_POLL_NEVER; poll_mode++) {
		enum vfs_poll mode = poll_mode;

		end(state);
		set_up(state);
		poll_mode = mode;
		share(8, 0);
		for (unsigned int i = 0; i < 4; i++) {
			call_in_thread(&callers[i], i, 0);
			take_soon(&messages[i]);
		}
		/* The first one is it now, then the second, and so on. */
		for (unsigned int i = 0; i < 4; i++) {
			for (unsigned int k = i; k < 4; k++)
				assert_false(callers[k].returned);
			answer_statfs(&messages[i]);
			assert_int_equal(join(&callers[i]), 0);
		}
		/* In the other order he stays it to the end. */
		for (unsigned int i = 0; i < 4; i++) {
			vfs_sync_put(sync_queues, callers[i].request);
			call_in_thread(&callers[i], i, 0);
			take_soon(&messages[i]);
		}
		for (unsigned int i = 4; i-- > 0;) {
			answer_statfs(&messages[i]);
			assert_int_equal(join(&callers[i]), 0);
			vfs_sync_put(sync_queues, callers[i].request);
		}
	}
}

static void waiting_for_a_request_is_bounded_and_in_order(void **state)
{
	struct vfs_request *taken_ones[2];
	struct vfs_request *none = NULL;
	struct caller getters[2] = {0};

	(void)state;
	share(2, 0);
	for (unsigned int i = 0; i < 2; i++)
		taken_ones[i] = get_prepared(i);
	assert_int_equal(vfs_sync_get(sync_queues, 0, &none), -ETIMEDOUT);
	assert_int_equal(vfs_sync_get(sync_queues, 20, &none), -ETIMEDOUT);
	assert_int_equal(vfs_sync_get_on(sync_queues, 0, 20, &none), -ETIMEDOUT);
	assert_int_equal(vfs_sync_get_on(sync_queues, 1, 0, &none), -EINVAL);
	assert_null(none);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(
			pthread_create(&getters[i].thread, NULL, get_once, &getters[i]), 0);
		usleep(20000);
	}
	vfs_sync_put(sync_queues, taken_ones[0]);
	assert_int_equal(join(&getters[0]), 0);
	assert_false(getters[1].returned);
	/* Nobody overtakes who waits. */
	vfs_sync_put(sync_queues, getters[0].request);
	assert_int_equal(join(&getters[1]), 0);
	vfs_sync_put(sync_queues, getters[1].request);
	vfs_sync_put(sync_queues, taken_ones[1]);
}

/* Whoever waits for a request collects answers, if nobody else does. */
static void who_waits_for_a_request_keeps_others_going(void **state)
{
	struct vfs_request *request;
	struct caller getter = {0};
	struct caller caller;

	(void)state;
	share(1, 0);
	call_in_thread(&caller, 1, 20);
	take_soon(&taken);
	assert_int_equal(join(&caller), -ETIMEDOUT);
	assert_int_equal(vfs_request_error(caller.request), -ETIMEDOUT);
	vfs_sync_put(sync_queues, caller.request);
	/* It is the device's still. */
	assert_int_equal(vfs_sync_get(sync_queues, 30, &request), -ETIMEDOUT);
	assert_int_equal(pthread_create(&getter.thread, NULL, get_once, &getter), 0);
	usleep(20000);
	answer_statfs(&taken);
	assert_int_equal(join(&getter), 0);
	vfs_sync_put(sync_queues, getter.request);
}

static struct vfs_request *get_prepared_open(void)
{
	struct fuse_in_header header = {.opcode = FUSE_OPEN};
	struct vfs_request *request;

	assert_int_equal(vfs_sync_get(sync_queues, 0, &request), 0);
	memset(vfs_request_message(request), 0, sizeof(header) + sizeof(struct fuse_open_in));
	memcpy(vfs_request_message(request), &header, sizeof(header));
	assert_int_equal(
		vfs_request_prepare(request, sizeof(header) + sizeof(struct fuse_open_in)), 0);
	return request;
}

/* Nothing else is under way that could have its answer collected. */
static void a_request_comes_back_when_its_late_handle_is_released(void **state)
{
	struct fuse_open_out opened = {.fh = 1};
	struct vfs_request *request;
	struct vfs_request *none = NULL;
	struct caller getter = {0};

	(void)state;
	share(1, 0);
	request = get_prepared_open();
	assert_int_equal(vfs_sync_call(sync_queues, request, 20), -ETIMEDOUT);
	take_soon(&taken);
	vfs_sync_put(sync_queues, request);
	fuse_device_answer(&d, &taken, 0, &opened, sizeof(opened));
	/* This one collects the answer, and finds that the request is on its way again. */
	assert_int_equal(vfs_sync_get(sync_queues, 20, &none), -ETIMEDOUT);
	take_soon(&taken);
	assert_int_equal(taken.header.opcode, FUSE_RELEASE);
	fuse_device_answer(&d, &taken, 0, NULL, 0);
	assert_int_equal(pthread_create(&getter.thread, NULL, get_once, &getter), 0);
	assert_int_equal(join(&getter), 0);
	assert_ptr_equal(getter.request, request);
	vfs_sync_put(sync_queues, getter.request);
}

static void a_deadline_is_kept_while_another_thread_sleeps(void **state)
{
	static struct taken messages[2];
	struct caller patient;
	struct caller hasty;
	uint64_t start;

	(void)state;
	poll_mode = VFS_POLL_NEVER;
	share(4, 0);
	call_in_thread(&patient, 1, 0);
	take_soon(&messages[0]);
	usleep(20000);
	start = vfs_now_ns();
	call_in_thread(&hasty, 2, 30);
	take_soon(&messages[1]);
	assert_int_equal(join(&hasty), -ETIMEDOUT);
	assert_true(vfs_now_ns() - start < WAIT_MS * 1000000ull);
	assert_false(patient.returned);
	answer_statfs(&messages[0]);
	assert_int_equal(join(&patient), 0);
	vfs_sync_put(sync_queues, patient.request);
	vfs_sync_put(sync_queues, hasty.request);
}

static void another_thread_cancels_a_call(void **state)
{
	static struct taken interrupt;
	static struct taken messages[RING];
	struct caller callers[RING + 1];

	(void)state;
	poll_mode = VFS_POLL_NEVER;
	share(8, RING);
	for (unsigned int i = 0; i < RING; i++) {
		call_in_thread(&callers[i], i, 0);
		take_soon(&messages[i]);
	}
	/* One that finds no room in the ring, */
	call_in_thread(&callers[RING], RING, 0);
	cancel_soon(callers[RING].request);
	assert_int_equal(join(&callers[RING]), -ECANCELED);
	assert_int_equal(vfs_sync_cancel(sync_queues, callers[RING].request), -EINVAL);
	/* and one that the device has. */
	assert_int_equal(vfs_sync_cancel(sync_queues, callers[1].request), 0);
	assert_true(fuse_device_take(&d, HIPRIO, &interrupt));
	assert_int_equal(interrupt.header.opcode, FUSE_INTERRUPT);
	assert_int_equal(interrupt.header.unique, messages[1].header.unique | 1);
	fuse_device_write(&d, &interrupt, NULL, 0, 0);
	fuse_device_answer(&d, &messages[1], -EINTR, NULL, 0);
	assert_int_equal(join(&callers[1]), 0);
	assert_int_equal(vfs_request_error(callers[1].request), -EINTR);
	for (unsigned int i = 0; i < RING; i++) {
		if (i == 1)
			continue;
		answer_statfs(&messages[i]);
		assert_int_equal(join(&callers[i]), 0);
	}
	for (unsigned int i = 0; i <= RING; i++)
		vfs_sync_put(sync_queues, callers[i].request);
}

static void a_failure_ends_all_calls(void **state)
{
	struct caller callers[4];

	(void)state;
	poll_mode = VFS_POLL_NEVER;
	share(8, 4);
	said_start();
	for (unsigned int i = 0; i < 4; i++) {
		call_in_thread(&callers[i], i, i % 2 ? 60000 : 0);
		take_soon(&taken);
	}
	fuse_device_event(&d, -ENODEV);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(join(&callers[i]), -EIO);
		vfs_sync_put(sync_queues, callers[i].request);
	}
	assert_true(statfs(1) < 0);
}

static void on_signal(int number)
{
	(void)number;
}

static void a_signal_does_not_end_a_call(void **state)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct sigaction before;
	struct caller caller;

	(void)state;
	poll_mode = VFS_POLL_NEVER;
	share(4, 0);
	sigaction(SIGUSR1, &action, &before);
	call_in_thread(&caller, 1, 0);
	take_soon(&taken);
	for (unsigned int i = 0; i < 5; i++) {
		usleep(5000);
		pthread_kill(caller.thread, SIGUSR1);
	}
	usleep(5000);
	assert_false(caller.returned);
	answer_statfs(&taken);
	assert_int_equal(join(&caller), 0);
	vfs_sync_put(sync_queues, caller.request);
	sigaction(SIGUSR1, &before, NULL);
}

/* ---- callbacks ---- */

static struct {
	atomic_uint called;
	atomic_int bad;
	unsigned int again; /* times that the callback sends the next one */
} callbacks;

static void done(struct vfs_request *request, void *ctx)
{
	struct vfs_request *other = NULL;

	if (vfs_request_error(request) || ctx != &callbacks ||
		vfs_sync_drain(sync_queues, 0) != -EDEADLK)
		callbacks.bad = 1;
	vfs_sync_put(sync_queues, request);
	callbacks.called++;
	if (!callbacks.again)
		return;
	callbacks.again--;
	if (vfs_sync_get(sync_queues, 0, &other) < 0 || !prepared(other, 1) ||
		vfs_sync_call(sync_queues, other, 0) != -EDEADLK ||
		vfs_sync_submit(sync_queues, other, done, &callbacks) < 0)
		callbacks.bad = 1;
}

static void send_with_callback(unsigned int count)
{
	callbacks.called = 0;
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(
			vfs_sync_submit(sync_queues, get_prepared(i), done, &callbacks), 0);
}

static void a_callback_is_called_by_whoever_collects(void **state)
{
	(void)state;
	share(16, 4);
	start_serving();
	callbacks.again = 20;
	send_with_callback(16);
	assert_int_equal(vfs_sync_drain(sync_queues, WAIT_MS), 0);
	assert_int_equal(callbacks.called, 36);
	send_with_callback(4);
	assert_int_equal(statfs(3), 0);
	assert_int_equal(vfs_sync_drain(sync_queues, -1), 0);
	assert_int_equal(callbacks.called, 4);
	stop_serving();
	send_with_callback(1);
	assert_int_equal(vfs_sync_drain(sync_queues, 20), -ETIMEDOUT);
	assert_int_equal(callbacks.called, 0);
	start_serving();
	assert_int_equal(vfs_sync_drain(sync_queues, WAIT_MS), 0);
	stop_serving();
	assert_int_equal(callbacks.called, 1);
	assert_int_equal(callbacks.bad, 0);
}

static _Atomic uint32_t word;

static void *watch_word(void *ctx)
{
	struct caller *c = ctx;

	c->result = vfs_sync_watch(sync_queues, 0, &word, 0, UINT64_MAX);
	return NULL;
}

static void who_waits_for_a_change_collects_what_makes_it(void **state)
{
	struct caller watcher;
	unsigned int called;

	(void)state;
	share(16, 0);
	start_serving();
	callbacks.again = 0;
	send_with_callback(8);
	while ((called = callbacks.called) < 8)
		assert_int_equal(
			vfs_sync_watch(sync_queues, 0, &callbacks.called, called, UINT64_MAX), 0);
	assert_int_equal(vfs_sync_watch(sync_queues, 0, &callbacks.called, 7, 0), 0);
	assert_int_equal(vfs_sync_watch(sync_queues, 0, &callbacks.called, 8, 0), -ETIMEDOUT);
	stop_serving();
	/* Nothing is in flight: somebody else changes it, and says so. */
	word = 0;
	assert_int_equal(pthread_create(&watcher.thread, NULL, watch_word, &watcher), 0);
	usleep(1000);
	word = 1;
	vfs_sync_tell_watchers(sync_queues, 0);
	assert_int_equal(join(&watcher), 0);
	assert_int_equal(callbacks.bad, 0);
}

static void who_is_done_before_he_runs_is_not_the_reaper(void **state)
{
	struct vfs_waiter first = {.what = VFS_WAITER_FOR_REQUEST};
	struct vfs_waiter second = {.what = VFS_WAITER_FOR_IDLE};
	struct vfs_sync_queue *sq;

	(void)state;
	share(4, 0);
	sq = vfs_session_queue(session, 0)->sharing;
	callbacks.again = 0;
	send_with_callback(1);
	pthread_mutex_lock(&sq->lock);
	vfs_waiter_join(sq, &first);
	assert_ptr_equal(sq->reaper, &first);
	vfs_waiter_join(sq, &second);
	vfs_waiter_done(sq, &first);
	assert_ptr_equal(sq->reaper, &second);
	vfs_waiter_leave(sq, &second);
	assert_null(sq->reaper);
	pthread_mutex_unlock(&sq->lock);
	assert_int_equal(vfs_waiter_wait(sq, &first, UINT64_MAX), 0);
	start_serving();
	assert_int_equal(vfs_sync_drain(sync_queues, WAIT_MS), 0);
	stop_serving();
}

static void threads_of_the_library_call_back_while_nobody_waits(void **state)
{
	(void)state;
	fuse_device_set_queues(&d, 2, 4);
	share(16, 4);
	for (unsigned int turn = 0; turn < 3; turn++) {
		start_serving();
		assert_int_equal(vfs_sync_start_threads(sync_queues), 0);
		assert_int_equal(vfs_sync_start_threads(sync_queues), -EBUSY);
		callbacks.again = 0;
		send_with_callback(32);
		for (unsigned int i = 0; callbacks.called < 32; i++) {
			assert_true(i < 10000);
			usleep(1000);
		}
		assert_int_equal(statfs(3), 0);
		assert_int_equal(vfs_sync_drain(sync_queues, WAIT_MS), 0);
		stop_serving();
		/* Also while something is in flight. */
		send_with_callback(1);
		usleep(5000);
		vfs_sync_stop_threads(sync_queues);
		vfs_sync_stop_threads(sync_queues);
		start_serving();
		assert_int_equal(vfs_sync_drain(sync_queues, WAIT_MS), 0);
		stop_serving();
	}
	assert_int_equal(callbacks.bad, 0);
}

/* ---- the rest ---- */

static void forgets_go_out_while_a_caller_sleeps(void **state)
{
	static struct fuse_forget_one forgets[60000];
	struct caller caller;

	(void)state;
	poll_mode = VFS_POLL_NEVER;
	fuse_device_set_queues(&d, 1, 4);
	share(4, 0);
	call_in_thread(&caller, 1, 0);
	take_soon(&taken);
	usleep(20000);
	for (unsigned int i = 0; i < ARRAY_SIZE(forgets); i++)
		forgets[i] = (struct fuse_forget_one){.nodeid = 2 + i, .nlookup = 1};
	assert_int_equal(vfs_forget(session, forgets, ARRAY_SIZE(forgets)), 0);
	assert_true(session->hiprio.waiting > 0);
	server.hiprio_only = true;
	start_serving();
	for (unsigned int i = 0; session->hiprio.waiting > 0; i++) {
		assert_true(i < 10000);
		usleep(1000);
	}
	stop_serving();
	server.hiprio_only = false;
	assert_false(caller.returned);
	answer_statfs(&taken);
	assert_int_equal(join(&caller), 0);
	vfs_sync_put(sync_queues, caller.request);
}

static void queues_are_taken_over_once(void **state)
{
	struct vfs_sync *other = NULL;
	struct vfs_request *request;

	(void)state;
	fuse_device_set_queues(&d, 3, 4);
	connect_with(4, 0);
	assert_int_equal(
		vfs_sync_create(session, &(struct vfs_sync_options){.first_queue = 3}, &other),
		-EINVAL);
	assert_int_equal(
		vfs_sync_create(session,
			&(struct vfs_sync_options){.first_queue = 2, .num_queues = 2}, &other),
		-EINVAL);
	assert_int_equal(vfs_sync_create(session, &(struct vfs_sync_options){.first_queue = 1},
				 &sync_queues),
		0);
	assert_int_equal(vfs_sync_create(session, NULL, &other), -EBUSY);
	assert_null(other);
	assert_int_equal(
		vfs_sync_create(session, &(struct vfs_sync_options){.num_queues = 1}, &other), 0);
	/* A request belongs where it comes from. */
	assert_int_equal(vfs_sync_get(other, 0, &request), 0);
	assert_non_null(prepared(request, 1));
	assert_int_equal(vfs_sync_call(sync_queues, request, 0), -EINVAL);
	vfs_sync_put(other, request);
	vfs_sync_destroy(other);
	vfs_sync_destroy(sync_queues);
	assert_int_equal(vfs_sync_create(session, NULL, &sync_queues), 0);
	vfs_sync_destroy(NULL);
}

static void what_was_not_prepared_is_not_sent(void **state)
{
	struct vfs_request *request;

	(void)state;
	share(4, 0);
	assert_int_equal(vfs_sync_get(sync_queues, 0, &request), 0);
	assert_int_equal(vfs_sync_call(sync_queues, request, 0), -EINVAL);
	assert_int_equal(vfs_sync_submit(sync_queues, request, done, NULL), -EINVAL);
	assert_int_equal(vfs_sync_cancel(sync_queues, request), -EINVAL);
	assert_int_equal(vfs_sync_drain(sync_queues, 0), 0);
	vfs_sync_put(sync_queues, request);
	take_none();
}

/* ---- and callbacks that take long ---- */

static struct {
	atomic_bool begun;
	atomic_bool done;
} slow;

static void take_long(struct vfs_request *request, void *ctx)
{
	(void)ctx;
	slow.begun = true;
	usleep(30000);
	vfs_sync_put(sync_queues, request);
	slow.done = true;
}

static void draining_waits_for_callbacks(void **state)
{
	struct vfs_request *request;

	(void)state;
	share(4, RING);
	slow.begun = slow.done = false;
	start_serving();
	assert_int_equal(vfs_sync_start_threads(sync_queues), 0);
	assert_int_equal(vfs_sync_get(sync_queues, WAIT_MS, &request), 0);
	assert_non_null(prepared(request, 1));
	assert_int_equal(vfs_sync_submit(sync_queues, request, take_long, NULL), 0);
	while (!slow.begun)
		usleep(100);
	/* Nothing is in flight any more, but it is not over. */
	assert_int_equal(vfs_sync_drain(sync_queues, WAIT_MS), 0);
	assert_true(slow.done);
	vfs_sync_stop_threads(sync_queues);
	stop_serving();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_call_has_its_answer),
		TEST(many_threads_share_a_queue),
		TEST(many_threads_share_many_queues),
		TEST(fewer_requests_than_threads_are_enough),
		TEST(queues_with_one_interrupt_are_shared_too),
		TEST(who_collects_for_all_hands_it_over),
		TEST(waiting_for_a_request_is_bounded_and_in_order),
		TEST(who_waits_for_a_request_keeps_others_going),
		TEST(a_request_comes_back_when_its_late_handle_is_released),
		TEST(a_deadline_is_kept_while_another_thread_sleeps),
		TEST(another_thread_cancels_a_call),
		TEST(a_failure_ends_all_calls),
		TEST(a_signal_does_not_end_a_call),
		TEST(a_callback_is_called_by_whoever_collects),
		TEST(who_waits_for_a_change_collects_what_makes_it),
		TEST(who_is_done_before_he_runs_is_not_the_reaper),
		TEST(threads_of_the_library_call_back_while_nobody_waits),
		TEST(forgets_go_out_while_a_caller_sleeps),
		TEST(draining_waits_for_callbacks),
		TEST(queues_are_taken_over_once),
		TEST(what_was_not_prepared_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
