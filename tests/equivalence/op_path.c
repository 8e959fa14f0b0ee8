/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "op.h"
#include "random.h"

static const char *const names[] = {"a", "b", "c", "d", "e"};
static const char *const odd_names[] = {"x y", "\xc3\xa9", "...", "-", "\x01\xff"};

/* Too long by one for a file system if @length is NAME_MAX + 1. */
static char *put_long_name(char *end, size_t length)
{
	memset(end, 'n', length);
	end[length] = '\0';
	return end + length;
}

static char *put(char *end, const char *text)
{
	return stpcpy(end, text);
}

static char *put_name(uint64_t *random, char *end)
{
	unsigned int n = random_below(random, 1000);

	if (n < 900)
		return put(end, names[random_below(random, 5)]);
	if (n < 945)
		return put(end, "..");
	if (n < 975)
		return put(end, ".");
	if (n < 988)
		return put(end, odd_names[random_below(random, 5)]);
	return put_long_name(end, n < 996 ? NAME_MAX : NAME_MAX + 1);
}

/* As many bytes, without the NUL, of a path to "a". */
static void put_long_path(char *path, size_t length)
{
	size_t i;

	for (i = 0; i + 2 <= length - 1; i += 2)
		memcpy(path + i, "./", 2);
	if (i < length - 1)
		path[i++] = '/';
	memcpy(path + i, "a", 2);
}

/* true: it is in @path */
static bool make_special(uint64_t *random, char *path)
{
	static const char *const whole[] = {"", "/", ".", "..", "//", "/.."};
	unsigned int n = random_below(random, 1000);

	if (n < 18)
		strcpy(path, whole[n / 3]);
	else if (n < 21)
		put_long_path(path, PATH_MAX - 1);
	else if (n < 23)
		put_long_path(path, PATH_MAX);
	else
		return false;
	return true;
}

static unsigned int make_depth(uint64_t *random)
{
	unsigned int n = random_below(random, 100);

	if (n < 40)
		return 1;
	if (n < 75)
		return 2;
	if (n < 94)
		return 3;
	return 4 + random_below(random, 5);
}

void op_make_path(uint64_t *random, char *path)
{
	static const char *const fronts[] = {"", "/", "", "/", "", "/", "", "/", "//", "./"};
	static const char *const ends[] = {"/", "/", "/", "/.", "//", "/.."};
	char *end = path;

	if (make_special(random, path))
		return;
	end = put(end, fronts[random_below(random, 10)]);
	for (unsigned int depth = make_depth(random); depth; depth--) {
		end = put_name(random, end);
		if (depth > 1)
			end = put(end, random_chance(random, 20) ? "//" : "/");
	}
	if (random_chance(random, 100))
		put(end, ends[random_below(random, 6)]);
}
