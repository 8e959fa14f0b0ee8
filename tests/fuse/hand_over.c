/* SPDX-License-Identifier: MIT */
#include "hand_over.h"

#include <string.h>

#include "explore.h"

#define NONE   0xffu
#define BIT(i) ((uint8_t)(1u << (i)))

enum { WAITING, ASLEEP, APPOINTED, DONE }; /* as in sync_wait.c */

enum step {
	START,
	LOOK_AT_STATE,
	FALL_ASLEEP, /* WAITING becomes ASLEEP */
	WAIT_FUTEX,
	SLEEP,
	GIVE_UP,
	REAP,
	CALL_BACK,
	LOOK,
	POLL,
	AWAKE,
	PUT,
	END,
};

struct thread {
	uint8_t step;
	uint8_t state;
	uint8_t woken;
	uint8_t listed;
	uint8_t answered;  /* how often its request was */
	uint8_t callbacks; /* of which requests */
	uint8_t saw_signal;
};

struct world {
	struct thread threads[THREADS];
	uint8_t now;
	uint8_t list[THREADS]; /* who waits longest is first */
	uint8_t length;
	uint8_t reaper;
	uint8_t lent;	/* requests that the device has */
	uint8_t used;	/* that it has returned */
	uint8_t ended;	/* by their deadline, not reaped */
	uint8_t late;	/* reaped, and not returned or not taken back */
	uint8_t put;	/* of these, put back by who had them */
	uint8_t timed;	/* whose deadline is still to come */
	uint8_t free;	/* requests that nobody has */
	uint8_t flying; /* in flight */
	uint8_t reaping, waiting, prodded, asleep, until, interrupts, armed, signal;
};

static struct hand_over *m;
static struct world *w;

/* ---- the list, and who is told what ---- */

static void tell(unsigned int id, uint8_t state)
{
	struct thread *t = &w->threads[id];

	if (t->state == ASLEEP && m->mutation != TOLD_IS_NOT_WOKEN)
		t->woken = 1;
	t->state = state;
}

static void list_remove(unsigned int id)
{
	uint8_t kept = 0;

	m->twice += !w->threads[id].listed;
	w->threads[id].listed = 0;
	for (uint8_t i = 0; i < w->length; i++)
		if (w->list[i] != id)
			w->list[kept++] = w->list[i];
	w->length = kept;
	memset(&w->list[kept], 0, THREADS - kept);
}

static bool has_work(void)
{
	return w->flying || (w->late && m->mutation != LATE_IS_NO_WORK);
}

static void appoint(void)
{
	if (w->reaper != NONE || !w->length || !has_work())
		return;
	w->reaper = w->list[0];
	tell(w->reaper, APPOINTED);
}

static void join(unsigned int id)
{
	w->threads[id].state = WAITING;
	w->threads[id].step = LOOK_AT_STATE;
	w->threads[id].listed = 1;
	w->list[w->length++] = (uint8_t)id;
	appoint();
}

static void waiter_done(unsigned int id)
{
	list_remove(id);
	if (w->reaper == id && w->reaping) {
		if (w->waiting && m->mutation != DONE_IS_NOT_PRODDED) {
			w->prodded = 1;
			w->signal |= w->asleep;
		}
	} else if (w->reaper == id && m->mutation != DONE_STAYS_APPOINTED) {
		w->reaper = NONE;
	}
	tell(id, DONE);
	appoint();
}

static void serve(enum what what)
{
	uint8_t list[THREADS], length = w->length;

	memcpy(list, w->list, sizeof(list));
	for (uint8_t i = 0; i < length; i++) {
		if (m->roles[list[i]].what != what)
			continue;
		if (what == GETS && !w->free)
			return;
		if (what == GETS)
			w->free--;
		waiter_done(list[i]);
	}
}

static bool has_getters(void)
{
	for (uint8_t i = 0; i < w->length; i++)
		if (m->roles[w->list[i]].what == GETS)
			return true;
	return false;
}

