/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include <stddef.h>

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
#define NUM_ENDING (sizeof(ending) / sizeof(ending[0]))

static volatile sig_atomic_t received;
static volatile sig_atomic_t asked;

static void on_signal(int number)
{
	received = received + 1;
	if (received > 1)
		signal(number, SIG_DFL);
}

static void on_question(int number)
{
	(void)number;
	asked = 1;
}

/* What was ignored when the program started stays so: nohup. */
static void handle(int number, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};
	struct sigaction old;

	sigemptyset(&action.sa_mask);
	if (!sigaction(number, NULL, &old) && old.sa_handler != SIG_IGN)
		sigaction(number, &action, NULL);
}

static void change_mask(int how, sigset_t *old)
{
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	for (i = 0; i < NUM_ENDING; i++)
		sigaddset(&set, ending[i]);
	sigprocmask(how, &set, old);
}

void signals_block(sigset_t *while_waiting)
{
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < NUM_ENDING; i++)
		handle(ending[i], on_signal);
	handle(SIGUSR1, on_question);
	change_mask(SIG_BLOCK, while_waiting);
	/* Whoever started us may have blocked them: they would never end the program. */
	for (i = 0; i < NUM_ENDING; i++)
		sigdelset(while_waiting, ending[i]);
	sigdelset(while_waiting, SIGUSR1);
}

void signals_unblock(void)
{
	change_mask(SIG_UNBLOCK, NULL);
}

int signals_received(void)
{
	return received;
}

bool signals_asked(void)
{
	bool was_asked = asked;

	asked = 0;
	return was_asked;
}

bool signals_pending(void)
{
	sigset_t set;
	size_t i;

	sigpending(&set);
	for (i = 0; i < NUM_ENDING; i++) {
		if (sigismember(&set, ending[i]))
			return true;
	}
	return false;
}
