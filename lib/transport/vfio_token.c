/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "transport/vfio.h"

/* Dashes of a UUID as text. */
static bool is_dash(size_t at)
{
	return at == 8 || at == 13 || at == 18 || at == 23;
}

static uint8_t nibble(char digit)
{
	return (uint8_t)(isdigit((unsigned char)digit) ? digit - '0'
						       : tolower((unsigned char)digit) - 'a' + 10);
}

bool vfs_vfio_token_parse(const char *text, uint8_t uuid[16])
{
	size_t digits = 0;
	size_t i;

	if (strlen(text) != 36)
		return false;
	memset(uuid, 0, 16);
	for (i = 0; i < 36; i++) {
		if (is_dash(i) ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
		if (is_dash(i))
			continue;
		uuid[digits / 2] = (uint8_t)(uuid[digits / 2] << 4 | nibble(text[i]));
		digits++;
	}
	return true;
}
