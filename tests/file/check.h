/* SPDX-License-Identifier: MIT */
/* Named checks of single behaviours, over a table of calls. Each begins with an empty file system.
 */
#ifndef FILE_CHECK_H
#define FILE_CHECK_H

#include <errno.h>
#include <stdio.h>

#include "calls.h"

/* Of the program: there is one mount. */
extern const struct calls *c;
extern void *fs;

enum check_result { CHECK_GOOD, CHECK_BAD, CHECK_SKIPPED };

struct check {
	const char *name;
	enum check_result (*function)(void);
};

/* The lists; each ends with a name of NULL. */
extern const struct check data_checks[];
extern const struct check name_checks[];
extern const struct check right_checks[];

/* Ends the check unless two numbers are equal; the first is what came. */
#define IS(actual, expected)                                                                       \
	do {                                                                                       \
		long long is = (long long)(actual);                                                \
		long long wanted = (long long)(expected);                                          \
                                                                                                   \
		if (is != wanted) {                                                                \
			printf("# %s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #actual, is, \
				wanted);                                                           \
			return CHECK_BAD;                                                          \
		}                                                                                  \
	} while (0)

/* Ends it where the server cannot do this; what is open has to be closed before. */
static inline bool is_lacking(long long result)
{
	return result == -EOPNOTSUPP || result == -ENOSYS;
}

#define NEEDS(result)                         \
	do {                                  \
		if (is_lacking(result))       \
			return CHECK_SKIPPED; \
	} while (0)

/* A file with this text; 0, or an error. */
int make_file(const char *path, mode_t mode, const char *text);

/* Whether a file has just this text. */
bool has_text(const char *path, const char *text);

/* An attribute of a path, not followed; -errno. */
long long mode_of(const char *path);
long long size_of(const char *path);
long long links_of(const char *path);

/* From now on somebody else asks; root_again() before the check ends is not needed. */
void become(uid_t uid, mode_t mask);
void root_again(void);

#endif
