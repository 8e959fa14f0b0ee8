/* SPDX-License-Identifier: MIT */
/* What other threads ask of the relay's: sent in order, answered, or ended with the relay. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <vfs/fuse.h>

#include "jobs.h"

#define PATIENCE_MS 20000

/* ---- a stub of the library: the answer of an operation is its node's number ---- */

struct vfs_request {
	void *user_data;
	uint64_t node;
	bool submitted;
	bool back;
};

static int submit_error;
static int encode_error;

int vfs_op_encode(struct vfs_op *op, struct vfs_request *request)
{
	request->node = op->node;
	return encode_error;
}

int64_t vfs_op_finish(struct vfs_op *op, const struct vfs_request *request)
{
	assert_int_equal(op->node, request->node);
	op->answered = true;
	return op->result = (int64_t)request->node;
}

int vfs_queue_submit(
	struct vfs_queue *queue, struct vfs_request *const *requests, unsigned int count)
{
	(void)queue;
	assert_int_equal(count, 1);
	requests[0]->submitted = !submit_error;
	return submit_error;
}

void vfs_request_put(struct vfs_request *request)
{
	assert_false(request->back);
	request->back = true;
}

void vfs_request_set_user_data(struct vfs_request *request, void *data)
{
	request->user_data = data;
}

void *vfs_request_user_data(const struct vfs_request *request)
{
	return request->user_data;
}

/* ---- who asks ---- */

static struct jobs jobs;

struct asker {
	pthread_t thread;
	struct vfs_op op;
	int64_t result;
};

static void *ask(void *arg)
{
	struct asker *asker = arg;

	asker->result = jobs_call(&jobs, &asker->op);
	return NULL;
}

static void start_asking(struct asker *asker, uint64_t node)
{
	*asker = (struct asker){.op = {.node = node}};
	assert_int_equal(pthread_create(&asker->thread, NULL, ask, asker), 0);
}

/* The relay sleeps until there is something to send. */
static void await_job(void)
{
	struct pollfd pfd = {.fd = jobs.fd, .events = POLLIN};

	while (!jobs_wait(&jobs)) {
		assert_int_equal(poll(&pfd, 1, PATIENCE_MS), 1);
		jobs_woken(&jobs);
	}
}

static void send_next(struct vfs_request *request)
{
	await_job();
	*request = (struct vfs_request){0};
	assert_int_equal(jobs_send(&jobs, request), 0);
}

static int set_up(void **state)
{
	(void)state;
	submit_error = encode_error = 0;
	return jobs_init(&jobs, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	jobs_free(&jobs);
	return 0;
}

static void answers_reach_those_who_asked(void **state)
{
	struct asker askers[2];
	struct vfs_request requests[2];

	(void)state;
	start_asking(&askers[0], 11);
	send_next(&requests[0]);
	start_asking(&askers[1], 22);
	send_next(&requests[1]);
	assert_true(requests[0].submitted && requests[1].submitted);
	assert_false(jobs_wait(&jobs));
	assert_true(jobs_finish(&jobs, &requests[1]));
	pthread_join(askers[1].thread, NULL);
	assert_int_equal(askers[1].result, 22);
	assert_true(jobs_finish(&jobs, &requests[0]));
	pthread_join(askers[0].thread, NULL);
	assert_int_equal(askers[0].result, 11);
	assert_true(askers[0].op.answered);
	/* They are the caller's to put back. */
	assert_false(requests[0].back || requests[1].back);
}

static void what_others_asked_is_not_ours(void **state)
{
	struct vfs_request request = {0};
	char other;

	(void)state;
	assert_false(jobs_finish(&jobs, &request));
	request.user_data = &other;
	assert_false(jobs_finish(&jobs, &request));
}

static void what_cannot_be_written_fails_alone(void **state)
{
	struct asker asker;
	struct vfs_request request;

	(void)state;
	encode_error = -E2BIG;
	start_asking(&asker, 5);
	send_next(&request);
	pthread_join(asker.thread, NULL);
	assert_int_equal(asker.result, -E2BIG);
	assert_false(asker.op.answered);
	assert_true(request.back && !request.submitted);
}

static void a_dead_device_is_told(void **state)
{
	struct asker asker;
	struct vfs_request request = {0};

	(void)state;
	submit_error = -EIO;
	start_asking(&asker, 5);
	await_job();
	assert_int_equal(jobs_send(&jobs, &request), -EIO);
	pthread_join(asker.thread, NULL);
	assert_int_equal(asker.result, -EIO);
	assert_true(request.back);
}

/* Those that are on their way, those that wait, and those that come later. */
static void nobody_waits_for_a_relay_that_has_ended(void **state)
{
	struct asker askers[3];
	struct vfs_request request;

	(void)state;
	start_asking(&askers[0], 1);
	send_next(&request);
	start_asking(&askers[1], 2);
	await_job();
	jobs_close(&jobs);
	pthread_join(askers[0].thread, NULL);
	pthread_join(askers[1].thread, NULL);
	start_asking(&askers[2], 3);
	pthread_join(askers[2].thread, NULL);
	assert_int_equal(askers[0].result, -ECANCELED);
	assert_int_equal(askers[1].result, -ECANCELED);
	assert_int_equal(askers[2].result, -ECANCELED);
	assert_false(jobs_wait(&jobs));
	/* Its answer comes, and there is nobody to have it. */
	assert_true(jobs_finish(&jobs, &request));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_reach_those_who_asked),
		TEST(what_others_asked_is_not_ours),
		TEST(what_cannot_be_written_fails_alone),
		TEST(a_dead_device_is_told),
		TEST(nobody_waits_for_a_relay_that_has_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
