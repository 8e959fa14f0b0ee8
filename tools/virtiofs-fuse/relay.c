/* SPDX-License-Identifier: MIT */
#include "relay.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <vfs/device.h>
#include <vfs/request.h>
#include <vfs/session.h>

#include "answer.h"
#include "clock.h"
#include "core/core.h"
#include "mount.h"
#include "report.h"
#include "signals.h"
#include "trace.h"
#include "window.h"

#define REAP_BATCH 32

/* Under load there is always something to do; signals and the device have to be heard too. */
#define MAX_TURNS 64

/* A look at the kernel is a system call, one at the device is not. */
#define LOOKS_AT_DEVICE 64

#define WAITS_BETWEEN_SIGNALS 64

enum { ON_FUSE, ON_QUEUE, ON_HIPRIO, ON_DEVICE, ON_UNMOUNT, ON_WINDOW, NUM_POLLED };

void relay_init(struct relay *relay, struct mount *mount, struct vfs_device *device,
	struct vfs_session *session, const struct relay_options *options)
{
	*relay = (struct relay){
		.mount = mount,
		.device = device,
		.session = session,
		.queue = vfs_session_queue(session, 0),
		.window = options->window,
		.unmount.done_fd = -1,
		.while_waiting = options->while_waiting,
		.timeout_ms = options->timeout_ms,
		.lock_wait = options->lock_wait,
		.intake =
			{
				.fuse_fd = mount->fd,
				.queue = vfs_session_queue(session, 0),
				.interrupts.queue = vfs_session_queue(session, 0),
				.session = session,
				.window = options->window,
				.figures = &relay->figures,
				.allow_root = options->allow_root,
				.trace = options->trace,
				.notices = options->notices,
				.owner = getuid(),
			},
	};
	looking_init(&relay->looking, options->poll);
}

static void end(struct relay *relay, int result)
{
	relay->state = RELAY_ENDED;
	relay->result = result;
}

static void fail(struct relay *relay, const char *what, const char *why)
{
	if (relay->state != RELAY_ENDED)
		report_error("%s: %s; %s %s", what, why,
			relay->mount->handed_in ? "closed" : "unmounted", relay->mount->dir);
	end(relay, -1);
	window_abandon(relay->window);
}

/* What is in flight shall not be waited for once more when the session ends. */
static void give_up(struct relay *relay, const char *what)
{
	fail(relay, what, "requests under way were given up");
	vfs_session_abort(relay->session);
}

/* The kernel is answered when the lock is granted. */
static bool waits_for_lock(const struct relay *relay, struct vfs_request *request)
{
	const struct fuse_in_header *header = vfs_request_message(request);

	return relay->lock_wait && vfs_request_error(request) == -EINPROGRESS &&
	       header->opcode == FUSE_SETLKW;
}

static void take_answer(struct relay *relay, struct vfs_request *request)
{
	if (relay->intake.trace)
		trace_request(request);
	if (!window_after(relay->window, request) && !waits_for_lock(relay, request))
		answer_request(relay->mount->fd, request);
}

static unsigned int collect(struct relay *relay)
{
	struct vfs_request *done[REAP_BATCH];
	unsigned int count = vfs_queue_reap(relay->queue, done, REAP_BATCH);
	unsigned int i;

	for (i = 0; i < count; i++) {
		take_answer(relay, done[i]);
		vfs_request_put(done[i]);
	}
	return count;
}

/* The library completes what was in flight; those who wait for it shall hear so. */
static void device_failed(struct relay *relay, int error)
{
	fail(relay, "the device failed", report_reason(error));
	while (collect(relay))
		;
}

static void take_in(struct relay *relay)
{
	int error = intake_run(&relay->intake);

	switch (error) {
	case 0:
		break;
	case -ENODEV:
		relay->state = RELAY_DRAINING;
		break;
	case -ECONNABORTED:
		relay->mount->aborted = true;
		fail(relay, "the kernel aborted the connection", "start it again");
		break;
	case -EIO:
		device_failed(relay, error);
		break;
	default:
		fail(relay, "cannot read from the kernel", strerror(-error));
		break;
	}
}

