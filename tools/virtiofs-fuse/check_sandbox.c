/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "filter.h"
#include "options.h"

/* In a process that ends with it. What it says is empty if it works. */
static void try_filter(int said)
{
	const char *why = filter_load(false);

	if (why && write(said, why, strlen(why)) < 0)
		_exit(1);
	_exit(0);
}

static bool works(char *why, size_t size)
{
	ssize_t n = 0;
	int fds[2];
	pid_t pid;

	if (pipe(fds))
		return false;
	pid = fork();
	if (!pid)
		try_filter(fds[1]);
	close(fds[1]);
	if (pid > 0) {
		n = read(fds[0], why, size - 1);
		waitpid(pid, NULL, 0);
	}
	close(fds[0]);
	why[n > 0 ? n : 0] = '\0';
	return pid > 0 && n == 0;
}

void check_sandbox(struct findings *findings, const struct options *options)
{
	char why[128] = "";
	char filter[64];

	if (options->sandbox == SANDBOX_OFF)
		return;
	filter_describe(filter, sizeof(filter));
	if (works(why, sizeof(why)))
		findings_ok(findings, "system calls can be filtered (%s)", filter);
	else if (options->sandbox == SANDBOX_ON)
		findings_problem(findings,
			"system calls cannot be filtered, and sandbox=on wants that: %s", why);
	else
		findings_warning(findings, "system calls cannot be filtered: %s", why);
}
