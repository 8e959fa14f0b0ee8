/* SPDX-License-Identifier: MIT */
/* Who gets which signal while the library catches faults of its own copies. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/core.h"
#include "dax/guard.h"
#include "dax/guard_modes.h"
#include "dax/shown.h"

static struct shown shown; /* the last half of it is not there */
static char buffer[SHOWN];
static char *nothing; /* a page */

/* What the program's handler has got. */
static volatile sig_atomic_t calls;
static volatile sig_atomic_t last_signal;
static void *volatile last_address;
static char *volatile last_frame;
static sigset_t last_mask;
static volatile size_t nested_count;

static int setup(void **state)
{
	(void)state;
	show(&shown);
	set_length(&shown, SHOWN / 2);
	nothing = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	calls = 0;
	last_address = NULL;
	return nothing == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	munmap(nothing, PAGE);
	hide(&shown);
	return 0;
}

static void copy_cut(void)
{
	must(vfs_copy_from_map(buffer, shown.memory + PAGE, SHOWN - PAGE) == SHOWN / 2 - PAGE);
	must(memcmp(buffer, shown.memory + PAGE, SHOWN / 2 - PAGE) == 0);
}

static void touch(char *address)
{
	*(volatile char *)address = 1;
}

static void note(int signal)
{
	char frame;

	calls++;
	last_signal = signal;
	last_frame = &frame;
	pthread_sigmask(SIG_BLOCK, NULL, &last_mask);
	mprotect(nothing, PAGE, PROT_READ | PROT_WRITE);
}

static void note_info(int signal, siginfo_t *info, void *context)
{
	(void)context;
	last_address = info->si_addr;
	note(signal);
}

static void take_nothing_away(void)
{
	assert_int_equal(mprotect(nothing, PAGE, PROT_NONE), 0);
}

static void acquire_handler(void)
{
	must(vfs_guard_acquire(VFS_FAULTS_HANDLER) == VFS_FAULTS_HANDLER);
}

static struct sigaction action_of(int signal)
{
	struct sigaction action;

	assert_int_equal(sigaction(signal, NULL, &action), 0);
	return action;
}

static void a_handler_of_the_program_gets_what_is_not_a_copys(void **state)
{
	struct sigaction action = {.sa_sigaction = note_info, .sa_flags = SA_SIGINFO};
	struct sigaction after;

	(void)state;
	no_handlers();
	sigaddset(&action.sa_mask, SIGUSR1);
	assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
	acquire_handler();
	copy_cut();
	assert_int_equal(calls, 0);
	touch(nothing + 5);
	assert_int_equal(calls, 1);
	assert_int_equal(last_signal, SIGSEGV);
	assert_ptr_equal(last_address, nothing + 5);
	assert_true(sigismember(&last_mask, SIGUSR1) && sigismember(&last_mask, SIGSEGV));
	assert_false(sigismember(&last_mask, SIGBUS));
	copy_cut();
	vfs_guard_release(VFS_FAULTS_HANDLER);
	after = action_of(SIGSEGV);
	assert_ptr_equal(after.sa_sigaction, note_info);
	assert_true(sigismember(&after.sa_mask, SIGUSR1));
	assert_true(action_of(SIGBUS).sa_handler == SIG_DFL);
}

static void a_plain_handler_gets_what_is_not_a_copys(void **state)
{
	struct sigaction action = {.sa_handler = note, .sa_flags = SA_NODEFER};

	(void)state;
	no_handlers();
	assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
	acquire_handler();
	copy_cut();
	touch(nothing);
	assert_int_equal(calls, 1);
	assert_false(sigismember(&last_mask, SIGSEGV));
	raise(SIGSEGV);
	assert_int_equal(calls, 2);
	vfs_guard_release(VFS_FAULTS_HANDLER);
	assert_ptr_equal(action_of(SIGSEGV).sa_handler, note);
}

static void the_mask_is_as_before_afterwards(void **state)
{
	sigset_t mask;

	(void)state;
	no_handlers();
	install(note_info, 0);
	acquire_handler();
	touch(nothing);
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	assert_false(sigismember(&mask, SIGSEGV));
	vfs_guard_release(VFS_FAULTS_HANDLER);
}

static void a_handler_for_one_signal_gets_one(void **state)
{
	(void)state;
	no_handlers();
	install(note_info, (int)SA_RESETHAND);
	acquire_handler();
	touch(nothing);
	assert_int_equal(calls, 1);
	vfs_guard_release(VFS_FAULTS_HANDLER);
	assert_true(action_of(SIGSEGV).sa_handler == SIG_DFL);
	assert_ptr_equal(action_of(SIGBUS).sa_sigaction, note_info);
}

