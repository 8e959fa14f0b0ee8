/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/core.h"
#include "fuse/quirks.h"

struct quirk {
	const char *name;
	enum vfs_quirk bit;
	const char *does;      /* the device */
	const char *unchecked; /* what the library then takes */
};

static const struct quirk table[] = {
	{
		.name = "used-len-zero",
		.bit = VFS_QUIRK_USED_LEN_ZERO,
		.does = "says that it wrote 0 bytes when it wrote an answer",
		.unchecked = "used.len of an answer against the length in its header",
	},
	{
		.name = "max-write-zero",
		.bit = VFS_QUIRK_MAX_WRITE_ZERO,
		.does = "answers INIT with a max_write of 0",
		.unchecked = "whether max_write is 0",
	},
	{
		.name = "lock-wait",
		.bit = VFS_QUIRK_LOCK_WAIT,
		.does = "answers SETLKW by error 1, and notifies when it has the lock",
		.unchecked = "whether the error of SETLKW is 1, whether code 7 has a body",
	},
};

VFS_EXPORT const char *vfs_quirk_name(unsigned int index)
{
	return index < ARRAY_SIZE(table) ? table[index].name : NULL;
}

VFS_EXPORT const char *vfs_quirk_describe(unsigned int index)
{
	return index < ARRAY_SIZE(table) ? table[index].does : NULL;
}

unsigned int vfs_quirks_known(void)
{
	unsigned int known = 0;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		known |= table[i].bit;
	return known;
}

static const struct quirk *find(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (strlen(table[i].name) == length && !strncmp(table[i].name, name, length))
			return &table[i];
	}
	return NULL;
}

static int unknown(const char *name, size_t length)
{
	char known[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < ARRAY_SIZE(table) && used < sizeof(known); i++)
		used += (size_t)snprintf(
			known + used, sizeof(known) - used, "%s%s", i ? ", " : "", table[i].name);
	return vfs_error(-EINVAL, "no quirk is named '%.*s'; there are %s",
		(int)min_size(length, 64), name, known);
}

VFS_EXPORT int vfs_quirk_parse(const char *names, unsigned int *quirks)
{
	unsigned int bits = 0;

	while (*names) {
		size_t length = strcspn(names, ",:");
		const struct quirk *quirk = find(names, length);

		if (!quirk)
			return unknown(names, length);
		bits |= quirk->bit;
		names += length;
		if (*names)
			names++;
	}
	*quirks = bits;
	return 0;
}

void vfs_quirks_log(const char *device, unsigned int quirks)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (quirks & table[i].bit)
			vfs_log(VFS_LOG_INFO, "%s: quirk %s: not checked is %s", device,
				table[i].name, table[i].unchecked);
	}
}

int vfs_quirk_error(int error, enum vfs_quirk quirk)
{
	char why[VFS_ERROR_MAX];

	snprintf(why, sizeof(why), "%s", vfs_last_error());
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i].bit == quirk)
			return vfs_error(error, "%s (the quirk %s takes that)", why, table[i].name);
	}
	return error;
}
