/* SPDX-License-Identifier: MIT */
/* What is in directories. */
#ifndef FILE_NAMES_H
#define FILE_NAMES_H

#include <limits.h>

#include "calls.h"

struct names {
	char (*names)[NAME_MAX + 1];
	size_t count;
};

/* Sorted, without the two that every directory has. 0, or an error; to be freed in any case. */
int names_read(const struct calls *calls, void *fs, const char *path, struct names *names);
void names_free(struct names *names);

/* Of @path the first @length bytes, a slash, and @name; @path has room for PATH_MAX. -ENAMETOOLONG
 */
int names_append(char *path, size_t length, const char *name);

/* All that is in the file system is removed. 0, or the first error. */
int names_remove_all(const struct calls *calls, void *fs);

#endif
