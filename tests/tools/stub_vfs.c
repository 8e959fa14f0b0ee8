/* SPDX-License-Identifier: MIT */
/*
 * A stub of the library's public functions, served by stub_server.c, so that the bridge can be
 * mounted with no device. The environment says what goes wrong:
 *
 * STUB_OPEN, STUB_CREATE, STUB_INIT   errno of vfs_device_open(), vfs_session_create(),
 *                                     vfs_session_init()
 * STUB_FORGET_MS                      how long the hiprio queue, which has one entry, takes for
 *                                     one FORGET
 * STUB_REPORT                         a file for what there is to say at the end
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <vfs/device.h>
#include <vfs/error.h>
#include <vfs/log.h>
#include <vfs/notify.h>
#include <vfs/quirks.h>
#include <vfs/request.h>
#include <vfs/session.h>

#include "stub_server.h"

#define PAGE  4096
#define NEVER INT64_MAX

struct vfs_request {
	struct vfs_queue *queue;
	char *memory; /* a page for the head, then the payload */
	char *payload;
	struct fuse_out_header header;
	struct stub_answer answer;
	int64_t due_ms;
	size_t length;
	void *user_data;
	/* Others look at it while whoever has taken it prepares it. */
	_Atomic enum { FREE, TAKEN, PREPARED, IN_FLIGHT } state;
};

struct vfs_queue {
	struct vfs_request *requests;
	unsigned int depth;
	unsigned int in_flight;
	struct vfs_queue_counters counters;
	int fd;
};

struct vfs_session {
	struct vfs_queue queue;
	struct vfs_queue hiprio;
	size_t max_payload;
	uint64_t forgets_waiting;
	int64_t forget_due_ms; /* when the hiprio queue has room */
	bool connected;
};

struct vfs_device {
	int event_fd;
};

static struct vfs_device the_device;
static struct vfs_session the_session;
static atomic_bool device_dead;
static pthread_mutex_t hiprio_lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *report; /* NULL: nobody asked for one */
static _Thread_local char last_error[128];

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int number(const char *name)
{
	const char *text = getenv(name);

	return text ? atoi(text) : 0;
}

static int fail(int error, const char *what)
{
	snprintf(last_error, sizeof(last_error), "stub: %s on purpose", what);
	return -error;
}

static int fail_if_told(const char *name)
{
	int error = number(name);

	return error ? fail(error, name) : 0;
}

const char *vfs_last_error(void)
{
	return last_error;
}

void vfs_log_set(vfs_log_fn fn, enum vfs_log_level max_level, void *ctx)
{
	/* A warning at the start, which must not add to the line that says why it failed. */
	if (fn && max_level >= VFS_LOG_WARNING)
		fn(VFS_LOG_WARNING, "stub: a warning", ctx);
}

int vfs_notify_fd(const struct vfs_session *session)
{
	(void)session;
	return -ENOTSUP;
}

bool vfs_notify_arm(struct vfs_session *session)
{
	(void)session;
	return false;
}

int vfs_notify_next(struct vfs_session *session, struct vfs_notification *notification)
{
	(void)session;
	(void)notification;
	return -ENOTSUP;
}

int vfs_quirk_parse(const char *names, unsigned int *quirks)
{
	(void)names;
	*quirks = 0;
	return 0;
}

int vfs_device_open(
	const char *name, const struct vfs_device_options *options, struct vfs_device **device)
{
	int error = fail_if_told("STUB_OPEN");

	(void)name;
	(void)options;
	if (error)
		return error;
	/* At the end nothing can be opened. */
	if (getenv("STUB_REPORT"))
		report = fopen(getenv("STUB_REPORT"), "we");
	the_device.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*device = &the_device;
	return 0;
}

const struct vfs_device_info *vfs_device_info(const struct vfs_device *device)
{
	static const struct vfs_device_info info = {.tag = "stub,tag", .num_request_queues = 1};

	(void)device;
	return &info;
}

int vfs_device_event_fd(const struct vfs_device *device)
{
	return device->event_fd;
}

int vfs_device_check(struct vfs_device *device)
{
	uint64_t value;

	if (read(device->event_fd, &value, sizeof(value)) < 0)
		return 0;
	return device_dead ? fail(ENODEV, "the device was unplugged") : 0;
}

void vfs_device_close(struct vfs_device *device)
{
	if (!device)
		return;
	close(device->event_fd);
	if (!report)
		return;
	fprintf(report, "lookups %llu forgets %llu size %llu last %u\n",
		(unsigned long long)stub_server.lookups, (unsigned long long)stub_server.forgets,
		(unsigned long long)stub_server.file_size, stub_server.last_byte);
	fclose(report);
}

static void create_queue(struct vfs_queue *queue, unsigned int depth, size_t max_payload)
{
	unsigned int i;

	queue->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	queue->depth = depth;
	queue->requests = calloc(depth, sizeof(*queue->requests));
	for (i = 0; i < depth; i++) {
		queue->requests[i].queue = queue;
		queue->requests[i].memory = aligned_alloc(PAGE, PAGE + max_payload);
		queue->requests[i].payload = aligned_alloc(PAGE, max_payload);
	}
}

