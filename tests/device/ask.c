/* SPDX-License-Identifier: MIT */
/* virtiofs-device-ask SOCKET LINE: a line to a device's control socket, for scripts. */
#include <stdio.h>
#include <string.h>

#include "device_process.h"

int main(int argc, char **argv)
{
	struct device_process device = {0};
	char answer[1024];

	if (argc != 3)
		return 2;
	snprintf(device.control, sizeof(device.control), "%s", argv[1]);
	/* All others are answered by no more than that they were heard. */
	if (strcmp(argv[2], "held") != 0 && strcmp(argv[2], "counts") != 0)
		return device_process_command(&device, argv[2]) < 0;
	if (device_process_ask(&device, argv[2], answer, sizeof(answer)) < 0)
		return 1;
	puts(answer);
	return 0;
}