static void fault_twice(void)
{
	touch(nothing);
	mprotect(nothing, PAGE, PROT_NONE);
	touch(nothing);
}

static void after_which_there_is_none(void **state)
{
	int status;

	(void)state;
	no_handlers();
	install(note_info, (int)SA_RESETHAND);
	acquire_handler();
	status = status_of_child(fault_twice);
	vfs_guard_release(VFS_FAULTS_HANDLER);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void sigbus(void)
{
	touch(shown.memory + SHOWN - 1);
}

static void sigsegv(void)
{
	touch(nothing);
}

static void sent_sigbus(void)
{
	kill(getpid(), SIGBUS);
}

static void sent_sigsegv(void)
{
	raise(SIGSEGV);
}

static void assert_killed(int status, int signal)
{
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), signal);
}

static void without_handlers_signals_kill_as_ever(void **state)
{
	(void)state;
	no_handlers();
	acquire_handler();
	assert_killed(status_of_child(sigbus), SIGBUS);
	assert_killed(status_of_child(sigsegv), SIGSEGV);
	assert_killed(status_of_child(sent_sigbus), SIGBUS);
	assert_killed(status_of_child(sent_sigsegv), SIGSEGV);
	vfs_guard_release(VFS_FAULTS_HANDLER);
}

static void ignored_signals_are_ignored_and_faults_are_not(void **state)
{
	(void)state;
	signal(SIGBUS, SIG_IGN);
	signal(SIGSEGV, SIG_IGN);
	acquire_handler();
	copy_cut();
	assert_killed(status_of_child(sigbus), SIGBUS);
	assert_killed(status_of_child(sigsegv), SIGSEGV);
	assert_int_equal(status_of_child(sent_sigbus), 0);
	assert_int_equal(status_of_child(sent_sigsegv), 0);
	vfs_guard_release(VFS_FAULTS_HANDLER);
	assert_true(action_of(SIGBUS).sa_handler == SIG_IGN);
}

static void handlers_stay_until_the_last_mount_is_gone(void **state)
{
	(void)state;
	no_handlers();
	acquire_handler();
	assert_int_equal(vfs_guard_acquire(VFS_FAULTS_AUTO), VFS_FAULTS_HANDLER);
	vfs_guard_release(VFS_FAULTS_HANDLER);
	copy_cut();
	assert_true(vfs_guard_intact());
	assert_false(action_of(SIGBUS).sa_handler == SIG_DFL);
	vfs_guard_release(VFS_FAULTS_HANDLER);
	assert_true(action_of(SIGBUS).sa_handler == SIG_DFL);
	assert_true(action_of(SIGSEGV).sa_handler == SIG_DFL);
	copy_cut();
}

static void auto_leaves_handlers_of_the_program_alone(void **state)
{
	(void)state;
	no_handlers();
	signal(SIGSEGV, note);
	assert_int_equal(vfs_guard_acquire(VFS_FAULTS_AUTO), VFS_FAULTS_SYSTEM_CALL);
	copy_cut();
	assert_int_equal(calls, 0);
	assert_true(action_of(SIGBUS).sa_handler == SIG_DFL);
	vfs_guard_release(VFS_FAULTS_SYSTEM_CALL);
}

