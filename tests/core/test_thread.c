/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/thread.h"

/* More than a small stack has room for, and there in each thread. */
static __thread volatile char much[2u << 20];

static sigset_t mask;

static void *look(void *argument)
{
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	much[sizeof(much) - 1] = 1;
	*(bool *)argument = true;
	return NULL;
}

static void run_one(size_t stack)
{
	bool ran = false;
	pthread_t thread;

	assert_int_equal(vfs_thread_start(&thread, stack, look, &ran), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(ran);
}

static void signals_are_not_for_it(void **state)
{
	sigset_t before, after;

	(void)state;
	pthread_sigmask(SIG_BLOCK, NULL, &before);
	run_one(0);
	assert_true(sigismember(&mask, SIGTERM) && sigismember(&mask, SIGUSR1));
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	assert_false(sigismember(&after, SIGTERM));
	for (int i = 1; i < SIGRTMAX; i++)
		assert_int_equal(sigismember(&before, i), sigismember(&after, i));
}

static void a_small_stack_is_beside_what_the_program_has(void **state)
{
	(void)state;
	run_one(16u << 10);
	run_one(256u << 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_are_not_for_it),
		cmocka_unit_test(a_small_stack_is_beside_what_the_program_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
