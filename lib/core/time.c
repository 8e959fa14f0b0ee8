/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <time.h>

#include "core/core.h"

#define NS_PER_MS 1000000ULL

uint64_t vfs_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

struct vfs_deadline vfs_deadline_in(unsigned int timeout_ms)
{
	return (struct vfs_deadline){.ns = vfs_now_ns() + timeout_ms * NS_PER_MS};
}

bool vfs_deadline_passed(struct vfs_deadline deadline)
{
	return vfs_now_ns() >= deadline.ns;
}

int vfs_deadline_left_ms(struct vfs_deadline deadline)
{
	uint64_t now = vfs_now_ns();
	uint64_t left;

	if (now >= deadline.ns)
		return 0;
	left = (deadline.ns - now + NS_PER_MS - 1) / NS_PER_MS;
	return left > INT_MAX ? INT_MAX : (int)left;
}
