/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "core/core.h"

static struct {
	vfs_log_fn fn;
	enum vfs_log_level max_level;
	void *ctx;
} sink;

VFS_EXPORT void vfs_log_set(vfs_log_fn fn, enum vfs_log_level max_level, void *ctx)
{
	sink.fn = fn;
	sink.max_level = max_level;
	sink.ctx = ctx;
}

void vfs_log(enum vfs_log_level level, const char *format, ...)
{
	char text[512];
	va_list args;

	if (!sink.fn || level > sink.max_level)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	sink.fn(level, text, sink.ctx);
}
