/* SPDX-License-Identifier: MIT */
/*
 * Who catches faults in the window: handlers of ours, the program's, or nobody.
 *
 * Handlers are the whole process's, and others come and go too. Ours pass on what is not for them,
 * as if they were not there. They are put back when they are not needed any more, but not if
 * somebody else's are there by then: those may pass on to ours, which stay able to pass on further.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "core/core.h"
#include "dax/guard.h"

/* A signal, and who handled it before. */
struct place {
	const int signal;
	const char *const name;
	bool taken; /* ours was put there, and not taken away by us */
	struct sigaction before;
	atomic_bool spent; /* that was for one signal (SA_RESETHAND), which has come */
};

static struct place places[] = {
	{.signal = SIGBUS, .name = "SIGBUS"},
	{.signal = SIGSEGV, .name = "SIGSEGV"},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int users[VFS_FAULTS_APPLICATION + 1];
static bool replaced; /* as seen last */

atomic_bool vfs_guard_catches;

/* The faulting instruction is tried again when the handler returns. */
static bool comes_again(int signal, const siginfo_t *info)
{
	return info->si_code > 0 && !(signal == SIGBUS && info->si_code == BUS_MCEERR_AO);
}

/* End the process as it would have ended. */
static void act_by_default(int signal, const siginfo_t *info)
{
	const struct sigaction action = {.sa_handler = SIG_DFL};

	sigaction(signal, &action, NULL);
	if (!comes_again(signal, info))
		raise(signal);
}

/* With the mask that the kernel would have set. That of before comes back by itself. */
static void call_handler(const struct sigaction *action, int signal, siginfo_t *info, void *context)
{
	sigset_t mask = action->sa_mask;

	if (!(action->sa_flags & SA_NODEFER))
		sigaddset(&mask, signal);
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
	if (action->sa_flags & SA_SIGINFO)
		action->sa_sigaction(signal, info, context);
	else
		action->sa_handler(signal);
}

static void pass_on(struct place *place, siginfo_t *info, void *context)
{
	const struct sigaction *before = &place->before;
	bool once = (unsigned int)before->sa_flags & SA_RESETHAND;

	/* A fault cannot be ignored. */
	if (before->sa_handler == SIG_IGN && !comes_again(place->signal, info))
		return;
	if (before->sa_handler == SIG_IGN || before->sa_handler == SIG_DFL ||
		(once && atomic_exchange(&place->spent, true)))
		act_by_default(place->signal, info);
	else
		call_handler(before, place->signal, info, context);
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
	int saved = errno;

	if (!vfs_fault_handle(signal, info, context))
		pass_on(&places[signal == SIGBUS ? 0 : 1], info, context);
	errno = saved;
}

static struct sigaction current_action(const struct place *place)
{
	struct sigaction action = {.sa_handler = SIG_DFL};

	sigaction(place->signal, NULL, &action);
	return action;
}

static bool is_ours(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == on_signal;
}

static bool is_default(const struct sigaction *action)
{
	return action->sa_handler == SIG_DFL;
}

/* Somebody's handler that came after ours could pass on to it, so ours must not pass on to that. */
static bool can_take(const struct place *place)
{
	const struct sigaction action = current_action(place);

	return !place->taken || is_ours(&action) || is_default(&action);
}

static bool can_take_all(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (!can_take(&places[i]))
			return false;
	return true;
}

/* On the stack that the one before would have run on. */
static void take(struct place *place)
{
	const struct sigaction before = current_action(place);
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER};

	if (is_ours(&before))
		return;
	if (is_default(&before))
		action.sa_flags |= SA_ONSTACK;
	else
		action.sa_flags |= before.sa_flags & (SA_ONSTACK | SA_RESTART);
	sigemptyset(&action.sa_mask);
	place->before = before;
	atomic_store(&place->spent, false);
	place->taken = true;
	sigaction(place->signal, &action, NULL);
}

static void give_back(struct place *place)
{
	const struct sigaction action = current_action(place);

	if (!is_ours(&action))
		return;
	if (atomic_load(&place->spent))
		place->before.sa_handler = SIG_DFL;
	sigaction(place->signal, &place->before, NULL);
	place->taken = false;
}