/* ---- the queue ---- */

static uint8_t next_look(void)
{
	uint8_t at = NEVER;

	for (unsigned int i = 0; i < THREADS; i++)
		if (w->timed & BIT(i) && m->roles[i].until < at)
			at = m->roles[i].until;
	return at;
}

static void look_at_time(void)
{
	for (unsigned int i = 0; i < THREADS; i++) {
		if (!(w->timed & BIT(i)) || w->now < m->roles[i].until)
			continue;
		w->timed &= (uint8_t)~BIT(i);
		w->ended |= BIT(i);
		w->late |= BIT(i);
	}
}

static bool has_ended(void)
{
	return w->ended || w->prodded;
}

static bool arm(void)
{
	w->interrupts = 1;
	if (has_ended() || w->used)
		return true;
	w->armed = 1;
	return false;
}

static void submit(unsigned int id)
{
	w->lent |= BIT(id);
	if (m->roles[id].until != NEVER)
		w->timed |= BIT(id);
	w->flying++;
	if (w->reaper == NONE) {
		if (m->mutation != SUBMITTER_APPOINTS_NOBODY)
			appoint();
		return;
	}
	if (w->asleep &&
		(has_ended() || (next_look() < w->until && m->mutation != SOONER_IS_NOT_SAID)))
		w->signal = 1;
}

static void put(unsigned int id)
{
	if (w->late & BIT(id))
		w->put |= BIT(id);
	else
		w->free++;
	serve(GETS);
}

/* Which requests have an answer now. */
static uint8_t reap_queue(void)
{
	uint8_t answered;

	if (w->interrupts)
		w->interrupts = w->armed = w->signal = 0;
	/* Those that came late. */
	for (unsigned int i = 0; i < THREADS; i++)
		if (w->used & w->late & w->put & BIT(i))
			w->free++;
	answered = w->used & (uint8_t)~w->late;
	w->put &= (uint8_t)~w->used;
	w->late &= (uint8_t)~w->used;
	w->used = 0;
	w->timed &= (uint8_t)~answered;
	look_at_time();
	answered |= w->ended;
	w->ended = 0;
	return answered;
}

/* ---- the reaper ---- */

/* With -ETIMEDOUT, or because there is nothing to reap, or because he is done. */
static void stop_reaping(unsigned int id, bool timed_out)
{
	struct thread *t = &w->threads[id];

	w->reaper = NONE;
	w->reaping = 0;
	t->step = LOOK_AT_STATE;
	if (t->state != DONE) {
		t->state = WAITING;
		if (timed_out) {
			list_remove(id);
			t->step = END;
		}
	}
	if (m->mutation != REAPER_APPOINTS_NOBODY)
		appoint();
}

static void go_to_sleep(unsigned int id)
{
	uint8_t limit = m->roles[id].what == CALLS ? NEVER : m->roles[id].until;

	w->until = next_look() < limit ? next_look() : limit;
	w->asleep = 1;
	w->threads[id].step = POLL;
	m->slept++;
}

static void sleep_unless_there_is_something(unsigned int id);

static bool is_served(unsigned int id)
{
	return w->threads[id].state == DONE || !has_work();
}

/* Until the lock is given up. */
static void reap(unsigned int id)
{
	while (!is_served(id)) {
		uint8_t answered = reap_queue(), callbacks = 0;

		for (unsigned int i = 0; i < THREADS; i++) {
			if (!(answered & BIT(i)))
				continue;
			w->flying--;
			m->twice += w->threads[i].answered++ > 0;
			if (m->roles[i].what == SENDS)
				callbacks |= BIT(i);
			else
				waiter_done(i);
		}
		serve(GETS);
		if (callbacks) {
			w->threads[id].callbacks = callbacks;
			w->threads[id].step = CALL_BACK;
			return;
		}
		if (answered && !w->flying)
			serve(DRAINS);
		if (answered || is_served(id) || has_ended() || w->used)
			continue;
		w->waiting = 1;
		if (m->looks)
			w->threads[id].step = LOOK;
		else
			sleep_unless_there_is_something(id);
		return;
	}
	stop_reaping(id, false);
}

