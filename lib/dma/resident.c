/* SPDX-License-Identifier: MIT */
/* Memory that is where it is: present, and not to be moved. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/core.h"
#include "dma/dma.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

int vfs_memory_populate(void *base, size_t size, bool written)
{
	const volatile uint8_t *page = base;
	size_t offset;

	if (madvise(base, size, written ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) == 0)
		return 0;
	if (errno != EINVAL)
		return vfs_error(
			-errno, "cannot have %zu bytes present: %s", size, strerror(errno));
	/* Before Linux 5.14. Pinning gives a private page to who has none yet. */
	for (offset = 0; offset < size; offset += VFS_PAGE_SIZE)
		(void)page[offset];
	return 0;
}

/* A line "start-end perms ..." of /proc/self/smaps. */
static bool is_range(const char *line, uintptr_t *start, uintptr_t *end)
{
	unsigned long from;
	unsigned long to;

	if (sscanf(line, "%lx-%lx ", &from, &to) != 2)
		return false;
	*start = from;
	*end = to;
	return true;
}

/* Up to where it is sure that pages stay, from @from on; ranges come in order. */
static uintptr_t stays_until(FILE *smaps, uintptr_t from, uintptr_t to)
{
	uintptr_t start = 0;
	uintptr_t end = 0;
	char *line = NULL;
	size_t room = 0;

	while (from < to && getline(&line, &room, smaps) > 0) {
		if (is_range(line, &start, &end) || strncmp(line, "VmFlags:", 8) != 0)
			continue;
		if (end <= from)
			continue;
		if (start > from || !(strstr(line, " ht") || strstr(line, " lo")))
			break;
		from = end;
	}
	free(line);
	return from;
}

bool vfs_memory_stays(const void *base, size_t size)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	uintptr_t to = (uintptr_t)base + size;
	bool stays;

	if (!smaps)
		return false;
	stays = stays_until(smaps, (uintptr_t)base, to) >= to;
	fclose(smaps);
	return stays;
}
