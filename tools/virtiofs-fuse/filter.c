/* SPDX-License-Identifier: MIT */
#include "filter.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <linux/vfio.h>
#include <seccomp.h>

#include "transport/vfio_compat.h"

/* What one call is in one version of the C library is another in the next: both are here. */
static const int calls[] = {
	/* The kernel, the device, the daemon behind a socket */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(pread64),
	SCMP_SYS(pwrite64), SCMP_SYS(preadv2), SCMP_SYS(sendmsg), SCMP_SYS(recvmsg),
	SCMP_SYS(sendto), SCMP_SYS(recvfrom), SCMP_SYS(shutdown),

	/* Waiting */
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(eventfd2), SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime), SCMP_SYS(futex), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(restart_syscall), SCMP_SYS(wait4),

	/* Descriptors that are open, or that a daemon has sent */
	SCMP_SYS(close), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(fcntl),
	SCMP_SYS(pipe2), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(fstatfs),

	/* Memory; mmap and mprotect are below */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(getrandom),

	/* Threads; clone is below */
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(gettid), SCMP_SYS(getpid),
	SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_setaffinity),
	SCMP_SYS(getcpu), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(getuid), SCMP_SYS(geteuid),

	/* Signals; tgkill is below */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigpending), SCMP_SYS(sigaltstack)};

static const int uring_calls[] = {SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register)};

/* Of a device that is reset and given back. */
static const unsigned long requests[] = {VFIO_DEVICE_RESET, VFIO_DEVICE_SET_IRQS,
	VFIO_IOMMU_UNMAP_DMA, VFS_VFIO_DEVICE_DETACH_IOMMUFD_PT, VFS_IOMMU_IOAS_UNMAP,
	VFS_IOMMU_DESTROY};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void filter_describe(char *text, size_t size)
{
	const struct scmp_version *version = seccomp_version();

	snprintf(text, size, "libseccomp %u.%u.%u", version->major, version->minor, version->micro);
}

static int allow_all(scmp_filter_ctx filter, const int *numbers, size_t count)
{
	int error = 0;
	size_t i;

	for (i = 0; i < count && !error; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, numbers[i], 0);
	return error;
}

/* @call, if the bits @mask of its argument @index are @value. */
static int allow_if(scmp_filter_ctx filter, int call, unsigned int index, unsigned long mask,
	unsigned long value)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
		SCMP_CMP64(index, SCMP_CMP_MASKED_EQ, mask, value));
}

static int allow_requests(scmp_filter_ctx filter)
{
	int error = 0;
	size_t i;

	for (i = 0; i < COUNT(requests) && !error; i++)
		error = allow_if(filter, SCMP_SYS(ioctl), 1, 0xffffffff, requests[i]);
	return error;
}

/* No code but what is there. */
static int allow_memory(scmp_filter_ctx filter)
{
	int error = allow_if(filter, SCMP_SYS(mmap), 2, PROT_EXEC, 0);

	return error ? error : allow_if(filter, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
}

/* Of the two calls that start a thread only clone shows whether it is one. */
static int allow_threads(scmp_filter_ctx filter)
{
	int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	if (!error)
		error = allow_if(filter, SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD);
	return error ? error : allow_if(filter, SCMP_SYS(prctl), 0, ~0UL, PR_SET_NAME);
}

static int allow_own_signals(scmp_filter_ctx filter)
{
	return allow_if(filter, SCMP_SYS(tgkill), 0, ~0UL, (unsigned long)getpid());
}

static int set_up(scmp_filter_ctx filter, bool uring)
{
	int error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	/* What is refused is logged: by the kernel, that is, and as often as it likes. */
	if (!error)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	/* Older kernels would slow the process down otherwise; there are no secrets to guess in it.
	 */
	if (!error)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	if (!error)
		error = allow_all(filter, calls, COUNT(calls));
	if (!error && uring)
		error = allow_all(filter, uring_calls, COUNT(uring_calls));
	if (!error)
		error = allow_requests(filter);
	if (!error)
		error = allow_memory(filter);
	if (!error)
		error = allow_threads(filter);
	return error ? error : allow_own_signals(filter);
}

const char *filter_load(bool uring)
{
	/* Not to end the process: what the kernel has not written back yet would be lost. */
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int error;

	if (!filter)
		return strerror(ENOMEM);
	error = set_up(filter, uring);
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error ? strerror(-error) : NULL;
}
