/* SPDX-License-Identifier: MIT */
#include "relay.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <vfs/device.h>
#include <vfs/session.h>

#include "clock.h"
#include "event.h"
#include "figures.h"
#include "mount.h"
#include "report.h"
#include "signals.h"
#include "window.h"

/* A mount that was detached is not used any more if it was not for so long. */
#define SILENCE_MS 20

enum { ON_WAKE, ON_HIPRIO, ON_DEVICE, ON_UNMOUNT, NUM_POLLED };

/* ---- what the workers say, in their threads ---- */

static void wake(struct relay *relay)
{
	event_set(relay->wake_fd);
}

/* The first one counts. */
static void set_once(atomic_int *where, int error)
{
	int none = 0;

	atomic_compare_exchange_strong(where, &none, error);
}

static void kernel_gone(void *ctx, int error)
{
	struct relay *relay = ctx;

	set_once(&relay->kernel_gone, error);
	wake(relay);
}

static void device_failed(void *ctx, int error)
{
	struct relay *relay = ctx;

	set_once(&relay->device_failed, error);
	wake(relay);
}

static void forgets_wait(void *ctx)
{
	struct relay *relay = ctx;

	if (!atomic_exchange(&relay->forgets_wait, true))
		wake(relay);
}

static void worker_ended(void *ctx)
{
	wake(ctx);
}

static void interrupt_is_kept(void *ctx)
{
	wake(ctx);
}

static bool cancel(void *ctx, uint64_t unique, enum interrupts_step step)
{
	struct relay *relay = ctx;

	enum channel_cancel result = crew_cancel(&relay->crew, unique, step == INTERRUPTS_SOON);

	if (result == CHANNEL_UNKNOWN)
		held_interrupt(&relay->held, unique);
	return result != CHANNEL_NOT_YET;
}

/* ---- begin ---- */

int relay_init(struct relay *relay, struct mount *mount, struct vfs_device *device,
	struct vfs_session *session, const struct relay_options *options)
{
	const struct crew_wiring wiring = {
		.session = session,
		.interrupts = &relay->interrupts,
		.held = &relay->held,
		.events =
			{
				.kernel_gone = kernel_gone,
				.device_failed = device_failed,
				.forgets_wait = forgets_wait,
				.ended = worker_ended,
				.ctx = relay,
			},
	};
	int error;

