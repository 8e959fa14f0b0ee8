/* SPDX-License-Identifier: MIT */
/* What the library said: the thread's error message, and lines of the log. */
#ifndef TEST_SAID_H
#define TEST_SAID_H

#include <stdbool.h>

#include <vfs/log.h>

/* The message of the last error has these words in it. */
void assert_error_says(const char *words);

/* Keep the log from now on; what was kept before is dropped. */
void said_start(void);

/* Was there a line of this level with these words in it? */
bool said(enum vfs_log_level level, const char *words);
void assert_said(enum vfs_log_level level, const char *words);

/* How many lines there were. */
unsigned int said_lines(void);

#endif
