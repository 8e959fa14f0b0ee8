/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shrink.h"

#define SECONDS 150

/* The server is another one by now, and what it holds is not what went wrong. */
static struct settings without_server(const struct settings *settings)
{
	struct settings copy = *settings;

	copy.mount.daemon = 0;
	copy.stats = false;
	return copy;
}

static size_t leave_out(
	const uint64_t *numbers, size_t count, size_t from, size_t length, uint64_t *rest)
{
	size_t after = from + length < count ? count - from - length : 0;

	memcpy(rest, numbers, from * sizeof(*rest));
	memcpy(rest + from, numbers + count - after, after * sizeof(*rest));
	return from + after;
}

size_t shrink(const struct settings *settings, uint64_t *numbers, size_t count)
{
	const struct settings quiet = without_server(settings);
	/* What else differs before it is another matter. */
	uint64_t last = numbers[count - 1];
	uint64_t *rest = calloc(count, sizeof(*rest));
	time_t end = time(NULL) + SECONDS;
	size_t length = (count + 1) / 2;
	size_t done;

	while (rest && length && time(NULL) < end) {
		bool less = false;

		for (size_t from = 0; from < count && time(NULL) < end;) {
			size_t left = leave_out(numbers, count, from, length, rest);

			if (left && run(&quiet, rest, left, true, &done) == RUN_DIFFERS &&
				rest[done] == last) {
				memcpy(numbers, rest, left * sizeof(*rest));
				count = done + 1;
				less = true;
			} else {
				from += length;
			}
		}
		if (!less || length > 1)
			length /= 2;
	}
	free(rest);
	return count;
}