/* Unless he was done before he came to it. */
static void begin_to_reap(unsigned int id)
{
	if (w->reaper != id) {
		w->threads[id].step = LOOK_AT_STATE;
		return;
	}
	w->reaping = 1;
	reap(id);
}

static void end_wait(unsigned int id, bool timed_out)
{
	w->waiting = w->prodded = 0;
	if (timed_out)
		stop_reaping(id, true);
	else
		reap(id);
}

static void sleep_unless_there_is_something(unsigned int id)
{
	if (arm())
		end_wait(id, false);
	else
		go_to_sleep(id);
}

static void call_back(unsigned int id)
{
	uint8_t callbacks = w->threads[id].callbacks;

	w->threads[id].callbacks = 0;
	for (unsigned int i = 0; i < THREADS; i++)
		if (callbacks & BIT(i))
			put(i);
	if (!w->flying)
		serve(DRAINS);
	reap(id);
}

static void look(unsigned int id)
{
	look_at_time();
	if (has_ended() || w->used)
		end_wait(id, false);
	else
		sleep_unless_there_is_something(id);
}

static void awake(unsigned int id)
{
	struct thread *t = &w->threads[id];
	bool passed = m->roles[id].what != CALLS && w->now >= m->roles[id].until;

	w->asleep = w->until = 0;
	if (t->saw_signal)
		w->signal = 0;
	t->saw_signal = 0;
	look_at_time();
	if (arm())
		end_wait(id, false);
	else if (passed)
		end_wait(id, true);
	else
		go_to_sleep(id);
}

/* ---- a thread ---- */

static void start(unsigned int id)
{
	struct thread *t = &w->threads[id];

	switch (m->roles[id].what) {
	case CALLS:
		submit(id);
		join(id);
		break;
	case SENDS:
		submit(id);
		t->step = END;
		break;
	case GETS:
		if (!w->free || has_getters()) {
			join(id);
			break;
		}
		w->free--;
		t->step = PUT;
		break;
	case DRAINS:
		if (w->flying)
			join(id);
		else
			t->step = END;
		break;
	default:
		join(id);
		break;
	}
}

static void look_at_state(unsigned int id)
{
	struct thread *t = &w->threads[id];
	enum what what = m->roles[id].what;

	if (t->state == DONE)
		t->step = what == CALLS || what == GETS ? PUT : END;
	else
		t->step = t->state == APPOINTED ? REAP : FALL_ASLEEP;
}

static void give_up(unsigned int id)
{
	struct thread *t = &w->threads[id];

	t->step = LOOK_AT_STATE;
	if (t->state == DONE && m->mutation != DONE_IS_NOT_SEEN)
		return;
	list_remove(id);
	if (w->reaper == id)
		w->reaper = NONE;
	if (m->mutation != LEAVER_APPOINTS_NOBODY)
		appoint();
	t->step = END;
}

static bool sleep_in_futex(unsigned int id)
{
	struct thread *t = &w->threads[id];
	bool over = m->roles[id].what != CALLS && w->now >= m->roles[id].until;

	if (!t->woken && !over)
		return false;
	t->step = t->woken ? LOOK_AT_STATE : GIVE_UP;
	t->woken = 0;
	return true;
}

static bool poll_queue(unsigned int id)
{
	if (!w->signal && w->now < w->until)
		return false;
	w->threads[id].saw_signal = w->signal;
	w->threads[id].step = AWAKE;
	return true;
}

