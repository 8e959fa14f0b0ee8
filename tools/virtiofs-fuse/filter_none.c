/* SPDX-License-Identifier: MIT */
/* Built without libseccomp, or with a sanitizer, which makes calls of its own. */
#include "filter.h"

#include <stdio.h>

void filter_describe(char *text, size_t size)
{
	snprintf(text, size, "no libseccomp");
}

const char *filter_load(bool uring)
{
	(void)uring;
	return "this program was built without libseccomp, or with a sanitizer";
}
