/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/error.h>
#include <vfs/log.h>

#include "fault_driver.h"

struct device_process process;
struct connection conn;
char said[4096];
unsigned int quirks;
unsigned int notify_buffers;

static void remember_log(enum vfs_log_level level, const char *message, void *ctx)
{
	size_t used = strlen(said);

	(void)level;
	(void)ctx;
	snprintf(said + used, sizeof(said) - used, "%s\n", message);
}

long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int connect_session(struct connection *c)
{
	const struct vfs_session_options options = {
		.timeout_ms = TIMEOUT_MS, .quirks = quirks, .notify_buffers = notify_buffers};
	struct vfs_init want = {0}, got;
	int r;

	*c = (struct connection){0};
	r = vfs_device_open(process.name, NULL, &c->device);
	if (r == 0)
		r = vfs_session_create(c->device, &options, &c->session);
	if (r == 0)
		r = vfs_session_init(c->session, &want, &got);
	if (r == 0)
		c->queue = vfs_session_queue(c->session, 0);
	return r;
}

void disconnect(struct connection *c)
{
	vfs_session_destroy(c->session);
	vfs_device_close(c->device);
	*c = (struct connection){0};
}

struct vfs_request *send_getattr(struct connection *c)
{
	struct fuse_in_header header = {.opcode = FUSE_GETATTR, .nodeid = FUSE_ROOT_ID};
	struct fuse_getattr_in in = {0};
	struct vfs_request *request = vfs_request_get(c->queue);
	char *message;

	assert_non_null(request);
	message = vfs_request_message(request);
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), &in, sizeof(in));
	assert_int_equal(vfs_request_prepare(request, sizeof(header) + sizeof(in)), 0);
	assert_int_equal(vfs_queue_submit(c->queue, &request, 1), 0);
	return request;
}

struct vfs_request *reap(struct connection *c, int timeout_ms)
{
	struct vfs_request *done;

	while (!vfs_queue_reap(c->queue, &done, 1)) {
		int r = vfs_queue_wait(c->queue, timeout_ms);

		if (r == -ETIMEDOUT)
			return NULL;
		assert_int_equal(r, 0);
	}
	return done;
}

int getattr_within(struct connection *c, int timeout_ms)
{
	struct vfs_request *request = send_getattr(c), *done = reap(c, timeout_ms);
	int r;

	if (!done)
		return -ETIMEDOUT;
	assert_ptr_equal(done, request);
	r = vfs_request_error(done);
	vfs_request_put(done);
	return r;
}

int getattr(struct connection *c)
{
	return getattr_within(c, BOUND_MS);
}

void assert_said(const char *text)
{
	if (!strstr(said, text))
		fail_msg("no '%s' in what was said: %s", text, said);
}

void command(const char *line)
{
	assert_int_equal(device_process_command(&process, line), 0);
}

void assert_next_works(void)
{
	command("clear");
	assert_int_equal(connect_session(&conn), 0);
	assert_int_equal(getattr(&conn), 0);
	disconnect(&conn);
}

void fault_in_getattr(const char *fault, int expected, const char *reason)
{
	long start = now_ms();

	said[0] = '\0';
	assert_int_equal(connect_session(&conn), 0);
	command(fault);
	assert_int_equal(
		getattr_within(&conn, expected == -ETIMEDOUT ? TIMEOUT_MS : BOUND_MS), expected);
	disconnect(&conn);
	assert_said(reason);
	assert_next_works();
	assert_in_range(now_ms() - start, 0, BOUND_MS);
}

void fault_in_connect(const char *fault, int expected, const char *reason)
{
	long start = now_ms();

	said[0] = '\0';
	command(fault);
	assert_int_equal(connect_session(&conn), expected);
	remember_log(VFS_LOG_ERROR, vfs_last_error(), NULL);
	disconnect(&conn);
	assert_said(reason);
	assert_next_works();
	assert_in_range(now_ms() - start, 0, BOUND_MS);
}

/* Of this process: what the library opened it has closed. */
static unsigned int descriptors(void)
{
	const struct device_process self = {.pid = getpid()};

	return device_process_descriptors(&self);
}

static unsigned int own_descriptors;

int start_process(const struct device_process *how)
{
	process = *how;
	vfs_log_set(remember_log, VFS_LOG_DEBUG, NULL);
	own_descriptors = descriptors();
	return device_process_start(&process, false);
}

int start_vhost_user(void **state)
{
	(void)state;
	return start_process(&(struct device_process){.dax = "16"});
}

int start_vfio_user(void **state)
{
	(void)state;
	return start_process(&(struct device_process){.dax = "16", .vfio_user = true});
}

int stop_process(void **state)
{
	(void)state;
	if (descriptors() != own_descriptors)
		fail_msg("%u descriptors at the start, %u at the end", own_descriptors,
			descriptors());
	return device_process_stop(&process);
}

int close_connection(void **state)
{
	(void)state;
	disconnect(&conn);
	return 0;
}
