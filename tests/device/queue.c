/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "device.h"
#include "queue.h"
#include "say.h"

/* More than any FUSE message; what is longer is a mistake. */
#define MESSAGE_MAX (4u << 20)

static void signal_fd(int fd)
{
	uint64_t one = 1;
	ssize_t n;

	if (fd < 0)
		return;
	/* A full counter has been signalled enough. */
	n = write(fd, &one, sizeof(one));
	(void)n;
}

static void drain_fd(int fd)
{
	uint64_t count;
	ssize_t n = read(fd, &count, sizeof(count));

	(void)n;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int queue_create(struct queue *queue, struct device *device, unsigned int index)
{
	*queue = (struct queue){
		.device = device, .index = index, .kick = -1, .call = -1, .error = -1};
	queue->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (queue->stop < 0)
		return -errno;
	pthread_mutex_init(&queue->lock, NULL);
	return 0;
}

void queue_destroy(struct queue *queue)
{
	queue_reset(queue);
	close_fd(&queue->stop);
	pthread_mutex_destroy(&queue->lock);
}

void queue_set_kick(struct queue *queue, int fd)
{
	close_fd(&queue->kick);
	queue->kick = fd;
}

void queue_set_call(struct queue *queue, int fd)
{
	pthread_mutex_lock(&queue->lock);
	close_fd(&queue->call);
	queue->call = fd;
	pthread_mutex_unlock(&queue->lock);
}

void queue_set_error(struct queue *queue, int fd)
{
	pthread_mutex_lock(&queue->lock);
	close_fd(&queue->error);
	queue->error = fd;
	pthread_mutex_unlock(&queue->lock);
}

int queue_do(struct queue *queue, unsigned int run, queue_step step, void *argument)
{
	struct view view = {.memory = queue->device->memory};
	int r;

	for (;;) {
		pthread_mutex_lock(&queue->lock);
		if (queue->stopping || queue->run != run) {
			r = -ECANCELED;
		} else {
			view_begin(&view);
			r = step(queue, &view, argument);
			view_end(&view);
		}
		pthread_mutex_unlock(&queue->lock);
		if (r != -EFAULT)
			return r;
		r = view_resolve(&view);
		if (r == -EFAULT) {
			say("queue %u: nothing can be reached at %#llx", queue->index,
				(unsigned long long)view.missed);
			return r;
		}
	}
}

void queue_kick(struct queue *queue)
{
	signal_fd(queue->kick);
}

void queue_signal_error(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	signal_fd(queue->error);
	pthread_mutex_unlock(&queue->lock);
}

/* The queue can do no more; the driver is told. */
static void give_up(struct queue *queue)
{
	say("queue %u stops", queue->index);
	device_needs_reset(queue->device);
}

static int pop_step(struct queue *queue, struct view *view, void *argument)
{
	struct request *request = argument;

	return ring_pop(&queue->ring, view, &request->chain);
}

static int read_step(struct queue *queue, struct view *view, void *argument)
{
	struct request *request = argument;

	(void)queue;
	return chain_read(&request->chain, view, 0, request->message, request->chain.readable);
}

static int sleep_step(struct queue *queue, struct view *view, void *argument)
{
	(void)argument;
	return ring_want_kick(&queue->ring, view);
}

static int awake_step(struct queue *queue, struct view *view, void *argument)
{
	(void)argument;
	return ring_no_kick(&queue->ring, view);
}

static int read_message(struct request *request)
{
	if (request->chain.readable > MESSAGE_MAX) {
		say("a request of %zu bytes", request->chain.readable);
		return -EPROTO;
	}
	/* One byte more than nothing, so that NULL is always a failure. */
	request->message = malloc(request->chain.readable + 1);
	if (!request->message)
		return -ENOMEM;
	return queue_do(request->queue, request->run, read_step, request);
}

/* The next request, or NULL with @result 0 or an error. */
static struct request *next_request(struct queue *queue, int *result)
{
	struct request *request = calloc(1, sizeof(*request));

	*result = -ENOMEM;
	if (!request)
		return NULL;
	request->queue = queue;
	request->run = queue->run;
	*result = queue_do(queue, queue->run, pop_step, request);
	if (*result == 1) {
		*result = read_message(request);
		if (*result == 0)
			return request;
	}
	request_free(request);
	return NULL;
}

static int take_requests(struct queue *queue)
{
	struct request *request;
	int r = 0;

	while (!queue->device->stalled && (request = next_request(queue, &r)) != NULL)
		device_handle(queue->device, request);
	return r;
}

static void wait_for_kick(struct queue *queue)
{
	struct pollfd fds[] = {
		{.fd = queue->kick, .events = POLLIN}, {.fd = queue->stop, .events = POLLIN}};

	poll(fds, 2, -1);
	if (fds[0].revents)
		drain_fd(queue->kick);
}

static int serve_by_kicks(struct queue *queue)
{
	int r;

	do {
		r = queue_do(queue, queue->run, awake_step, NULL);
		if (r == 0)
			r = take_requests(queue);
		if (r == 0 && !queue->device->stalled)
			r = queue_do(queue, queue->run, sleep_step, NULL);
		if (r == 0)
			wait_for_kick(queue);
	} while (r >= 0);
	return r;
}

/* The hiprio queue sleeps all the same: there is seldom anything on it. */
static bool polls(const struct queue *queue)
{
	return queue->device->polling && queue->index > 0;
}

static int serve_by_polling(struct queue *queue)
{
	int r = queue_do(queue, queue->run, awake_step, NULL);

	while (r == 0)
		r = take_requests(queue);
	return r;
}

/* One that the driver has given for notifications, all of it to be written. 1, 0: none, -errno */
static int next_buffer(struct queue *queue, struct request *buffer)
{
	int r;

	*buffer = (struct request){.queue = queue, .run = queue->run};
	r = queue_do(queue, queue->run, pop_step, buffer);
	if (r == 1 && (buffer->chain.readable || buffer->chain.writable < NOTIFY_BUFFER)) {
		say("a buffer for notifications of %zu bytes, and %zu to be read",
			buffer->chain.writable, buffer->chain.readable);
		r = -EPROTO;
	}
	return r;
}

struct notification {
	struct chain *chain;
	const char *bytes;
	size_t size;
};

static int notify_step(struct queue *queue, struct view *view, void *argument)
{
	const struct notification *n = argument;

	(void)queue;
	return chain_write(n->chain, view, 0, n->bytes, n->size);
}

/* 1: it was sent, 0: there is no buffer. */
static int send_notification(struct queue *queue, const char *bytes, size_t size)
{
	struct request buffer;
	struct notification notification = {.chain = &buffer.chain, .bytes = bytes, .size = size};
	int r = next_buffer(queue, &buffer), w = 0;

	if (r == 1)
		w = queue_do(queue, queue->run, notify_step, &notification);
	if (r == 1 && w == 0) {
		notifier_taken(queue->device->notifier);
		queue_push(queue, queue->run, buffer.chain.head, (uint32_t)size);
	}
	chain_free(&buffer.chain);
	return w < 0 ? w : r;
}

/* 1: nothing is left to be sent, 0: no buffer is left. */
static int send_notifications(struct queue *queue)
{
	char bytes[NOTIFY_BUFFER];
	size_t size;
	int r = 1;

	while (r == 1 && (size = notifier_first(queue->device->notifier, bytes)) > 0)
		r = send_notification(queue, bytes, size);
	return r;
}

static void wait_for_notification(struct queue *queue)
{
	struct pollfd fds[] = {{.fd = notifier_event(queue->device->notifier), .events = POLLIN},
		{.fd = queue->stop, .events = POLLIN}};

	poll(fds, 2, -1);
	if (fds[0].revents)
		drain_fd(fds[0].fd);
}

/* Kicks matter only to one who waits for a buffer. */
static int serve_notifications(struct queue *queue)
{
	int r;

	do {
		r = queue_do(queue, queue->run, awake_step, NULL);
		if (r == 0)
			r = send_notifications(queue);
		if (r == 1) {
			wait_for_notification(queue);
			continue;
		}
		if (r == 0)
			r = queue_do(queue, queue->run, sleep_step, NULL);
		if (r == 0)
			wait_for_kick(queue);
	} while (r >= 0);
	return r;
}

static int serve_as_it_should(struct queue *queue)
{
	if (device_notifies_on(queue->device, queue))
		return serve_notifications(queue);
	return polls(queue) ? serve_by_polling(queue) : serve_by_kicks(queue);
}

static void *serve(void *argument)
{
	struct queue *queue = argument;
	int r = serve_as_it_should(queue);

	if (r != -ECANCELED)
		give_up(queue);
	return NULL;
}

static int start_step(struct queue *queue, struct view *view, void *argument)
{
	(void)argument;
	return ring_start(&queue->ring, view, queue->base);
}

static void *start_and_serve(void *argument)
{
	struct queue *queue = argument;
	int r = queue_do(queue, queue->run, start_step, NULL);

	if (r == 0)
		return serve(queue);
	if (r != -ECANCELED)
		give_up(queue);
	return NULL;
}

int queue_start(struct queue *queue)
{
	int r;

	if (queue->running || !queue->enabled || queue->kick < 0 || !queue->ring.size)
		return 0;
	pthread_mutex_lock(&queue->lock);
	queue->stopping = false;
	queue->run++;
	pthread_mutex_unlock(&queue->lock);
	/* In the thread, since the addresses may have to be translated by whoever asks for this. */
	r = -pthread_create(&queue->thread, NULL, start_and_serve, queue);
	queue->running = r == 0;
	return r;
}

void queue_stop(struct queue *queue)
{
	if (!queue->running)
		return;
	pthread_mutex_lock(&queue->lock);
	queue->stopping = true;
	pthread_mutex_unlock(&queue->lock);
	memory_cancel(queue->device->memory, true);
	signal_fd(queue->stop);
	pthread_join(queue->thread, NULL);
	drain_fd(queue->stop);
	memory_cancel(queue->device->memory, false);
	queue->running = false;
	queue->base = queue->ring.next_avail;
}

void queue_reset(struct queue *queue)
{
	queue_stop(queue);
	queue_set_kick(queue, -1);
	queue_set_call(queue, -1);
	queue_set_error(queue, -1);
	queue->enabled = false;
	queue->base = 0;
	queue->ring = (struct ring){0};
}

struct push {
	uint32_t head;
	uint32_t length;
};

static int push_step(struct queue *queue, struct view *view, void *argument)
{
	const struct push *push = argument;

	return ring_push(&queue->ring, view, push->head, push->length);
}

static int call_step(struct queue *queue, struct view *view, void *argument)
{
	int r = ring_wants_call(&queue->ring, view);

	(void)argument;
	if (r > 0)
		signal_fd(queue->call);
	return r;
}

void queue_push(struct queue *queue, unsigned int run, uint32_t head, uint32_t length)
{
	struct push push = {.head = head, .length = length};
	int r = queue_do(queue, run, push_step, &push);

	if (r == 0)
		r = queue_do(queue, run, call_step, NULL);
	if (r < 0 && r != -ECANCELED)
		give_up(queue);
}
