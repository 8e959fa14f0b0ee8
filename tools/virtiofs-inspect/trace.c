/* SPDX-License-Identifier: MIT */
/* Each request of a session, as it is answered: a wish that is renewed, and what comes of it. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "attach.h"
#include "core/core.h"
#include "inspect.h"
#include "opcodes.h"
#include "output.h"

#define NS_PER_S 1000000000ull

/* How long a wish is for, so that little is done for one who was killed. */
#define WISH_NS (2 * NS_PER_S)

/* Between two looks. A queue keeps a thousand events. */
#define PAUSE_US 20000u

struct event {
	unsigned int queue;
	struct vfs_observe_event event;
};

struct events {
	struct event *list;
	size_t count;
	size_t room;
};

struct tracing {
	struct attached *session;
	uint64_t *last; /* number of the last event of each queue */
	unsigned int num_queues;
	uint64_t missed;
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static int wish(const struct attached *session, uint64_t until_ns)
{
	if (pwrite(session->wish_fd, &until_ns, sizeof(until_ns), 0) == sizeof(until_ns))
		return 0;
	return vfs_error(-EACCES, "process %d cannot be told to show its requests: %s",
		session->pid, strerror(errno));
}

/* ---- taking events ---- */

static int append(struct events *events, unsigned int queue, const struct vfs_observe_event *event)
{
	if (events->count == events->room) {
		size_t room = events->room ? 2 * events->room : 256;
		struct event *list = reallocarray(events->list, room, sizeof(*list));

		if (!list)
			return vfs_error(-ENOMEM, "out of memory");
		events->list = list;
		events->room = room;
	}
	events->list[events->count++] = (struct event){.queue = queue, .event = *event};
	return 0;
}

static int take_queue(struct tracing *tracing, unsigned int index, struct events *events)
{
	const struct snapshot *snapshot = &tracing->session->snapshot;
	struct vfs_observe_queue queue = snapshot_queue(snapshot, index);
	uint64_t newest = tracing->last[index];
	uint64_t count = 0;
	int r = 0;

	for (uint64_t i = 0; r == 0 && i < queue.events.count; i++) {
		const void *element = snapshot_element(snapshot, &queue.events, i);
		struct vfs_observe_event event;

		if (!element || queue.events.stride < sizeof(event))
			break;
		memcpy(&event, element, sizeof(event));
		/* Another one is being written there. */
		if (event.number != event.again || event.number <= tracing->last[index])
			continue;
		newest = event.number > newest ? event.number : newest;
		count++;
		r = append(events, index, &event);
	}
	tracing->missed += newest - tracing->last[index] - count;
	tracing->last[index] = newest;
	return r;
}

static int by_time(const void *a, const void *b)
{
	const struct event *x = a;
	const struct event *y = b;

	if (x->event.until != y->event.until)
		return x->event.until < y->event.until ? -1 : 1;
	return x->event.number < y->event.number ? -1 : 1;
}

static int take_all(struct tracing *tracing, struct events *events)
{
	int r = 0;

	events->count = 0;
	for (unsigned int i = 0; r == 0 && i < tracing->num_queues; i++)
		r = take_queue(tracing, i, events);
	if (events->count)
		qsort(events->list, events->count, sizeof(events->list[0]), by_time);
	return r;
}

/* ---- showing them ---- */

static void show_text(const struct snapshot *snapshot, const struct event *e)
{
	uint64_t took = e->event.until > e->event.since ? e->event.until - e->event.since : 0;
	char time[OUTPUT_TIME_MAX];

	printf("%12.6f  %u  %-16s 0x%" PRIx64 " node %" PRIu64 "  sent %u received %u  %s",
		(double)snapshot_ns(snapshot, e->event.until - snapshot->created.ticks) / 1e9,
		e->queue, opcode_name(e->event.opcode), e->event.unique, e->event.node,
		e->event.sent, e->event.received, output_time(snapshot_ns(snapshot, took), time));
	if (e->event.error)
		printf("  %s", e->event.error < 0 && e->event.error > -4096
				       ? strerror(-e->event.error)
				       : "error");
	putchar('\n');
}

static void show_json(const struct snapshot *snapshot, const struct event *e)
{
	uint64_t took = e->event.until > e->event.since ? e->event.until - e->event.since : 0;

	printf("{\"at_ns\": %" PRIu64 ",\"queue\": %u,\"opcode\": \"%s\",\"unique\": %" PRIu64
	       ",\"node\": %" PRIu64 ",\"sent\": %u,\"received\": %u,\"error\": %d,\"took_ns\": "
	       "%" PRIu64 "}\n",
		snapshot_ns(snapshot, e->event.until - snapshot->created.ticks), e->queue,
		opcode_name(e->event.opcode), e->event.unique, e->event.node, e->event.sent,
		e->event.received, e->event.error, snapshot_ns(snapshot, took));
}

static void show_all(const struct tracing *tracing, const struct events *events)
{
	for (size_t i = 0; i < events->count; i++) {
		if (inspect_options.json)
			show_json(&tracing->session->snapshot, &events->list[i]);
		else
			show_text(&tracing->session->snapshot, &events->list[i]);
	}
	fflush(stdout);
}

/* ---- for as long as somebody wants to see it ---- */

static bool is_over(uint64_t begin_ns)
{
	uint64_t limit = inspect_options.seconds * NS_PER_S;

	return stopped || ferror(stdout) || (limit && vfs_now_ns() - begin_ns >= limit);
}

static int follow(struct tracing *tracing)
{
	struct attached *session = tracing->session;
	uint64_t begin_ns = vfs_now_ns();
	struct events events = {0};
	/* What there is already is from somebody else's wish. */
	int r = take_all(tracing, &events);

	tracing->missed = 0;
	while (r == 0 && !is_over(begin_ns)) {
		r = wish(session, vfs_now_ns() + WISH_NS);
		usleep(PAUSE_US);
		if (r == 0)
			r = attach_again(session);
		if (r == 0 && snapshot_num_queues(&session->snapshot) != tracing->num_queues)
			r = vfs_error(
				-EPROTO, "the page of process %d changes its size", session->pid);
		if (r == 0)
			r = take_all(tracing, &events);
		if (r == 0)
			show_all(tracing, &events);
	}
	free(events.list);
	if (tracing->missed)
		fprintf(stderr, "virtiofs-inspect: %" PRIu64 " were too fast to be seen\n",
			tracing->missed);
	return r;
}

static int trace(struct attached *session, void *ctx)
{
	struct tracing tracing = {
		.session = session, .num_queues = snapshot_num_queues(&session->snapshot)};
	int r;

	(void)ctx;
	tracing.last = calloc(tracing.num_queues, sizeof(*tracing.last));
	if (!tracing.last)
		return vfs_error(-ENOMEM, "out of memory");
	r = follow(&tracing);
	free(tracing.last);
	if (r == 0)
		(void)wish(session, 0);
	/* It has ended: there is nothing more to be seen. 1: and nobody else is looked at. */
	return r < 0 && r != -ESRCH ? r : 1;
}

int verb_trace(int count, char **names)
{
	struct sigaction action = {.sa_handler = stop};
	int r;

	(void)count;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	r = attach_each(names[0], trace, NULL);
	return r < 0 ? r : 0;
}
