/* SPDX-License-Identifier: MIT */
#include "capabilities.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct __user_cap_header_struct this_thread(void)
{
	return (struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_3};
}

uint64_t capabilities_effective(void)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
	struct __user_cap_header_struct header = this_thread();

	if (syscall(SYS_capget, &header, data))
		return 0;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

/* Ends at the first number that the kernel does not know. */
static void shrink_bounding_set(uint64_t kept)
{
	unsigned int number;

	for (number = 0; prctl(PR_CAPBSET_READ, number) >= 0; number++) {
		if (number >= 64 || !(kept & CAPABILITY(number)))
			prctl(PR_CAPBSET_DROP, number);
	}
}

int capabilities_keep(uint64_t kept)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
	struct __user_cap_header_struct header = this_thread();
	unsigned int i;

	if (syscall(SYS_capget, &header, data))
		return -errno;
	if (data[0].effective & CAPABILITY(CAP_SETPCAP))
		shrink_bounding_set(kept);
	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		uint32_t half = (uint32_t)(kept >> 32 * i);

		data[i].effective &= half;
		data[i].permitted &= half;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}
