/* SPDX-License-Identifier: MIT */
#include "process_title.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

static char *area;
static size_t area_size;

/* The kernel puts one argument behind the other, and shows them from there. */
void process_title_init(int argc, char **argv)
{
	int i;

	area = argv[0];
	for (i = 0; i < argc && argv[i] == area + area_size; i++)
		area_size += strlen(argv[i]) + 1;
}

void process_title_set(const char *name, const char *about)
{
	prctl(PR_SET_NAME, name);
	memset(area, 0, area_size);
	snprintf(area, area_size, "%s: %s", name, about);
}
