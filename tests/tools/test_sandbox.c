/* SPDX-License-Identifier: MIT */
/* What can still be done in the sandbox, by a child that enters it. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/vfio.h>

#include <cmocka.h>

#include "capabilities.h"
#include "filter.h"
#include "report.h"
#include "sandbox.h"
#include "transport/vfio_compat.h"

static char said[512];

static void say(const char *format, va_list ap)
{
	size_t used = strlen(said);

	vsnprintf(said + used, sizeof(said) - used, format, ap);
}

void report_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(format, ap);
	va_end(ap);
}

void report_note(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(format, ap);
	va_end(ap);
}

static bool filter_is_built_in(void)
{
	char text[64];

	filter_describe(text, sizeof(text));
	return strstr(text, "libseccomp ") == text;
}

/* In a child; what it returns is its status. */
static int in_child(int (*what)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid)
		_exit(what());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		fail_msg("ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static void enter(enum sandbox_mode mode)
{
	const struct sandbox sandbox = {.mode = mode};

	if (sandbox_drop(&sandbox) || sandbox_enter(&sandbox, false))
		_exit(99);
}

#define REFUSED(call)                         \
	do {                                  \
		errno = 0;                    \
		if ((call) != -1)             \
			return __LINE__ % 90; \
		if (errno != EPERM)           \
			return 90;            \
	} while (0)

#define ALLOWED(call)                         \
	do {                                  \
		if ((call) == -1)             \
			return __LINE__ % 90; \
	} while (0)

static int try_what_is_refused(void)
{
	char *argv[] = {"true", NULL};
	int mask = PROT_READ | PROT_EXEC;

	enter(SANDBOX_ON);
	REFUSED(open("/dev/null", O_RDONLY));
	REFUSED(syscall(SYS_open, "/dev/null", O_RDONLY));
	REFUSED(socket(AF_UNIX, SOCK_STREAM, 0));
	REFUSED(socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0}));
	REFUSED(execve("/bin/true", argv, argv));
	REFUSED(fork());
	REFUSED(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
	REFUSED(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
	REFUSED(kill(getppid(), SIGTERM));
	REFUSED(syscall(SYS_tgkill, getppid(), getppid(), SIGTERM));
	REFUSED(umount2("/nowhere", 0));
	REFUSED(mount("", "/nowhere", "", 0, NULL));
	REFUSED(unshare(CLONE_NEWUSER));
	REFUSED(prctl(PR_SET_DUMPABLE, 0));
	REFUSED(syscall(SYS_io_uring_setup, 1, NULL));
	REFUSED(syscall(SYS_io_uring_enter, 0, 0, 0, 0, NULL, 0));
	REFUSED(ioctl(STDIN_FILENO, TIOCSTI, "x"));
	REFUSED(ioctl(STDIN_FILENO, VFIO_GROUP_GET_DEVICE_FD, "x"));
	REFUSED(mprotect(NULL, 4096, mask));
	if (mmap(NULL, 4096, mask, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ||
		errno != EPERM)
		return __LINE__ % 90;
	return 0;
}

static void test_what_is_refused(void **state)
{
	(void)state;
	if (!filter_is_built_in())
		skip();
	assert_int_equal(in_child(try_what_is_refused), 0);
}

static void *add_one(void *arg)
{
	++*(int *)arg;
	return NULL;
}

static int try_what_is_needed(void)
{
	pthread_t thread;
	int fds[2];
	int one = 0;
	char *memory;

	enter(SANDBOX_ON);
	ALLOWED(pipe2(fds, O_CLOEXEC));
	ALLOWED(write(fds[1], "x", 1));
	ALLOWED(eventfd(0, EFD_CLOEXEC));
	ALLOWED(fcntl(fds[0], F_DUPFD_CLOEXEC, 0));
	memory = malloc(64 << 20);
	if (!memory)
		return __LINE__ % 90;
	memset(memory, 1, 64 << 20);
	free(memory);
	if (pthread_create(&thread, NULL, add_one, &one) || pthread_join(thread, NULL) || one != 1)
		return __LINE__ % 90;
	raise(SIGURG);
	return 0;
}

static int try_to_give_a_device_back(void)
{
	static const unsigned long requests[] = {VFIO_DEVICE_RESET, VFIO_DEVICE_SET_IRQS,
		VFIO_IOMMU_UNMAP_DMA, VFS_VFIO_DEVICE_DETACH_IOMMUFD_PT, VFS_IOMMU_IOAS_UNMAP,
		VFS_IOMMU_DESTROY};
	size_t i;

	enter(SANDBOX_ON);
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		/* The number says that the filter has let it pass. */
		if (ioctl(-1, requests[i], NULL) != -1 || errno != EBADF)
			return (int)i + 1;
	}
	return 0;
}

static void test_a_device_can_be_given_back(void **state)
{
	(void)state;
	if (!filter_is_built_in())
		skip();
	assert_int_equal(in_child(try_to_give_a_device_back), 0);
}

static void test_what_is_needed(void **state)
{
	(void)state;
	if (!filter_is_built_in())
		skip();
	assert_int_equal(in_child(try_what_is_needed), 0);
}

static int go_fd;

/* Began before the sandbox. */
static void *open_later(void *arg)
{
	uint64_t go;

	if (read(go_fd, &go, sizeof(go)) == sizeof(go) && open("/dev/null", O_RDONLY) < 0)
		*(int *)arg = errno;
	return NULL;
}

static int try_in_another_thread(void)
{
	pthread_t thread;
	int error = 0;

	go_fd = eventfd(0, EFD_CLOEXEC);
	if (pthread_create(&thread, NULL, open_later, &error))
		return 1;
	enter(SANDBOX_ON);
	eventfd_write(go_fd, 1);
	pthread_join(thread, NULL);
	return error == EPERM ? 0 : 2;
}

static void test_threads_that_there_are_are_in_it(void **state)
{
	(void)state;
	if (!filter_is_built_in())
		skip();
	assert_int_equal(in_child(try_in_another_thread), 0);
}

static int try_capabilities(void)
{
	const struct sandbox sandbox = {.mode = SANDBOX_ON};
	bool root = capabilities_effective() != 0;

	if (sandbox_drop(&sandbox))
		return 1;
	if (capabilities_effective() || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 2;
	if (root && prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN))
		return 3;
	/* For virtiofs-inspect */
	return prctl(PR_GET_DUMPABLE) == 1 ? 0 : 4;
}

static void test_capabilities_are_gone(void **state)
{
	(void)state;
	assert_int_equal(in_child(try_capabilities), 0);
}

static int try_to_keep_one(void)
{
	if (capabilities_keep(CAPABILITY(CAP_SYS_ADMIN)))
		return 1;
	return capabilities_effective() & ~CAPABILITY(CAP_SYS_ADMIN) ? 2 : 0;
}

static void test_one_capability_can_be_kept(void **state)
{
	(void)state;
	assert_int_equal(in_child(try_to_keep_one), 0);
}

static int try_off(void)
{
	uint64_t before = capabilities_effective();

	enter(SANDBOX_OFF);
	if (open("/dev/null", O_RDONLY) < 0 || capabilities_effective() != before)
		return 1;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
}

static void test_it_can_be_off(void **state)
{
	(void)state;
	assert_int_equal(in_child(try_off), 0);
}

/* As in a build without libseccomp: the program that has entered it once may not once more. */
static int try_without_a_filter(void)
{
	const struct sandbox on = {.mode = SANDBOX_ON};
	const struct sandbox automatic = {.mode = SANDBOX_AUTO, .trace = true};

	if (filter_is_built_in())
		enter(SANDBOX_ON);
	if (sandbox_enter(&on, false) != -1 ||
		!strstr(said, "sandbox=on, and system calls cannot be filtered: "))
		return 1;
	said[0] = '\0';
	if (sandbox_enter(&automatic, false) || !strstr(said, "system calls cannot be filtered: "))
		return 2;
	return 0;
}

static void test_what_cannot_be_had_is_an_error_only_if_it_is_on(void **state)
{
	(void)state;
	assert_int_equal(in_child(try_without_a_filter), 0);
}

static int try_inherited(void)
{
	const struct sandbox sandbox = {.mode = SANDBOX_AUTO};
	const struct sandbox off = {.mode = SANDBOX_OFF};
	int kept = dup2(STDOUT_FILENO, 50);

	dup2(STDOUT_FILENO, 49);
	dup2(STDOUT_FILENO, 51);
	sandbox_close_inherited(&off, -1);
	ALLOWED(fcntl(49, F_GETFD));
	sandbox_close_inherited(&sandbox, kept);
	ALLOWED(fcntl(50, F_GETFD));
	ALLOWED(fcntl(STDERR_FILENO, F_GETFD));
	if (fcntl(49, F_GETFD) != -1 || fcntl(51, F_GETFD) != -1)
		return __LINE__ % 90;
	sandbox_close_inherited(&sandbox, -1);
	return fcntl(50, F_GETFD) == -1 ? 0 : __LINE__ % 90;
}

static void test_what_was_inherited_is_closed(void **state)
{
	(void)state;
	assert_int_equal(in_child(try_inherited), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_what_is_needed),
		cmocka_unit_test(test_a_device_can_be_given_back),
		cmocka_unit_test(test_threads_that_there_are_are_in_it),
		cmocka_unit_test(test_capabilities_are_gone),
		cmocka_unit_test(test_one_capability_can_be_kept),
		cmocka_unit_test(test_it_can_be_off),
		cmocka_unit_test(test_what_cannot_be_had_is_an_error_only_if_it_is_on),
		cmocka_unit_test(test_what_was_inherited_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
