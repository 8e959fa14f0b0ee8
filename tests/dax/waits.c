/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "waits.h"

static sem_t waits;
static atomic_bool fail;
static atomic_uint asked_for;
static atomic_bool take_signals;

int __real_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock);
int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock);
int __real_pthread_create(
	pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *argument);
int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *argument);

/* Who takes the lock after this finds it waiting. */
int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock)
{
	sem_post(&waits);
	return __real_pthread_cond_wait(cond, lock);
}

int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *argument)
{
	sigset_t blocked;

	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	if (!sigismember(&blocked, SIGUSR1) || !sigismember(&blocked, SIGINT))
		atomic_store(&take_signals, true);
	atomic_fetch_add(&asked_for, 1);
	return atomic_load(&fail) ? EAGAIN : __real_pthread_create(thread, attr, run, argument);
}

static _Thread_local unsigned int unlocks_left;
static _Thread_local void (*in_between)(void);

void after_unlock(unsigned int nth, void (*what)(void))
{
	unlocks_left = nth;
	in_between = what;
}

int __real_pthread_mutex_unlock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *lock);

int __wrap_pthread_mutex_unlock(pthread_mutex_t *lock)
{
	int r = __real_pthread_mutex_unlock(lock);

	if (unlocks_left && --unlocks_left == 0)
		in_between();
	return r;
}

void waits_have_begun(unsigned int count)
{
	while (count--)
		while (sem_wait(&waits) < 0)
			;
}

void waits_reset(void)
{
	sem_init(&waits, 0, 0);
}

void threads_fail(bool now)
{
	atomic_store(&fail, now);
	atomic_store(&asked_for, 0);
	atomic_store(&take_signals, false);
}

unsigned int threads_asked_for(void)
{
	return atomic_load(&asked_for);
}

bool threads_take_signals(void)
{
	return atomic_load(&take_signals);
}

struct started {
	pthread_t thread;
	void (*run)(void *argument);
	void *argument;
};

static void *run_started(void *argument)
{
	struct started *started = argument;

	started->run(started->argument);
	return NULL;
}

void *thread_start(void (*run)(void *argument), void *argument)
{
	struct started *started = malloc(sizeof(*started));

	if (!started)
		abort();
	*started = (struct started){.run = run, .argument = argument};
	if (__real_pthread_create(&started->thread, NULL, run_started, started) != 0)
		abort();
	return started;
}

void thread_join(void *thread)
{
	struct started *started = thread;

	pthread_join(started->thread, NULL);
	free(started);
}