/* False: it cannot go on now. */
static bool step(unsigned int id)
{
	struct thread *t = &w->threads[id];

	switch (t->step) {
	case START:
		start(id);
		return true;
	case LOOK_AT_STATE:
		look_at_state(id);
		return true;
	case FALL_ASLEEP:
		t->step = t->state == WAITING || t->state == ASLEEP ? WAIT_FUTEX : LOOK_AT_STATE;
		if (t->state == WAITING)
			t->state = ASLEEP;
		return true;
	case WAIT_FUTEX:
		t->step = t->state == ASLEEP ? SLEEP : LOOK_AT_STATE;
		return true;
	case SLEEP:
		return sleep_in_futex(id);
	case GIVE_UP:
		give_up(id);
		return true;
	case REAP:
		begin_to_reap(id);
		return true;
	case CALL_BACK:
		call_back(id);
		return true;
	case LOOK:
		look(id);
		return true;
	case POLL:
		return poll_queue(id);
	case AWAKE:
		awake(id);
		return true;
	case PUT:
		t->step = END;
		put(id);
		return true;
	default:
		return false;
	}
}

/* ---- all that can happen ---- */

static bool have_others_ended(unsigned int but)
{
	for (unsigned int i = 0; i < THREADS; i++)
		if (i != but && w->threads[i].step != END)
			return false;
	return !w->flying;
}

static bool stop_thread(unsigned int id)
{
	if (m->roles[id].what != REAPS || !w->threads[id].listed || !have_others_ended(id))
		return false;
	waiter_done(id);
	return true;
}

static bool device_answers(unsigned int id)
{
	if (!m->answers || !(w->lent & BIT(id)))
		return false;
	w->lent &= (uint8_t)~BIT(id);
	w->used |= BIT(id);
	w->signal |= w->armed;
	w->armed = 0;
	return true;
}

/* Is anybody's moment over, who has not heard of it? */
static bool is_late(void)
{
	bool late = w->flying && next_look() <= w->now;

	for (unsigned int i = 0; i < THREADS; i++)
		late = late || (w->threads[i].listed && m->roles[i].what != CALLS &&
				       m->roles[i].until <= w->now);
	return late;
}

static bool time_passes(void)
{
	if (w->now == LAST)
		return false;
	m->late += m->prompt && is_late();
	w->now++;
	return true;
}

typedef bool move(unsigned int id);

/* The world is copied, as bytes that are no world must not be used as one. */
static bool try(const struct explore_state *state, move *can, unsigned int id)
{
	struct explore_state next = *state;
	struct world world;

	memcpy(&world, state->bytes, sizeof(world));
	w = &world;
	if (!can(id))
		return false;
	memcpy(next.bytes, &world, sizeof(world));
	explore_found(&next);
	return true;
}

static bool pass_time(unsigned int id)
{
	(void)id;
	return time_passes();
}

static bool have_all_ended(void)
{
	bool ended = !w->flying;

	for (unsigned int i = 0; i < THREADS; i++)
		ended = ended && w->threads[i].step == END;
	return ended;
}

static void go_on(void *model, const struct explore_state *state)
{
	struct world last;
	bool threads = false, others = false;

	(void)model;
	for (unsigned int i = 0; i < THREADS; i++) {
		threads = try(state, step, i) || threads;
		threads = try(state, stop_thread, i) || threads;
		others = try(state, device_answers, i) || others;
	}
	if (!m->prompt || !threads)
		others = try(state, pass_time, 0) || others;
	if (threads || others)
		return;
	memcpy(&last, state->bytes, sizeof(last));
	w = &last;
	m->ended += have_all_ended();
	m->lost += !have_all_ended();
}

void hand_over_explore(struct hand_over *model)
{
	struct explore_state state = {{0}};
	struct world world = {.reaper = NONE};

	_Static_assert(sizeof(world) <= EXPLORE_BYTES, "a world has no room");
	m = model;
	for (unsigned int i = 0; i < THREADS; i++)
		world.threads[i].step = m->roles[i].what == NOBODY ? END : START;
	memcpy(state.bytes, &world, sizeof(world));
	explore(model, go_on, &state);
}
