/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "outcome.h"

/* Operations set times of long ago; this is before anybody ran them. */
#define NOW_AFTER 1000000000

void outcome_begin(struct outcome *outcome)
{
	outcome->hash = HASH_BEGIN;
	outcome->used = 0;
	outcome->not_compared = false;
	outcome->text[0] = '\0';
}

bool outcome_equal(const struct outcome *a, const struct outcome *b)
{
	return a->hash == b->hash && strcmp(a->text, b->text) == 0;
}

uint64_t hash_data(uint64_t hash, const void *data, size_t size)
{
	const unsigned char *p = data;

	while (size--)
		hash = (hash ^ *p++) * 0x100000001b3ULL;
	return hash;
}

void say(struct outcome *outcome, const char *format, ...)
{
	char text[5000] = " ";
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	vsnprintf(text + 1, sizeof(text) - 1, format, arguments);
	va_end(arguments);
	length = strlen(text);
	outcome->hash = hash_data(outcome->hash, text, length);
	if (outcome->used + length >= sizeof(outcome->text))
		return;
	memcpy(outcome->text + outcome->used, text, length + 1);
	outcome->used += (uint32_t)length;
}

void say_result(struct outcome *outcome, ssize_t result)
{
	const char *name = result < 0 ? strerrorname_np((int)-result) : NULL;

	if (name)
		say(outcome, "%s", name);
	else
		say(outcome, "%zd", result);
}

void say_data(struct outcome *outcome, const void *data, ssize_t result)
{
	say_result(outcome, result);
	if (result > 0)
		say(outcome, "data %016llx",
			(unsigned long long)hash_data(HASH_BEGIN, data, (size_t)result));
}

void say_time(struct outcome *outcome, const char *name, const struct timespec *time)
{
	if (time->tv_sec > NOW_AFTER)
		say(outcome, "%s now", name);
	else
		say(outcome, "%s %lld.%09ld", name, (long long)time->tv_sec, time->tv_nsec);
}

void say_stat(struct outcome *outcome, const struct stat *stat)
{
	say(outcome, "mode %o links %lu owner %u:%u", stat->st_mode, (unsigned long)stat->st_nlink,
		stat->st_uid, stat->st_gid);
	if (!S_ISDIR(stat->st_mode))
		say(outcome, "size %lld", (long long)stat->st_size);
	if (S_ISCHR(stat->st_mode) || S_ISBLK(stat->st_mode))
		say(outcome, "device %u:%u", major(stat->st_rdev), minor(stat->st_rdev));
	say_time(outcome, "mtime", &stat->st_mtim);
}