	*relay = (struct relay){
		.mount = mount,
		.device = device,
		.session = session,
		.plan = options->crew.plan,
		.unmount.done_fd = -1,
		.while_waiting = options->while_waiting,
		.device_loss = options->device_loss,
		.timeout_ms = options->timeout_ms,
		.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	held_init(&relay->held);
	interrupts_init(&relay->interrupts, cancel, interrupt_is_kept, relay);
	error = relay->wake_fd < 0 ? -errno : 0;
	if (!error)
		error = crew_init(&relay->crew, &wiring, &options->crew);
	if (!error)
		return 0;
	report_error("cannot serve the kernel: %s", strerror(-error));
	return -1;
}

/* ---- the end ---- */

static void drain(struct relay *relay)
{
	if (relay->state >= RELAY_DRAINING)
		return;
	relay->state = RELAY_DRAINING;
	held_close(&relay->held);
	crew_set_duty(&relay->crew, WORKER_DRAINS);
}

static void fail(struct relay *relay, const char *what, const char *why)
{
	if (!relay->failed)
		report_error("%s: %s; %s %s", what, why,
			relay->mount->handed_in ? "closed" : "unmounted", relay->mount->dir);
	relay->failed = true;
	relay->result = -1;
	window_abandon(crew_window(&relay->crew));
	drain(relay);
}

/* What is in flight shall not be waited for once more when the session ends. */
static void give_up(struct relay *relay, const char *what)
{
	fail(relay, what, "requests under way were given up");
	crew_abort(&relay->crew);
	relay->given_up = true;
}

static void stay(struct relay *relay, const char *why)
{
	relay->lost = true;
	relay->result = -1;
	report_error("the device failed: %s; %s stays mounted, and %s", why, relay->mount->dir,
		relay->device_loss == DEVICE_LOSS_WAIT ? "does not answer" : "answers ENOTCONN");
	window_abandon(crew_window(&relay->crew));
	if (relay->device_loss == DEVICE_LOSS_WAIT)
		held_open(&relay->held);
	crew_lose_device(&relay->crew);
}

/* The library completes what was in flight; those who wait for it hear so. */
static void lose_device(struct relay *relay, const char *why)
{
	if (relay->lost)
		return;
	if (relay->device_loss == DEVICE_LOSS_UNMOUNT || relay->state != RELAY_SERVING)
		fail(relay, "the device failed", why);
	else
		stay(relay, why);
}

static void lose_kernel(struct relay *relay, int error)
{
	switch (error) {
	case -ENODEV:
		drain(relay);
		break;
	case -ECONNABORTED:
		relay->mount->aborted = true;
		fail(relay, "the kernel aborted the connection", "start it again");
		break;
	default:
		fail(relay, "cannot read from the kernel", strerror(-error));
		break;
	}
}

/* ---- what there is to look at ---- */

static void first_signal(struct relay *relay)
{
	relay->deadline_ms = now_ms() + relay->timeout_ms;
	relay->state = RELAY_UNMOUNTING;
	/* Whoever waits for a lost device would be waited for. */
	held_close(&relay->held);
	/* Without the thread the mount is detached when the descriptor has been closed. */
	if (unmount_start(&relay->unmount, relay->mount))
		relay->state = RELAY_DETACHED;
}

static void look_at_signals(struct relay *relay)
{
	if (signals_asked())
		figures_say(relay);
	if (signals_received() > 1 && !relay->given_up)
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
	struct pollfd pfd = {.fd = relay->mount->fd, .events = POLLIN};
	unsigned long taken = crew_taken(&relay->crew);
	int64_t now = now_ms();

	if (taken != relay->seen || !crew_is_idle(&relay->crew) || poll(&pfd, 1, 0) ||
		!relay->silent_ms)
		relay->silent_ms = now;
	relay->seen = taken;
	if (now >= relay->silent_ms + SILENCE_MS)
		drain(relay);
	else if (now >= relay->deadline_ms - relay->timeout_ms / 2)
		drain(relay);
}

static void look_at_time(struct relay *relay)
{
	if (relay->state == RELAY_DETACHED)
		look_at_detached(relay);
	if (!relay->deadline_ms && relay->state == RELAY_DRAINING)
		relay->deadline_ms = now_ms() + relay->timeout_ms;
	if (relay->state == RELAY_DRAINING && !crew_is_running(&relay->crew))
		relay->state = RELAY_ENDED;
	else if (relay->deadline_ms && !relay->given_up && now_ms() >= relay->deadline_ms)
		give_up(relay, "the server does not answer");
}

static void look_at_device(struct relay *relay)
{
	int error = vfs_device_check(relay->device);

	/* What was in flight is to be reaped. */
	if (error) {
		crew_wake(&relay->crew);
		lose_device(relay, report_reason(error));
	}
}

static void look_at_forgets(struct relay *relay)
{
	int r;

	if (!atomic_load(&relay->forgets_wait))
		return;
	r = vfs_session_progress(relay->session);
	if (r <= 0)
		atomic_store(&relay->forgets_wait, false);
	if (r < 0)
		lose_device(relay, report_reason(r));
}

static void hear_workers(struct relay *relay)
{
	int error = atomic_load(&relay->device_failed);

	event_clear(relay->wake_fd);
	/* The library's sentence is for the thread that it has told; here it is asked again. */
	if (error && !relay->lost && !relay->failed) {
		look_at_device(relay);
		lose_device(relay, strerror(-error));
	}
	error = atomic_load(&relay->kernel_gone);
	if (error && relay->state < RELAY_DRAINING)
		lose_kernel(relay, error);
	/* What one of them has ended another may be waiting for. */
	if (relay->state == RELAY_DRAINING)
		crew_wake(&relay->crew);
}

/* ---- waiting ---- */

/* Of two times for poll(2), of which -1 is for ever. */
static int sooner(int a, int b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

/* For poll(2): until the end that is due, or an INTERRUPT is to be passed on. */
static int time_left(struct relay *relay)
{
	int left = interrupts_left_ms(&relay->interrupts, now_ms());
	int64_t end;

	if (relay->state == RELAY_DETACHED)
		left = sooner(left, SILENCE_MS);
	if (!relay->deadline_ms || relay->given_up)
		return left;
	end = relay->deadline_ms - now_ms();
	return end < 0 ? 0 : sooner(left, (int)end);
}

static void wait_for_something(struct relay *relay)
{
	bool forgets = atomic_load(&relay->forgets_wait);
	/* poll() passes over a negative descriptor. */
	struct pollfd polled[NUM_POLLED] = {
		[ON_WAKE] = {.fd = relay->wake_fd, .events = POLLIN},
		[ON_HIPRIO] = {.fd = forgets ? vfs_session_hiprio_fd(relay->session) : -1,
			.events = POLLIN},
		[ON_DEVICE] = {.fd = relay->lost ? -1 : vfs_device_event_fd(relay->device),
			.events = POLLIN},
		[ON_UNMOUNT] = {.fd = relay->state == RELAY_UNMOUNTING ? relay->unmount.done_fd
								       : -1,
			.events = POLLIN},
	};
	int left = time_left(relay);
	struct timespec timeout = {
		.tv_sec = left / 1000,
		.tv_nsec = left % 1000 * 1000000L,
	};

	if (ppoll(polled, NUM_POLLED, left < 0 ? NULL : &timeout, &relay->while_waiting) <= 0)
		return;
	if (polled[ON_DEVICE].revents)
		look_at_device(relay);
	if (polled[ON_UNMOUNT].revents && relay->state == RELAY_UNMOUNTING)
		relay->state = RELAY_DETACHED;
}

int relay_start(struct relay *relay)
{
	int error = crew_start(&relay->crew);

	if (!error)
		return 0;
	report_error("cannot serve the kernel: %s", strerror(-error));
	return -1;
}

int relay_run(struct relay *relay)
{
	while (relay->state != RELAY_ENDED) {
		wait_for_something(relay);
		hear_workers(relay);
		look_at_signals(relay);
		look_at_forgets(relay);
		interrupts_pass_on(&relay->interrupts, now_ms());
		look_at_time(relay);
	}
	crew_join(&relay->crew);
	return relay->result;
}

/* What one of them has ended another may be waiting for. */
static void wait_for_workers(struct relay *relay)
{
	struct pollfd pfd = {.fd = relay->wake_fd, .events = POLLIN};

	while (crew_is_running(&relay->crew)) {
		crew_wake(&relay->crew);
		if (poll(&pfd, 1, -1) > 0)
			event_clear(relay->wake_fd);
	}
}

void relay_stop(struct relay *relay)
{
	if (crew_is_running(&relay->crew)) {
		crew_set_duty(&relay->crew, WORKER_DRAINS);
		crew_abort(&relay->crew);
		wait_for_workers(relay);
	}
	crew_join(&relay->crew);
}

void relay_free(struct relay *relay)
{
	unmount_join(&relay->unmount);
	crew_destroy(&relay->crew);
	interrupts_destroy(&relay->interrupts);
	held_destroy(&relay->held);
	if (relay->wake_fd > 0)
		close(relay->wake_fd);
}