/* What the window asks goes first: it is little, and makes the rest less. */
static int send_for_window(struct relay *relay)
{
	int error = 0;

	while (!error && window_wants_slot(relay->window)) {
		struct vfs_request *slot = intake_lend(&relay->intake);

		if (!slot)
			break;
		error = window_send(relay->window, slot);
	}
	return error;
}

/* All that can be done without waiting. */
static void work(struct relay *relay)
{
	int error;

	collect(relay);
	if (relay->intake.interrupts.num)
		interrupts_pass_on(&relay->intake.interrupts, now_ms());
	/* An answer makes room for what the kernel held back. */
	if (relay->state == RELAY_DETACHED)
		relay->intake.ready = true;
	error = vfs_session_progress(relay->session);
	relay->forgets_wait = error > 0;
	if (error >= 0)
		error = send_for_window(relay);
	if (error < 0)
		device_failed(relay, error);
	else if (relay->state < RELAY_DRAINING)
		take_in(relay);
}

static void first_signal(struct relay *relay)
{
	relay->deadline_ms = now_ms() + relay->timeout_ms;
	relay->state = RELAY_UNMOUNTING;
	/* Without the thread the mount is detached when the descriptor has been closed. */
	if (unmount_start(&relay->unmount, relay->mount))
		relay->state = RELAY_DETACHED;
}

static void look_at_signals(struct relay *relay)
{
	if (signals_asked())
		figures_say(&relay->figures, relay->queue, relay->window);
	if (signals_received() > 1)
		give_up(relay, "ended by a second signal");
	else if (signals_received() && relay->state == RELAY_SERVING)
		first_signal(relay);
}

/*
 * syncfs(2) has made the kernel send what was dirty, but not wait for it: the mount that is
 * detached is served until a moment of silence. Those who still use it may never be silent.
 */
static void look_at_detached(struct relay *relay)
{
	if (!relay->intake.ready && !vfs_queue_in_flight(relay->queue))
		relay->state = RELAY_DRAINING;
	else if (now_ms() >= relay->deadline_ms - relay->timeout_ms / 2)
		relay->state = RELAY_DRAINING;
}

static void look_at_time(struct relay *relay)
{
	if (relay->state == RELAY_DETACHED)
		look_at_detached(relay);
	if (relay->state == RELAY_ENDED)
		return;
	if (!relay->deadline_ms && relay->state == RELAY_DRAINING)
		relay->deadline_ms = now_ms() + relay->timeout_ms;
	if (relay->state == RELAY_DRAINING && window_is_empty(relay->window) &&
		!vfs_queue_in_flight(relay->queue))
		end(relay, 0);
	else if (relay->deadline_ms && now_ms() >= relay->deadline_ms)
		give_up(relay, "the server does not answer");
}