static void destroy_queue(struct vfs_queue *queue)
{
	unsigned int i;

	close(queue->fd);
	for (i = 0; i < queue->depth; i++) {
		free(queue->requests[i].memory);
		free(queue->requests[i].payload);
	}
	free(queue->requests);
}

int vfs_session_create(struct vfs_device *device, const struct vfs_session_options *options,
	struct vfs_session **session)
{
	int error = fail_if_told("STUB_CREATE");

	(void)device;
	if (error)
		return error;
	the_session.max_payload = (options->max_payload + PAGE - 1) / PAGE * PAGE;
	create_queue(&the_session.queue, options->depth, the_session.max_payload);
	create_queue(&the_session.hiprio, 1, PAGE);
	*session = &the_session;
	return 0;
}

int vfs_session_init(struct vfs_session *session, const struct vfs_init *want, struct vfs_init *got)
{
	int error = fail_if_told("STUB_INIT");

	if (error)
		return error;
	/* A server that says yes to nearly all that it is offered. */
	*got = *want;
	got->flags &= ~(uint64_t)FUSE_DO_READDIRPLUS;
	got->max_write = (uint32_t)session->max_payload;
	got->max_pages = (uint16_t)(session->max_payload / PAGE);
	got->time_gran = 1;
	session->connected = true;
	return 0;
}

size_t vfs_session_max_payload(const struct vfs_session *session)
{
	return session->max_payload;
}

unsigned int vfs_session_num_queues(const struct vfs_session *session)
{
	(void)session;
	return 1;
}

struct vfs_queue *vfs_session_queue(struct vfs_session *session, unsigned int index)
{
	return index ? NULL : &session->queue;
}

void vfs_session_abort(struct vfs_session *session)
{
	(void)session;
	device_dead = true;
}

void vfs_session_destroy(struct vfs_session *session)
{
	if (!session)
		return;
	destroy_queue(&session->queue);
	destroy_queue(&session->hiprio);
}

struct vfs_request *vfs_request_get(struct vfs_queue *queue)
{
	unsigned int i;

	for (i = 0; i < queue->depth; i++) {
		if (queue->requests[i].state == FREE) {
			queue->requests[i].state = TAKEN;
			return &queue->requests[i];
		}
	}
	return NULL;
}

void vfs_request_put(struct vfs_request *request)
{
	if (!request)
		return;
	if (request->state == FREE || request->state == IN_FLIGHT)
		abort();
	request->state = FREE;
}

void vfs_request_set_user_data(struct vfs_request *request, void *data)
{
	request->user_data = data;
}

void *vfs_request_user_data(const struct vfs_request *request)
{
	return request->user_data;
}

/* The stub's server is told by itself how long it takes. */
void vfs_request_set_timeout(struct vfs_request *request, unsigned int timeout_ms)
{
	(void)request;
	(void)timeout_ms;
}

int vfs_request_reuse(struct vfs_request *request)
{
	return request->state == TAKEN ? 0 : -EINVAL;
}

void *vfs_request_message(struct vfs_request *request)
{
	return request->memory + PAGE - VFS_REQUEST_HEAD;
}

size_t vfs_request_capacity(const struct vfs_request *request)
{
	(void)request;
	return VFS_REQUEST_HEAD + the_session.max_payload;
}

int vfs_request_prepare(struct vfs_request *request, size_t length)
{
	const struct fuse_in_header *in = vfs_request_message(request);

	if (!the_session.connected || length < sizeof(*in) || in->len != length)
		return fail(EINVAL, "prepare");
	if (in->opcode == FUSE_GETXATTR)
		return fail(ENOSYS, "prepare");
	if (in->opcode == FUSE_LISTXATTR)
		return fail(E2BIG, "prepare");
	request->state = PREPARED;
	return 0;
}

static void kill_device(void)
{
	uint64_t one = 1;

	device_dead = true;
	if (write(the_device.event_fd, &one, sizeof(one)) < 0)
		abort();
}

static void serve(struct vfs_request *request)
{
	const struct fuse_in_header *in = vfs_request_message(request);

	stub_serve(in, request->payload, the_session.max_payload, &request->answer);
	request->due_ms = request->answer.never ? NEVER : now_ms() + request->answer.delay_ms;
	request->header = (struct fuse_out_header){
		.len = (uint32_t)(sizeof(request->header) + request->answer.length),
		.error = request->answer.error,
		.unique = in->unique,
	};
	if (request->answer.device_dies)
		kill_device();
}

int vfs_queue_submit(
	struct vfs_queue *queue, struct vfs_request *const *requests, unsigned int count)
{
	unsigned int i;

	if (device_dead)
		return fail(EIO, "submit to a dead device");
	for (i = 0; i < count; i++) {
		if (requests[i]->state != PREPARED || requests[i]->queue != queue)
			return fail(EINVAL, "submit");
	}
	for (i = 0; i < count; i++) {
		requests[i]->state = IN_FLIGHT;
		queue->in_flight++;
		queue->counters.submitted++;
		serve(requests[i]);
	}
	return 0;
}

