/* SPDX-License-Identifier: MIT */
/* Each way in which faults are caught. */
#ifndef GUARD_MODES_H
#define GUARD_MODES_H

#include <signal.h>

/* A handler of the program, for SIGBUS and SIGSEGV. */
void install(void (*handler)(int signal, siginfo_t *info, void *context), int flags);

/* Install a handler that calls vfs_fault_handle(), and aborts if it was no copy. */
void install_application(int flags);

/* Call @fn in each mode. The process has no handlers in the end. */
void in_each_mode(void (*fn)(void));

#endif
