/* SPDX-License-Identifier: MIT */
/* Whether memory may be accessed, asked of the kernel so that nothing dies of the answer. */
#ifndef TEST_MEMORY_PROBE_H
#define TEST_MEMORY_PROBE_H

#include <stdbool.h>

bool can_read(const void *addr);

/* What is there stays. */
bool can_write(void *addr);

#endif
