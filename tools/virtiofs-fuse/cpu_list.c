/* SPDX-License-Identifier: MIT */
#include "cpu_list.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* A number that begins with a digit, and not with a sign or a space. */
static bool take_cpu(const char **text, unsigned long *cpu)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	*cpu = strtoul(*text, &end, 10);
	*text = end;
	return *cpu < CPU_SETSIZE;
}

static bool take_range(const char **text, cpu_set_t *cpus)
{
	unsigned long first;
	unsigned long last;

	if (!take_cpu(text, &first))
		return false;
	last = first;
	if (**text == '-') {
		++*text;
		if (!take_cpu(text, &last) || last < first)
			return false;
	}
	for (; first <= last; first++)
		CPU_SET(first, cpus);
	return true;
}

static bool take_list(const char *text, cpu_set_t *cpus)
{
	CPU_ZERO(cpus);
	while (take_range(&text, cpus)) {
		if (!*text)
			return true;
		if (*text != ':' && *text != ',')
			return false;
		text++;
	}
	return false;
}

int cpu_list_parse(const char *text, cpu_set_t *cpus)
{
	cpu_set_t allowed;

	if (!take_list(text, cpus)) {
		report_error("cpus=%s: has to be numbers and ranges below %d with colons between, "
			     "as 0-3:6",
			text, CPU_SETSIZE);
		return -1;
	}
	/* What is not online is not in there. */
	if (sched_getaffinity(0, sizeof(allowed), &allowed)) {
		report_error("cpus=%s: %s", text, strerror(errno));
		return -1;
	}
	CPU_AND(cpus, cpus, &allowed);
	if (CPU_COUNT(cpus))
		return 0;
	report_error(
		"cpus=%s: none of them is online and allowed for this process (taskset -p)", text);
	return -1;
}
