/* SPDX-License-Identifier: MIT */
#include "quiet.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int caught = -1;
static int original = -1;

void quiet_begin(void)
{
	caught = memfd_create("stderr", MFD_CLOEXEC);
	original = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (caught >= 0 && original >= 0)
		dup2(caught, STDERR_FILENO);
}

void quiet_end(char *line, size_t size)
{
	ssize_t n = 0;

	if (original >= 0) {
		dup2(original, STDERR_FILENO);
		close(original);
	}
	if (caught >= 0) {
		n = pread(caught, line, size - 1, 0);
		close(caught);
	}
	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
}
