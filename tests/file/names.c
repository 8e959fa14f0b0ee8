/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

static int add_name(struct names *names, const char *name)
{
	void *more = realloc(names->names, (names->count + 1) * sizeof(*names->names));

	if (!more)
		return -ENOMEM;
	names->names = more;
	strcpy(names->names[names->count++], name);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

int names_read(const struct calls *calls, void *fs, const char *path, struct names *names)
{
	struct dirent entry;
	void *dir;
	int r = calls->opendir(fs, path, &dir);

	*names = (struct names){0};
	if (r < 0)
		return r;
	while ((r = calls->readdir(dir, &entry)) > 0) {
		if (strcmp(entry.d_name, ".") != 0 && strcmp(entry.d_name, "..") != 0)
			r = add_name(names, entry.d_name);
		if (r < 0)
			break;
	}
	calls->closedir(dir);
	if (names->count)
		qsort(names->names, names->count, sizeof(*names->names), compare_names);
	return r;
}

int names_append(char *path, size_t length, const char *name)
{
	if (length + 1 + strlen(name) >= PATH_MAX)
		return -ENAMETOOLONG;
	path[length] = '/';
	strcpy(path + length + 1, name);
	return 0;
}

void names_free(struct names *names)
{
	free(names->names);
}

static int empty_below(const struct calls *calls, void *fs, char *path);

static int remove_one(const struct calls *calls, void *fs, char *path)
{
	struct stat stat;
	int r = calls->stat(fs, NULL, path, &stat, AT_SYMLINK_NOFOLLOW);

	if (r < 0 || !S_ISDIR(stat.st_mode))
		return r < 0 ? r : calls->unlink(fs, NULL, path, 0);
	r = empty_below(calls, fs, path);
	return r < 0 ? r : calls->unlink(fs, NULL, path, AT_REMOVEDIR);
}

static int empty_below(const struct calls *calls, void *fs, char *path)
{
	size_t length = strlen(path);
	struct names names;
	int r = names_read(calls, fs, *path ? path : "/", &names);

	for (size_t i = 0; i < names.count && r == 0; i++) {
		r = names_append(path, length, names.names[i]);
		if (r == 0)
			r = remove_one(calls, fs, path);
	}
	path[length] = '\0';
	names_free(&names);
	return r;
}

int names_remove_all(const struct calls *calls, void *fs)
{
	char path[PATH_MAX] = "";

	return empty_below(calls, fs, path);
}