static bool is_due(const struct vfs_request *request)
{
	return request->state == IN_FLIGHT && (device_dead || request->due_ms <= now_ms());
}

static void complete(struct vfs_request *request)
{
	if (device_dead) {
		request->header.error = -EIO;
		request->header.len = sizeof(request->header);
		request->answer.length = 0;
	}
	request->state = TAKEN;
	request->queue->in_flight--;
	request->queue->counters.completed++;
}

unsigned int vfs_queue_reap(
	struct vfs_queue *queue, struct vfs_request **requests, unsigned int max)
{
	unsigned int count = 0;
	unsigned int i;

	for (i = 0; i < queue->depth && count < max; i++) {
		if (is_due(&queue->requests[i])) {
			complete(&queue->requests[i]);
			requests[count++] = &queue->requests[i];
		}
	}
	return count;
}

const struct vfs_queue_counters *vfs_queue_counters(const struct vfs_queue *queue)
{
	return &queue->counters;
}

unsigned int vfs_queue_in_flight(const struct vfs_queue *queue)
{
	return queue->in_flight;
}

int vfs_queue_timeout(const struct vfs_queue *queue)
{
	(void)queue;
	return -1;
}

struct vfs_request *vfs_queue_find(struct vfs_queue *queue, uint64_t unique)
{
	unsigned int i;

	for (i = 0; i < queue->depth; i++) {
		struct vfs_request *request = &queue->requests[i];

		if (request->state == IN_FLIGHT && request->header.unique == unique)
			return request;
	}
	return NULL;
}

/* A server that does as it is told. */
int vfs_request_cancel(struct vfs_request *request)
{
	request->header.error = -EINTR;
	request->header.len = sizeof(request->header);
	request->answer.length = 0;
	request->due_ms = now_ms();
	return 0;
}

int vfs_queue_fd(const struct vfs_queue *queue)
{
	return queue->fd;
}

static int64_t next_due(const struct vfs_queue *queue)
{
	int64_t due = NEVER;
	unsigned int i;

	for (i = 0; i < queue->depth; i++) {
		const struct vfs_request *request = &queue->requests[i];

		if (request->state == IN_FLIGHT && request->due_ms < due)
			due = request->due_ms;
	}
	return due;
}

bool vfs_queue_arm(struct vfs_queue *queue)
{
	struct itimerspec timer = {0};
	int64_t due = next_due(queue);

	if (due == NEVER) {
		timerfd_settime(queue->fd, 0, &timer, NULL);
		return false;
	}
	if (device_dead || due <= now_ms())
		return true;
	timer.it_value.tv_sec = due / 1000;
	timer.it_value.tv_nsec = due % 1000 * 1000000;
	timerfd_settime(queue->fd, TFD_TIMER_ABSTIME, &timer, NULL);
	return false;
}

int vfs_request_error(const struct vfs_request *request)
{
	return request->header.error;
}

int vfs_request_reply(const struct vfs_request *request, struct iovec iov[2])
{
	iov[0].iov_base = (void *)&request->header;
	iov[0].iov_len = sizeof(request->header);
	iov[1].iov_base = request->payload;
	iov[1].iov_len = request->answer.length;
	return request->answer.length ? 2 : 1;
}

static void arm(struct vfs_queue *queue, int64_t due)
{
	struct itimerspec timer = {0};

	timer.it_value.tv_sec = due / 1000;
	timer.it_value.tv_nsec = due % 1000 * 1000000;
	timerfd_settime(queue->fd, TFD_TIMER_ABSTIME, &timer, NULL);
}

/* With the lock. One message at a time, each takes a while. */
static int progress(struct vfs_session *session)
{
	if (device_dead)
		return fail(EIO, "forget on a dead device");
	if (session->forgets_waiting && session->forget_due_ms <= now_ms()) {
		session->forget_due_ms = now_ms() + number("STUB_FORGET_MS");
		session->forgets_waiting--;
		stub_server.forgets++;
	}
	if (!session->forgets_waiting)
		return 0;
	arm(&session->hiprio, session->forget_due_ms > now_ms() ? session->forget_due_ms : 1);
	return 1;
}

int vfs_session_progress(struct vfs_session *session)
{
	int result;

	pthread_mutex_lock(&hiprio_lock);
	result = progress(session);
	pthread_mutex_unlock(&hiprio_lock);
	return result;
}

int vfs_session_hiprio_fd(const struct vfs_session *session)
{
	return session->hiprio.fd;
}

int vfs_forget(struct vfs_session *session, const struct fuse_forget_one *forgets, size_t count)
{
	size_t i;
	int result;

	pthread_mutex_lock(&hiprio_lock);
	for (i = 0; i < count; i++)
		session->forgets_waiting += forgets[i].nlookup;
	result = progress(session);
	pthread_mutex_unlock(&hiprio_lock);
	return result < 0 ? result : 0;
}
