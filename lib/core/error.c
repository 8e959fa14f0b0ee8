/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/core.h"

static _Thread_local char message[VFS_ERROR_MAX];
static _Thread_local unsigned int count;

VFS_EXPORT const char *vfs_last_error(void)
{
	return message;
}

int vfs_error(int error, const char *format, ...)
{
	char text[sizeof(message)];
	va_list args;

	/* The arguments may be the old message itself. */
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	memcpy(message, text, sizeof(message));
	count++;
	return error;
}

unsigned int vfs_error_count(void)
{
	return count;
}

void vfs_error_prefix(const char *format, ...)
{
	char rest[sizeof(message)];
	size_t length;
	va_list args;
	int n;

	memcpy(rest, message, sizeof(rest));
	va_start(args, format);
	n = vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (n < 0)
		return;
	length = min_size((size_t)n, sizeof(message) - 1);
	/* Too long a message is cut at its end. */
	(void)stpncpy(message + length, ": ", sizeof(message) - 1 - length);
	length = strlen(message);
	memcpy(message + length, rest, min_size(strlen(rest), sizeof(message) - 1 - length));
	length += min_size(strlen(rest), sizeof(message) - 1 - length);
	message[length] = '\0';
}
