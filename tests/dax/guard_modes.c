/* SPDX-License-Identifier: MIT */
#include "dax/guard_modes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dax/guard.h"
#include "dax/shown.h"

void install(void (*handler)(int signal, siginfo_t *info, void *context), int flags)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

	sigemptyset(&action.sa_mask);
	assert_int_equal(sigaction(SIGBUS, &action, NULL), 0);
	assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	if (!vfs_fault_handle(signal, info, context))
		abort();
}

void install_application(int flags)
{
	install(on_fault, flags);
}

static void in_mode(enum vfs_faults mode, void (*fn)(void))
{
	assert_int_equal(vfs_guard_acquire(mode), mode);
	fn();
	assert_true(vfs_guard_intact());
	vfs_guard_release((int)mode);
}

void in_each_mode(void (*fn)(void))
{
	no_handlers();
	in_mode(VFS_FAULTS_SYSTEM_CALL, fn);
	in_mode(VFS_FAULTS_HANDLER, fn);
	install_application(0);
	in_mode(VFS_FAULTS_APPLICATION, fn);
	no_handlers();
}
