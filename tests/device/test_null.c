/* SPDX-License-Identifier: MIT */
/* The device that serves nothing, polling: to be trusted with measurements it has to be right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <vfs/device.h>
#include <vfs/request.h>
#include <vfs/session.h>

#include "device_process.h"

#define ROUNDS 20000u
#define BATCH  32u

static struct device_process process;

static struct vfs_request *prepare_getattr(struct vfs_queue *queue)
{
	struct fuse_in_header header = {.opcode = FUSE_GETATTR, .nodeid = FUSE_ROOT_ID};
	struct fuse_getattr_in in = {0};
	struct vfs_request *request = vfs_request_get(queue);
	char *message;

	assert_non_null(request);
	message = vfs_request_message(request);
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), &in, sizeof(in));
	assert_int_equal(vfs_request_prepare(request, sizeof(header) + sizeof(in)), 0);
	return request;
}

static void run_batch(struct vfs_queue *queue, unsigned int size)
{
	struct vfs_request *requests[BATCH];
	unsigned int i, done = 0;

	for (i = 0; i < size; i++)
		requests[i] = prepare_getattr(queue);
	assert_int_equal(vfs_queue_submit(queue, requests, size), 0);
	while (done < size) {
		unsigned int n = vfs_queue_reap(queue, requests, BATCH);

		for (i = 0; i < n; i++) {
			assert_int_equal(vfs_request_error(requests[i]), 0);
			vfs_request_put(requests[i]);
		}
		done += n;
		if (!n)
			assert_int_equal(vfs_queue_wait(queue, 10000), 0);
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void test_answers_many(void **state)
{
	struct vfs_init want = {0}, got;
	struct vfs_session *session;
	struct vfs_device *device;
	unsigned int size, i;

	(void)state;
	assert_int_equal(vfs_device_open(process.name, NULL, &device), 0);
	assert_int_equal(vfs_session_create(device, NULL, &session), 0);
	assert_int_equal(vfs_session_init(session, &want, &got), 0);
	for (size = 1; size <= BATCH; size *= BATCH) {
		double start = seconds();

		for (i = 0; i < ROUNDS; i += size)
			run_batch(vfs_session_queue(session, 0), size);
		print_message("GETATTR, %u at a time: %.2f us each\n", size,
			(seconds() - start) * 1e6 / ROUNDS);
	}
	vfs_session_destroy(session);
	vfs_device_close(device);
}

static int start_process(void **state)
{
	(void)state;
	return device_process_start(&process, true);
}

static int stop_process(void **state)
{
	(void)state;
	return device_process_stop(&process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_many),
		/* Again: the first driver has left. */
		cmocka_unit_test(test_answers_many),
	};

	return cmocka_run_group_tests(tests, start_process, stop_process);
}
