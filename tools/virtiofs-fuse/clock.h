/* SPDX-License-Identifier: MIT */
#ifndef VIRTIOFS_FUSE_CLOCK_H
#define VIRTIOFS_FUSE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline int64_t now_ms(void)
{
	return (int64_t)(now_ns() / 1000000);
}

#endif
