/* SPDX-License-Identifier: MIT */
/* Which system calls copies need, in processes that may not make others. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/core.h"
#include "dax/guard.h"
#include "dax/shown.h"

static struct shown shown;
static char buffer[SHOWN];

static int setup(void **state)
{
	(void)state;
	show(&shown);
	set_length(&shown, PAGE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hide(&shown);
	return 0;
}

static void confine(struct sock_filter *filter, size_t length)
{
	const struct sock_fprog program = {.len = (unsigned short)length, .filter = filter};

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

#define LOAD_NUMBER	 BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define SKIP_IF(call, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), (n), 0)
#define RETURN(what)	 BPF_STMT(BPF_RET | BPF_K, (what))

static void forbid_copies(void)
{
	struct sock_filter filter[] = {
		LOAD_NUMBER,
		SKIP_IF(SYS_process_vm_readv, 2),
		SKIP_IF(SYS_process_vm_writev, 1),
		RETURN(SECCOMP_RET_ALLOW),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
	};

	confine(filter, ARRAY_SIZE(filter));
}

static void must_be_refused(enum vfs_faults faults)
{
	must(vfs_guard_acquire(faults) == -EPERM);
	must(strstr(vfs_last_error(), "process_vm_writev()") != NULL);
	must(strstr(vfs_last_error(), "seccomp") != NULL);
}

static void on_signal(int signal)
{
	(void)signal;
}

static void use_without_calls(void)
{
	forbid_copies();
	must_be_refused(VFS_FAULTS_SYSTEM_CALL);
	must(vfs_copy_from_map(buffer, shown.memory, PAGE) == 0);
	must(vfs_copy_to_map(shown.memory, buffer, PAGE) == 0);
	must(vfs_guard_acquire(VFS_FAULTS_AUTO) == VFS_FAULTS_HANDLER);
	must(vfs_copy_from_map(buffer, shown.memory, 2 * PAGE) == PAGE);
	signal(SIGSEGV, on_signal);
	must(!vfs_guard_intact());
	must(vfs_copy_from_map(buffer, shown.memory, PAGE) == 0);
	vfs_guard_release(VFS_FAULTS_HANDLER);
	must_be_refused(VFS_FAULTS_AUTO);
}

static void forbidden_calls_are_said(void **state)
{
	(void)state;
	no_handlers();
	assert_int_equal(status_of_child(use_without_calls), 0);
}

/* Anything but the end of the process kills. */
static void forbid_all(void)
{
	struct sock_filter filter[] = {
		LOAD_NUMBER,
		SKIP_IF(SYS_exit_group, 1),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		RETURN(SECCOMP_RET_ALLOW),
	};

	confine(filter, ARRAY_SIZE(filter));
}

/* The first copy of a thread looks at its mask. */
static void copy_without_calls(void)
{
	must(vfs_guard_acquire(VFS_FAULTS_HANDLER) == VFS_FAULTS_HANDLER);
	must(vfs_copy_from_map(buffer, shown.memory, 1) == 1);
	forbid_all();
	for (unsigned int i = 0; i < 100; i++) {
		if (vfs_copy_from_map(buffer, shown.memory, PAGE) != PAGE)
			syscall(SYS_exit_group, 1);
		if (vfs_copy_to_map(shown.memory, buffer, PAGE) != PAGE)
			syscall(SYS_exit_group, 1);
	}
	syscall(SYS_exit_group, 0);
}

static void with_a_handler_copies_are_no_system_calls(void **state)
{
	(void)state;
	no_handlers();
	assert_int_equal(status_of_child(copy_without_calls), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(forbidden_calls_are_said),
		TEST(with_a_handler_copies_are_no_system_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
