/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define NAMES	32
#define LINK	4000
#define LONGEST 255

/* ---- names ---- */

static void random_name(char *name)
{
	/* Some of them are as long as there are. */
	snprintf(name, LONGEST + 1, "%0*u", load_random(4) ? 2 : LONGEST, load_random(NAMES));
}

static int create(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600 + load_random(64));

	return fd < 0 ? fd : close(fd);
}

static int long_symlink(const char *name)
{
	char target[LINK + 1];
	char seen[LINK + 1];
	int result;

	memset(target, 'a' + (int)load_random(26), LINK);
	target[LINK] = '\0';
	result = symlink(target, name);
	if (result)
		return result;
	load_must(readlink(name, seen, sizeof(seen)) == LINK && !memcmp(seen, target, LINK),
		"readlink");
	return 0;
}

static int one_of_names(uint32_t what, const char *a, const char *b)
{
	switch (what) {
	case 0:
		return rename(a, b);
	case 1:
		return link(a, b);
	case 2:
		return unlink(a);
	case 3:
		return long_symlink(a);
	case 4:
		return mkdir(a, 0700);
	case 5:
		return rmdir(a);
	case 6:
		return fchmodat(AT_FDCWD, a, 0400 + load_random(64), 0);
	default:
		return create(a);
	}
}

void load_names(unsigned int count)
{
	char a[LONGEST + 1];
	char b[LONGEST + 1];

	while (count--) {
		uint32_t what = load_random(9);

		random_name(a);
		random_name(b);
		printf("%u %.4s %.4s %s\n", what, a, b, load_result(one_of_names(what, a, b)));
	}
}

/* ---- extended attributes ---- */

static const size_t sizes[] = {1, 100, 4000, 20000, 60000};

static void see_value(const char *name, const char *value, size_t size)
{
	char *seen = malloc(size);

	load_must(getxattr("file", name, NULL, 0) == (ssize_t)size, "size of xattr");
	load_must(seen && getxattr("file", name, seen, size) == (ssize_t)size, "getxattr");
	errno = EILSEQ;
	load_must(!memcmp(seen, value, size), "value of xattr");
	if (size > 1)
		printf("%s\n", load_result((int)getxattr("file", name, seen, size - 1)));
	free(seen);
}

/* How large values may be differs from one file system to the next. */
static void one_xattr(size_t size)
{
	/* Root's may be large on more of them. */
	const char *prefix = getuid() ? "user." : "trusted.";
	char name[LONGEST + 1];
	char *value = malloc(size);
	int result;

	load_must(value, "malloc");
	snprintf(name, sizeof(name), "%s%0*zu", prefix, LONGEST - (int)strlen(prefix), size);
	memset(value, 'a' + (int)load_random(26), size);
	result = setxattr("file", name, value, size, 0);
	printf("%zu %s\n", size, load_result(result));
	if (!result)
		see_value(name, value, size);
	if (!load_random(4))
		printf("%s\n", load_result(removexattr("file", name)));
	free(value);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_sorted(char **names, size_t count)
{
	size_t i;

	qsort(names, count, sizeof(*names), by_name);
	for (i = 0; i < count; i++)
		printf("%s\n", names[i]);
}

static void list_xattrs(void)
{
	char list[8192];
	char *names[64];
	ssize_t length = listxattr("file", list, sizeof(list));
	size_t count = 0;
	char *name;

	load_must(length >= 0, "listxattr");
	for (name = list; name < list + length; name += strlen(name) + 1)
		names[count++] = name;
	print_sorted(names, count);
}

void load_xattrs(unsigned int count)
{
	load_must(!create("file"), "create");
	for (count = count / 4; count; count--)
		one_xattr(sizes[load_random(sizeof(sizes) / sizeof(sizes[0]))]);
	list_xattrs();
}

/* ---- a large directory ---- */

static void list_directory(size_t most)
{
	char **names = calloc(most + 2, sizeof(*names));
	DIR *dir = opendir(".");
	struct dirent *entry;
	size_t count = 0;

	load_must(names && dir, "opendir");
	while ((entry = readdir(dir)) && count < most + 2)
		names[count++] = strdup(entry->d_name);
	closedir(dir);
	print_sorted(names, count);
	while (count)
		free(names[--count]);
	free(names);
}

void load_many(unsigned int count)
{
	unsigned int most = 13 * count;
	char name[64];
	unsigned int i;

	for (i = 0; i < most; i++) {
		snprintf(name, sizeof(name), "%05u%0*u", i, 1 + (int)load_random(40), 0);
		load_must(!create(name), "create");
		if (!load_random(4))
			load_must(!unlink(name), "unlink");
	}
	list_directory(most);
}