static void a_later_handler_is_respected(void **state)
{
	struct sigaction ours;

	(void)state;
	no_handlers();
	acquire_handler();
	ours = action_of(SIGBUS);
	signal(SIGBUS, note);
	assert_false(vfs_guard_intact());
	copy_cut();
	assert_int_equal(calls, 0);
	assert_int_equal(sigaction(SIGBUS, &ours, NULL), 0);
	assert_true(vfs_guard_intact());
	copy_cut();
	signal(SIGBUS, note);
	vfs_guard_release(VFS_FAULTS_HANDLER);
	assert_ptr_equal(action_of(SIGBUS).sa_handler, note);
	assert_true(action_of(SIGSEGV).sa_handler == SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	acquire_handler();
	copy_cut();
	vfs_guard_release(VFS_FAULTS_HANDLER);
}

static struct sigaction chained;

static void pass_to_chained(int signal, siginfo_t *info, void *context)
{
	must(calls++ < 10);
	chained.sa_sigaction(signal, info, context);
}

/* Ours must not be put in front of one that passes on to it, or it would go round. */
static void a_later_handler_may_pass_on_to_ours(void **state)
{
	(void)state;
	no_handlers();
	signal(SIGSEGV, note);
	acquire_handler();
	chained = action_of(SIGSEGV);
	install(pass_to_chained, 0);
	touch(nothing);
	assert_int_equal(calls, 2);
	vfs_guard_release(VFS_FAULTS_HANDLER);
	take_nothing_away();
	touch(nothing);
	assert_int_equal(calls, 4);
	assert_int_equal(vfs_guard_acquire(VFS_FAULTS_HANDLER), VFS_FAULTS_SYSTEM_CALL);
	take_nothing_away();
	touch(nothing);
	assert_int_equal(calls, 6);
	copy_cut();
	vfs_guard_release(VFS_FAULTS_SYSTEM_CALL);
	assert_ptr_equal(action_of(SIGSEGV).sa_sigaction, pass_to_chained);
	assert_int_equal(calls, 6);
	/* So that the tests behind this one can have it. */
	assert_int_equal(sigaction(SIGSEGV, &chained, NULL), 0);
	signal(SIGBUS, SIG_DFL);
	acquire_handler();
	vfs_guard_release(VFS_FAULTS_HANDLER);
}

static void application_mode_wants_handlers(void **state)
{
	(void)state;
	no_handlers();
	assert_int_equal(vfs_guard_acquire(VFS_FAULTS_APPLICATION), -EINVAL);
	assert_non_null(strstr(vfs_last_error(), "SIGBUS"));
	signal(SIGBUS, note);
	assert_int_equal(vfs_guard_acquire(VFS_FAULTS_APPLICATION), -EINVAL);
	assert_non_null(strstr(vfs_last_error(), "SIGSEGV"));
	assert_int_equal(vfs_guard_acquire((enum vfs_faults)17), -EINVAL);
}

static void handle_or_note(int signal, siginfo_t *info, void *context)
{
	if (!vfs_fault_handle(signal, info, context))
		note_info(signal, info, context);
}

static void the_programs_handler_hears_what_is_a_copys(void **state)
{
	sigset_t mask;

	(void)state;
	install(handle_or_note, 0);
	assert_int_equal(vfs_guard_acquire(VFS_FAULTS_APPLICATION), VFS_FAULTS_APPLICATION);
	copy_cut();
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	assert_false(sigismember(&mask, SIGBUS));
	copy_cut();
	assert_int_equal(calls, 0);
	touch(nothing);
	assert_int_equal(calls, 1);
	raise(SIGBUS);
	assert_int_equal(calls, 2);
	vfs_guard_release(VFS_FAULTS_APPLICATION);
	assert_ptr_equal(action_of(SIGBUS).sa_sigaction, handle_or_note);
}

/* Signals that somebody has sent, or of other memory, while a copy of @address is interrupted. */
static void handle_others(char *address, void *context)
{
	siginfo_t sent = {.si_code = SI_USER};
	siginfo_t other = {.si_code = SEGV_MAPERR};

	sent.si_addr = address;
	must(!vfs_fault_handle(SIGSEGV, &sent, context));
	must(!vfs_fault_handle(SIGBUS, &sent, context));
	other.si_addr = address - PAGE;
	must(!vfs_fault_handle(SIGSEGV, &other, context));
	other.si_addr = address + 2 * PAGE;
	must(!vfs_fault_handle(SIGSEGV, &other, context));
	other.si_addr = address;
	must(!vfs_fault_handle(SIGFPE, &other, context));
}

/* In a fault of the outer copy. */
static void copy_within(int signal, siginfo_t *info, void *context)
{
	static char other[SHOWN];

	(void)info;
	handle_others(shown.memory + SHOWN / 2 - PAGE / 2, context);
	nested_count = vfs_copy_from_map(other, shown.memory + SHOWN / 2 - PAGE, 2 * PAGE);
	note(signal);
}

static void a_handler_may_copy_while_a_copy_is_interrupted(void **state)
{
	const size_t start = SHOWN / 2 - PAGE / 2;

	(void)state;
	no_handlers();
	install(copy_within, 0);
	acquire_handler();
	assert_int_equal(vfs_copy_from_map(nothing, shown.memory + start, PAGE), PAGE / 2);
	assert_int_equal(nested_count, PAGE);
	assert_memory_equal(nothing, shown.memory + start, PAGE / 2);
	assert_int_equal(calls, 1);
	vfs_guard_release(VFS_FAULTS_HANDLER);
}

static void copy_within_and_handle(int signal, siginfo_t *info, void *context)
{
	static char other[SHOWN];

	if (calls++ == 0)
		nested_count = vfs_copy_from_map(other, shown.memory, SHOWN);
	if (!vfs_fault_handle(signal, info, context))
		abort();
}

static void also_when_it_handles_the_interrupted_one(void **state)
{
	(void)state;
	install(copy_within_and_handle, SA_NODEFER);
	assert_int_equal(vfs_guard_acquire(VFS_FAULTS_APPLICATION), VFS_FAULTS_APPLICATION);
	copy_cut();
	assert_int_equal(nested_count, SHOWN / 2);
	vfs_guard_release(VFS_FAULTS_APPLICATION);
}

#define STACK 65536u

static char *stack;

static void use_stack(void)
{
	const stack_t alternate = {.ss_sp = stack, .ss_size = STACK};
	stack_t before, now;

	must(sigaltstack(&alternate, &before) == 0);
	copy_cut();
	copy_cut();
	must(sigaltstack(&before, &now) == 0);
	must(now.ss_flags == 0 && now.ss_sp == stack);
}

static void *use_stack_in_thread(void *arg)
{
	(void)arg;
	use_stack();
	return NULL;
}

static void run_use_stack(void)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, use_stack_in_thread, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void alternate_stacks_are_left_behind(void **state)
{
	(void)state;
	stack = malloc(STACK);
	assert_non_null(stack);
	in_each_mode(run_use_stack);
	install_application(SA_ONSTACK);
	assert_int_equal(vfs_guard_acquire(VFS_FAULTS_APPLICATION), VFS_FAULTS_APPLICATION);
	run_use_stack();
	vfs_guard_release(VFS_FAULTS_APPLICATION);
	free(stack);
}

static void *fault_with_stack(void *arg)
{
	const stack_t alternate = {.ss_sp = stack, .ss_size = STACK};
	stack_t before;

	(void)arg;
	must(sigaltstack(&alternate, &before) == 0);
	touch(nothing);
	must(sigaltstack(&before, NULL) == 0);
	return NULL;
}

/* Whether the program's handler ran on the alternate stack. */
static bool runs_on_stack(int flags)
{
	pthread_t thread;

	no_handlers();
	install(note_info, flags);
	acquire_handler();
	take_nothing_away();
	assert_int_equal(pthread_create(&thread, NULL, fault_with_stack, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	vfs_guard_release(VFS_FAULTS_HANDLER);
	return last_frame >= stack && last_frame < stack + STACK;
}

static void a_handler_runs_on_the_stack_that_it_wanted(void **state)
{
	(void)state;
	stack = malloc(STACK);
	assert_non_null(stack);
	assert_true(runs_on_stack(SA_ONSTACK));
	assert_false(runs_on_stack(0));
	free(stack);
}

/* A fault that is blocked kills, so there is none. */
static void *copy_with_signals_blocked(void *arg)
{
	sigset_t all;

	(void)arg;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	copy_cut();
	copy_cut();
	pthread_sigmask(SIG_UNBLOCK, &all, NULL);
	copy_cut();
	return NULL;
}

static void copy_blocked(void)
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, copy_with_signals_blocked, NULL) == 0);
	must(pthread_join(thread, NULL) == 0);
}

