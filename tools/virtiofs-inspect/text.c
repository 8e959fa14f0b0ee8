/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "text.h"

/* Bytes of the printable character at @bytes, 0 if there is none. */
static size_t printable(const char *bytes, size_t length, int *width)
{
	mbstate_t state = {0};
	wchar_t wide;
	size_t n = mbrtowc(&wide, bytes, length, &state);

	/* The two error values are larger than any length. */
	if (n == 0 || n > length)
		return 0;
	*width = wcwidth(wide);
	return *width > 0 ? n : 0;
}

char *text_escape(const char *bytes, size_t length, char *out, size_t size)
{
	size_t used = 0;

	while (length > 0) {
		int width;
		size_t n = printable(bytes, length, &width);
		char hex[5];

		/* An unescaped backslash would make what was escaped ambiguous. */
		if (n == 0 || *bytes == '\\')
			snprintf(hex, sizeof(hex), "\\x%02x", (unsigned char)*bytes);
		else
			hex[0] = '\0';
		if (used + (hex[0] ? 4 : n) >= size)
			break;
		memcpy(out + used, hex[0] ? hex : bytes, hex[0] ? 4 : n);
		used += hex[0] ? 4 : n;
		n = n ? n : 1;
		bytes += n;
		length -= n;
	}
	out[used] = '\0';
	return out;
}

unsigned int text_width(const char *text)
{
	size_t length = strlen(text);
	unsigned int total = 0;

	while (length > 0) {
		int width = 1;
		size_t n = printable(text, length, &width);

		total += n ? (unsigned int)width : 1;
		n = n ? n : 1;
		text += n;
		length -= n;
	}
	return total;
}

char *text_size(uint64_t bytes, char out[TEXT_SIZE_MAX])
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	unsigned int unit = 0;

	while (bytes && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	snprintf(out, TEXT_SIZE_MAX, "%" PRIu64 " %s", bytes, units[unit]);
	return out;
}

void text_append(char *list, size_t size, const char *separator, const char *item)
{
	size_t used = strlen(list);

	snprintf(list + used, size - used, "%s%s", used ? separator : "", item);
}
