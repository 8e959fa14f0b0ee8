/* SPDX-License-Identifier: MIT */
#ifndef EQUIVALENCE_SHRINK_H
#define EQUIVALENCE_SHRINK_H

#include "run.h"

/*
 * Leaves out what is not needed for the two to differ, chunks first, then single operations.
 * Returns how many are left in @numbers.
 */
size_t shrink(const struct settings *settings, uint64_t *numbers, size_t count);

#endif
