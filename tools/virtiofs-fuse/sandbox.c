/* SPDX-License-Identifier: MIT */
#include "sandbox.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "capabilities.h"
#include "filter.h"
#include "report.h"

void sandbox_close_inherited(const struct sandbox *sandbox, int keep)
{
	unsigned int first = STDERR_FILENO + 1;

	if (sandbox->mode == SANDBOX_OFF)
		return;
	if (keep >= (int)first) {
		close_range(first, (unsigned int)keep - 1, 0);
		first = (unsigned int)keep + 1;
	}
	close_range(first, ~0U, 0);
}

/* With "auto" it goes on with what there is. */
static int cannot(const struct sandbox *sandbox, const char *what, const char *why)
{
	if (sandbox->mode == SANDBOX_ON) {
		report_error("sandbox=on, and %s: %s", what, why);
		return -1;
	}
	if (sandbox->trace)
		report_note("sandbox: %s: %s", what, why);
	return 0;
}

static int done(const struct sandbox *sandbox, const char *what)
{
	if (sandbox->trace)
		report_note("sandbox: %s", what);
	return 0;
}

int sandbox_drop(const struct sandbox *sandbox)
{
	int error;

	if (sandbox->mode == SANDBOX_OFF)
		return 0;
	error = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : capabilities_keep(0);
	return error ? cannot(sandbox, "privileges cannot be given up", strerror(-error))
		     : done(sandbox, "no capabilities, and no new privileges");
}

int sandbox_enter(const struct sandbox *sandbox, bool uring)
{
	const char *why;

	if (sandbox->mode == SANDBOX_OFF)
		return 0;
	why = filter_load(uring);
	return why ? cannot(sandbox, "system calls cannot be filtered", why)
		   : done(sandbox, "system calls are filtered");
}
