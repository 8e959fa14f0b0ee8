/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "transport/sysfs.h"

bool vfs_bdf_parse(const char *text, char bdf[VFS_BDF_SIZE])
{
	unsigned int domain = 0;
	unsigned int bus;
	unsigned int device;
	unsigned int function;
	int end = -1;

	if (strspn(text, "0123456789abcdefABCDEF:.") != strlen(text))
		return false;
	if (sscanf(text, "%6x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) != 4 ||
		end < 0 || text[end]) {
		domain = 0;
		end = -1;
		if (sscanf(text, "%2x:%2x.%1x%n", &bus, &device, &function, &end) != 3 || end < 0 ||
			text[end])
			return false;
	}
	if (device > 0x1f || function > 7)
		return false;
	snprintf(bdf, VFS_BDF_SIZE, "%04x:%02x:%02x.%x", domain & 0xffffff, bus & 0xff, device,
		function);
	return true;
}
