/* SPDX-License-Identifier: MIT */
/*
 * What the manager asks of threads, which the linker leads here: when one begins to wait, and
 * whether there is one in the background.
 */
#ifndef TESTS_DAX_WAITS_H
#define TESTS_DAX_WAITS_H

#include <stdbool.h>

/* Until @count waits have begun since the last call of this or waits_reset(). */
void waits_have_begun(unsigned int count);
void waits_reset(void);

/* What somebody else does in between: after the nth lock that this thread gives back from now on.
 */
void after_unlock(unsigned int nth, void (*what)(void));

/* From now on the manager can start no thread, or can. */
void threads_fail(bool fail);

/* Threads that the manager has asked for since threads_fail(), and whether they would take signals.
 */
unsigned int threads_asked_for(void);
bool threads_take_signals(void);

/* A thread of the test. It ends with the test if it hangs. */
void *thread_start(void (*run)(void *argument), void *argument);
void thread_join(void *thread);

#endif
