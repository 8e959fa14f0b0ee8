/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "device.h"
#include "held.h"
#include "say.h"

/* How long to wait for another request. */
#define ANOTHER_MS 1000u

struct held {
	struct request *request;
	bool for_another;
	bool let_go;
	struct timespec until;
	struct held *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct held *all; /* each has a thread */

static void wait_until_let_go(struct held *held)
{
	struct held **p = &all;
	int r = 0;

	pthread_mutex_lock(&lock);
	while (!held->let_go && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&changed, &lock, &held->until);
	while (*p != held)
		p = &(*p)->next;
	*p = held->next;
	pthread_mutex_unlock(&lock);
}

/* Threads whose request the engine does not have yet. */
static unsigned int handing;

static void *hold_thread(void *argument)
{
	struct held *held = argument;
	struct engine *engine = held->request->queue->device->engine;

	wait_until_let_go(held);
	engine->handle(engine, held->request);
	free(held);
	pthread_mutex_lock(&lock);
	handing--;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static struct timespec in_ms(unsigned int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

static void hold(struct request *request, unsigned int ms, bool for_another)
{
	struct held *held = calloc(1, sizeof(*held));
	pthread_t thread;

	if (!held) {
		say("out of memory");
		abort();
	}
	*held = (struct held){.request = request, .for_another = for_another, .until = in_ms(ms)};
	pthread_mutex_lock(&lock);
	held->next = all;
	all = held;
	handing++;
	pthread_mutex_unlock(&lock);
	if (pthread_create(&thread, NULL, hold_thread, held)) {
		say("no thread to hold a request");
		abort();
	}
	pthread_detach(thread);
}

void hold_for(struct request *request, unsigned int ms)
{
	hold(request, ms, false);
}

void hold_for_another(struct request *request)
{
	hold(request, ANOTHER_MS, true);
}

void held_look(struct queue *queue)
{
	struct held *held;

	pthread_mutex_lock(&lock);
	for (held = all; held; held = held->next)
		if (held->for_another && held->request->queue == queue)
			held->let_go = true;
	if (all)
		pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

void held_release(void)
{
	struct held *held;

	pthread_mutex_lock(&lock);
	for (held = all; held; held = held->next)
		held->let_go = true;
	pthread_cond_broadcast(&changed);
	while (handing)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}
