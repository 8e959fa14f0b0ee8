/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/core.h"
#include "discovery/device.h"

struct search {
	const char *tag;
	unsigned int matches;
	unsigned int others;
	char bdf[16];	    /* of the first match */
	char matching[128]; /* "0000:00:05.0, 0000:00:06.0" */
	char found[192];    /* "'a' at 0000:00:05.0" */
};

static void __attribute__((format(printf, 3, 4)))
append(char *list, size_t size, const char *format, ...)
{
	size_t used = strlen(list);
	va_list args;

	va_start(args, format);
	vsnprintf(list + used, size - used, format, args);
	va_end(args);
}

static int compare(const struct vfs_function *function, void *ctx)
{
	struct search *search = ctx;

	if (function->tag_known && strcmp(function->tag, search->tag) == 0) {
		append(search->matching, sizeof(search->matching), "%s%s",
			search->matches ? ", " : "", function->bdf);
		if (!search->matches++)
			memcpy(search->bdf, function->bdf, sizeof(search->bdf));
		return 0;
	}
	append(search->found, sizeof(search->found), "%s", search->others++ ? ", " : "");
	if (function->tag_known)
		append(search->found, sizeof(search->found), "'%s' at %s", function->tag,
			function->bdf);
	else
		append(search->found, sizeof(search->found), "an unknown tag at %s", function->bdf);
	return 0;
}

int vfs_find_tag(const char *tag, char bdf[16])
{
	struct search search = {.tag = tag};
	int r = vfs_device_scan(compare, &search);

	if (r < 0)
		return r;
	if (search.matches > 1)
		return vfs_error(-ENOTUNIQ,
			"%u devices have the tag '%s' (%s): say which one by its address",
			search.matches, tag, search.matching);
	if (search.matches == 0)
		return vfs_error(-ENODEV, "no virtio-fs device has the tag '%s' (found: %s)", tag,
			search.others ? search.found : "none");
	memcpy(bdf, search.bdf, sizeof(search.bdf));
	return 0;
}
