/* SPDX-License-Identifier: MIT */
/* virtiofs-device-ask SOCKET LINE: a line to a device's control socket, for scripts. */
#include <stdio.h>

#include "device_process.h"

int main(int argc, char **argv)
{
	struct device_process device = {0};
	char answer[1024];

	if (argc != 3)
		return 2;
	snprintf(device.control, sizeof(device.control), "%s", argv[1]);
	if (device_process_ask(&device, argv[2], answer, sizeof(answer)) < 0)
		return 1;
	puts(answer);
	return 0;
}