static void a_thread_that_blocks_the_signals_is_not_killed(void **state)
{
	(void)state;
	no_handlers();
	acquire_handler();
	assert_int_equal(status_of_child(copy_blocked), 0);
	vfs_guard_release(VFS_FAULTS_HANDLER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_handler_of_the_program_gets_what_is_not_a_copys),
		TEST(a_plain_handler_gets_what_is_not_a_copys),
		TEST(the_mask_is_as_before_afterwards),
		TEST(a_handler_for_one_signal_gets_one),
		TEST(after_which_there_is_none),
		TEST(without_handlers_signals_kill_as_ever),
		TEST(ignored_signals_are_ignored_and_faults_are_not),
		TEST(handlers_stay_until_the_last_mount_is_gone),
		TEST(auto_leaves_handlers_of_the_program_alone),
		TEST(a_later_handler_is_respected),
		TEST(a_later_handler_may_pass_on_to_ours),
		TEST(application_mode_wants_handlers),
		TEST(the_programs_handler_hears_what_is_a_copys),
		TEST(a_handler_may_copy_while_a_copy_is_interrupted),
		TEST(also_when_it_handles_the_interrupted_one),
		TEST(alternate_stacks_are_left_behind),
		TEST(a_handler_runs_on_the_stack_that_it_wanted),
		TEST(a_thread_that_blocks_the_signals_is_not_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