/* Of two times for poll(2), of which -1 is for ever. */
static int sooner(int a, int b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

/* For poll(2): until the end that is due, or an INTERRUPT is to be sent, or sent once more. */
static int time_left(const struct relay *relay)
{
	int left = vfs_queue_timeout(relay->queue);
	int64_t end;

	if (relay->intake.interrupts.num)
		left = sooner(left, interrupts_left_ms(&relay->intake.interrupts, now_ms()));
	if (!relay->deadline_ms)
		return left;
	end = relay->deadline_ms - now_ms();
	return end < 0 ? 0 : sooner(left, (int)end);
}

static void set_up_poll(struct relay *relay, struct pollfd *polled)
{
	bool reading = relay->state < RELAY_DRAINING && intake_has_room(&relay->intake);

	/* poll() passes over a negative descriptor. */
	polled[ON_FUSE].fd = reading ? relay->mount->fd : -1;
	polled[ON_QUEUE].fd = relay->armed ? vfs_queue_fd(relay->queue) : -1;
	polled[ON_HIPRIO].fd = relay->forgets_wait ? vfs_session_hiprio_fd(relay->session) : -1;
	polled[ON_DEVICE].fd = vfs_device_event_fd(relay->device);
	polled[ON_UNMOUNT].fd = relay->state == RELAY_UNMOUNTING ? relay->unmount.done_fd : -1;
	polled[ON_WINDOW].fd = window_fd(relay->window);
}

static void look_at_device(struct relay *relay)
{
	int error = vfs_device_check(relay->device);

	if (error)
		device_failed(relay, error);
}

/* While a descriptor is ready ppoll(2) does not let signals in; without one it does. */
static void let_signals_in(const struct relay *relay)
{
	static const struct timespec at_once;

	ppoll(NULL, 0, &at_once, &relay->while_waiting);
}

static void wait_for_work(struct relay *relay, int left)
{
	struct pollfd polled[NUM_POLLED];
	struct timespec timeout = {0};
	int i;

	if (++relay->waits % WAITS_BETWEEN_SIGNALS == 0)
		let_signals_in(relay);
	for (i = 0; i < NUM_POLLED; i++)
		polled[i] = (struct pollfd){.events = POLLIN};
	set_up_poll(relay, polled);
	timeout.tv_sec = left / 1000;
	timeout.tv_nsec = left % 1000 * 1000000L;
	if (ppoll(polled, NUM_POLLED, left < 0 ? NULL : &timeout, &relay->while_waiting) <= 0)
		return;
	if (polled[ON_FUSE].revents)
		relay->intake.ready = true;
	if (polled[ON_DEVICE].revents)
		look_at_device(relay);
	if (polled[ON_WINDOW].revents)
		window_woken(relay->window);
	if (polled[ON_UNMOUNT].revents && relay->state == RELAY_UNMOUNTING)
		relay->state = RELAY_DETACHED;
}

static bool find_answer(struct relay *relay)
{
	unsigned int i;

	for (i = 0; i < LOOKS_AT_DEVICE; i++) {
		if (collect(relay))
			return true;
		vfs_cpu_relax();
	}
	return false;
}

static bool find_message(struct relay *relay)
{
	unsigned long before = relay->intake.taken;

	if (relay->state >= RELAY_DRAINING || !intake_has_room(&relay->intake))
		return false;
	relay->intake.ready = true;
	take_in(relay);
	return relay->intake.taken != before || relay->state >= RELAY_DRAINING;
}

static bool wants_to_send(struct relay *relay)
{
	return window_wants_slot(relay->window) && intake_has_room(&relay->intake);
}

/* True: there was something to do, without sleeping. */
static bool look(struct relay *relay)
{
	unsigned int in_flight = vfs_queue_in_flight(relay->queue);
	bool found = false;

	if (!looking_begin(&relay->looking, in_flight, relay->intake.large))
		return false;
	while (!found && looking_on(&relay->looking))
		found = (in_flight && find_answer(relay)) || find_message(relay) ||
			wants_to_send(relay);
	if (found)
		looking_end(&relay->looking, true);
	return found;
}

/*
 * A queue with nothing in flight has nothing to say, and need not be quieted afterwards. An
 * interrupt that was on its way all the same is for the next one who waits: nobody else would take
 * it.
 */
static bool arm(struct relay *relay)
{
	relay->armed = vfs_queue_in_flight(relay->queue) || vfs_queue_timeout(relay->queue) >= 0;
	return relay->armed && vfs_queue_arm(relay->queue);
}

static void sleep_on(struct relay *relay, bool busy)
{
	bool at_once = busy || looking_never_sleeps(&relay->looking);

	wait_for_work(relay, at_once ? 0 : time_left(relay));
	looking_end(&relay->looking, false);
	look_at_signals(relay);
}

int relay_run(struct relay *relay)
{
	unsigned int turns = 0;

	while (relay->state != RELAY_ENDED) {
		bool busy;

		work(relay);
		look_at_time(relay);
		if (relay->state == RELAY_ENDED)
			break;
		if (++turns < MAX_TURNS && look(relay))
			continue;
		busy = arm(relay);
		if (busy && turns < MAX_TURNS) {
			relay->intake.ready = true;
			continue;
		}
		sleep_on(relay, busy);
		turns = 0;
	}
	return relay->result;
}

void relay_free(struct relay *relay)
{
	unmount_join(&relay->unmount);
	vfs_request_put(relay->intake.spare);
}
