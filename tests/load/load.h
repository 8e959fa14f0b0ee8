/* SPDX-License-Identifier: MIT */
/*
 * What programs do with a directory, each in one of its own: always the same for the same seed, so
 * that a mount and a plain directory have the same files in the end, and are said to have behaved
 * alike.
 */
#ifndef TESTS_LOAD_LOAD_H
#define TESTS_LOAD_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The next number of this process, less than @limit. */
uint32_t load_random(uint32_t limit);

/* Ends the process, having said what went wrong, if it did. */
void load_must(bool well, const char *what);

/* The name of what errno is, or "ok"; for what may fail and has to do so everywhere. */
const char *load_result(int result);

/* With the working directory in the directory of the process; standard output is compared. */
void load_buffered(unsigned int count);
void load_direct(unsigned int count);
void load_mapped(unsigned int count);
void load_names(unsigned int count);
void load_xattrs(unsigned int count);
void load_many(unsigned int count);
void load_signals(unsigned int count);
void load_locks(unsigned int count);

#endif
