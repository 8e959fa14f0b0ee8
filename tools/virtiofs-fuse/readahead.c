/* SPDX-License-Identifier: MIT */
#include "readahead.h"

#include <inttypes.h>
#include <stdio.h>

#include "mount.h"

void readahead_raise(const struct mount *mount, uint32_t bytes)
{
	char path[64];
	FILE *file;

	if (mount->handed_in)
		return;
	snprintf(path, sizeof(path), "/sys/class/bdi/%" PRIu32 ":%" PRIu32 "/read_ahead_kb",
		mount->dev_major, mount->dev_minor);
	file = fopen(path, "we");
	if (!file)
		return;
	fprintf(file, "%" PRIu32, bytes / 1024);
	fclose(file);
}
