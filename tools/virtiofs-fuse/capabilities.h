/* SPDX-License-Identifier: MIT */
/* What a process may do beside what its user may. */
#ifndef VIRTIOFS_FUSE_CAPABILITIES_H
#define VIRTIOFS_FUSE_CAPABILITIES_H

#include <stdint.h>

#include <linux/capability.h>

#define CAPABILITY(number) (1ULL << (number))

/* Those that this thread can use, one bit each; 0 also if that cannot be asked. */
uint64_t capabilities_effective(void);

/*
 * Give up all of this thread's that are not in @kept, and those that a program could get that it
 * starts, if that is allowed. 0 or -errno.
 */
int capabilities_keep(uint64_t kept);

#endif
