/* SPDX-License-Identifier: MIT */
#include "feature_list.h"

#include <stdio.h>
#include <string.h>

#include <vfs/fuse.h>

#include "ops/feature.h"
#include "report.h"

static uint64_t feature_of(const char *name, size_t length)
{
	char copy[32];

	if (length >= sizeof(copy))
		return 0;
	memcpy(copy, name, length);
	copy[length] = '\0';
	return vfs_feature_parse(copy);
}

int feature_list_parse(const char *name, const char *text, uint64_t *features)
{
	const char *word = text;

	for (;;) {
		size_t length = strcspn(word, ":");
		uint64_t feature = feature_of(word, length);

		if (!feature) {
			report_error("%s=%s: \"%.*s\" is no feature of FUSE, see the manual page",
				name, text, (int)length, word);
			return -1;
		}
		*features |= feature;
		if (!word[length])
			return 0;
		word += length + 1;
	}
}

void feature_list_complain(const char *what, uint64_t features)
{
	char names[256];

	vfs_feature_names(features, names, sizeof(names));
	report_error("%s: %s", what, names);
}