static bool ours_are_in_place(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const struct sigaction action = current_action(&places[i]);

		if (!is_ours(&action))
			return false;
	}
	return true;
}

/* One whose signals nobody handles, or NULL. */
static const struct place *unhandled_place(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const struct sigaction action = current_action(&places[i]);

		if (is_default(&action) || action.sa_handler == SIG_IGN)
			return &places[i];
	}
	return NULL;
}

/* One whose signals somebody else handles, or ignores, or NULL. */
static const struct place *foreign_place(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const struct sigaction action = current_action(&places[i]);

		if (!is_default(&action) && !is_ours(&action))
			return &places[i];
	}
	return NULL;
}

static void say_if_replaced(bool now)
{
	if (now && !replaced)
		vfs_log(VFS_LOG_WARNING,
			"the handler of SIGBUS or SIGSEGV was replaced: copies to and "
			"from the DAX window are system calls from now on");
	replaced = now;
}

/* False: ours should be there, and are not. */
static bool look_who_catches(void)
{
	bool wanted = users[VFS_FAULTS_HANDLER] > 0;
	bool ours = wanted && ours_are_in_place();
	bool catches = ours || users[VFS_FAULTS_APPLICATION] > 0;

	say_if_replaced(wanted && !catches);
	atomic_store(&vfs_guard_catches, catches);
	return ours || !wanted;
}

static int want_calls(void)
{
	int err = vfs_guard_try_calls();

	if (err)
		return vfs_error(err,
			"copying from the DAX window by system calls: "
			"process_vm_writev() and process_vm_readv() are not allowed (%s), "
			"by a seccomp filter or a kernel without "
			"CONFIG_CROSS_MEMORY_ATTACH; VFS_FAULTS_HANDLER and "
			"VFS_FAULTS_APPLICATION do without them",
			strerror(-err));
	return VFS_FAULTS_SYSTEM_CALL;
}

static int want_handlers(void)
{
	if (!can_take_all())
		return want_calls();
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		take(&places[i]);
	return VFS_FAULTS_HANDLER;
}

static int want_application(void)
{
	const struct place *place = unhandled_place();

	if (place)
		return vfs_error(-EINVAL,
			"VFS_FAULTS_APPLICATION: the program has no handler of %s, "
			"which would call vfs_fault_handle()",
			place->name);
	return VFS_FAULTS_APPLICATION;
}

static int want_any(void)
{
	const struct place *place = foreign_place();

	if (!place)
		return want_handlers();
	vfs_log(VFS_LOG_INFO,
		"the program handles %s: copies to and from the DAX window are system calls",
		place->name);
	return want_calls();
}

static int choose(enum vfs_faults faults)
{
	switch (faults) {
	case VFS_FAULTS_AUTO:
		return want_any();
	case VFS_FAULTS_HANDLER:
		return want_handlers();
	case VFS_FAULTS_SYSTEM_CALL:
		return want_calls();
	case VFS_FAULTS_APPLICATION:
		return want_application();
	}
	return vfs_error(-EINVAL, "%d is no enum vfs_faults", (int)faults);
}

int vfs_guard_acquire(enum vfs_faults faults)
{
	int chosen;

	pthread_mutex_lock(&lock);
	chosen = choose(faults);
	if (chosen >= 0)
		users[chosen]++;
	look_who_catches();
	pthread_mutex_unlock(&lock);
	return chosen;
}

void vfs_guard_release(int chosen)
{
	pthread_mutex_lock(&lock);
	users[chosen]--;
	if (users[VFS_FAULTS_HANDLER] == 0)
		atomic_store(&vfs_guard_catches, users[VFS_FAULTS_APPLICATION] > 0);
	if (chosen == VFS_FAULTS_HANDLER && users[chosen] == 0)
		for (size_t i = 0; i < ARRAY_SIZE(places); i++)
			give_back(&places[i]);
	look_who_catches();
	pthread_mutex_unlock(&lock);
}

bool vfs_guard_intact(void)
{
	bool intact;

	pthread_mutex_lock(&lock);
	intact = look_who_catches();
	pthread_mutex_unlock(&lock);
	return intact;
}
