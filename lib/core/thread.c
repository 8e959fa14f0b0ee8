/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "core/core.h"
#include "core/thread.h"

static int create_small(pthread_t *thread, size_t stack, void *(*run)(void *), void *argument)
{
	pthread_attr_t attr;
	int r;

	pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, (size_t)PTHREAD_STACK_MIN + stack);
	r = pthread_create(thread, &attr, run, argument);
	pthread_attr_destroy(&attr);
	return r;
}

static int create(pthread_t *thread, size_t stack, void *(*run)(void *), void *argument)
{
	int r = stack ? create_small(thread, stack, run, argument) : EINVAL;

	return r == EINVAL ? pthread_create(thread, NULL, run, argument) : r;
}

int vfs_thread_start(pthread_t *thread, size_t stack, void *(*run)(void *), void *argument)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = create(thread, stack, run, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r ? vfs_error(-r, "cannot start a thread: %s", strerror(r)) : 0;
}

void vfs_thread_drop_capabilities(void)
{
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	(void)syscall(SYS_capset, &header, none);
}
