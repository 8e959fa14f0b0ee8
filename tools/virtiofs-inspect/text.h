/* SPDX-License-Identifier: MIT */
/* Text for people. */
#ifndef INSPECT_TEXT_H
#define INSPECT_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define TEXT_SIZE_MAX 32

/*
 * Bytes from a device or a command line, with what does not print in this locale as \xNN: they
 * must not reach a terminal as control sequences. Returns @out, cut to @size.
 */
char *text_escape(const char *bytes, size_t length, char *out, size_t size);

/* Columns that printable text takes. */
unsigned int text_width(const char *text);

/* "16 KiB", "20 bytes". */
char *text_size(uint64_t bytes, char out[TEXT_SIZE_MAX]);

/* Append to a list in @list, with @separator before all but the first. */
void text_append(char *list, size_t size, const char *separator, const char *item);

#endif
