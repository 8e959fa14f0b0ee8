/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "say.h"

void say(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	/* In one call, so that threads do not mix their lines. */
	fprintf(stderr, "virtiofs-device: %s\n", line);
}
