/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out on command. What the library takes from the C library, the linker leads here
 * (SCARCE in CMakeLists.txt).
 */
#ifndef TESTS_FILE_SCARCE_H
#define TESTS_FILE_SCARCE_H

#include <stdbool.h>

/* The nth allocation from now on fails; with @all all that follow, too. */
void scarce_begin(unsigned int nth, bool all);

/* There is memory again. Returns whether there was an allocation that failed. */
bool scarce_end(void);

/* Has one failed since the beginning? */
bool scarce_happened(void);

/* Allocations that were not given back. */
long scarce_in_use(void);

#endif
