/* SPDX-License-Identifier: MIT */
/*
 * statx(2) in a loop that makes the file system ask its server each time.
 *
 *	statx-loop PATH COUNT
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int main(int argc, char **argv)
{
	unsigned long count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	uint64_t begin = now_ns();
	unsigned long i;

	if (!count) {
		fprintf(stderr, "usage: statx-loop PATH COUNT\n");
		return 2;
	}
	for (i = 0; i < count; i++) {
		struct statx stx;

		if (statx(AT_FDCWD, argv[1], AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &stx)) {
			perror(argv[1]);
			return 1;
		}
	}
	printf("ns_per_op=%" PRIu64 "\n", (now_ns() - begin) / count);
	return 0;
}
