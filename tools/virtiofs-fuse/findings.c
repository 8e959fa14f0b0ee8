/* SPDX-License-Identifier: MIT */
#include "findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

static void put(const char *kind, const char *format, va_list args)
{
	char line[1024];
	char safe[2048];

	vsnprintf(line, sizeof(line), format, args);
	printf("%s: %s\n", kind, text_escape(line, strlen(line), safe, sizeof(safe)));
}

void findings_ok(struct findings *findings, const char *format, ...)
{
	va_list args;

	(void)findings;
	va_start(args, format);
	put("ok", format, args);
	va_end(args);
}

void findings_warning(struct findings *findings, const char *format, ...)
{
	va_list args;

	findings->warnings++;
	va_start(args, format);
	put("warning", format, args);
	va_end(args);
}

void findings_problem(struct findings *findings, const char *format, ...)
{
	va_list args;

	findings->problems++;
	va_start(args, format);
	put(findings->lenient ? "warning" : "problem", format, args);
	va_end(args);
}
