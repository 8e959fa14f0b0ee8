/* SPDX-License-Identifier: MIT */
#include "helper.h"

#include <stdlib.h>
#include <string.h>

#include "report.h"

static bool is_called_by_mount(const char *program)
{
	const char *slash = strrchr(program, '/');

	return !strncmp(slash ? slash + 1 : program, "mount.", strlen("mount."));
}

/* "-n" and the like, alone or several in one. */
static bool take_flags(struct helper *helper, const char *argument)
{
	if (argument[0] != '-' || !argument[1] || argument[1 + strspn(argument + 1, "sfnv")])
		return false;
	helper->fake |= strchr(argument, 'f') != NULL;
	helper->sloppy |= strchr(argument, 's') != NULL;
	return true;
}

static int take_all(struct helper *helper, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-N")) {
			report_error("cannot mount in the namespace of another process: start "
				     "mount(8) there (nsenter -m)");
			return -1;
		}
		/* The type is in our name, and options have a value of their own. */
		if (!strcmp(argv[i], "-t") && i + 1 < argc) {
			i++;
		} else if (!strcmp(argv[i], "-o") && i + 1 < argc) {
			helper->argv[helper->argc++] = argv[i++];
			helper->argv[helper->argc++] = argv[i];
		} else if (!take_flags(helper, argv[i])) {
			helper->argv[helper->argc++] = argv[i];
		}
	}
	return 0;
}

int helper_take(struct helper *helper, int argc, char **argv)
{
	*helper = (struct helper){.argv = calloc((size_t)argc + 1, sizeof(*argv))};
	if (!helper->argv) {
		report_error("out of memory");
		return -1;
	}
	helper->called = is_called_by_mount(argv[0]);
	if (!helper->called) {
		memcpy(helper->argv, argv, (size_t)argc * sizeof(*argv));
		helper->argc = argc;
		return 0;
	}
	helper->argv[helper->argc++] = argv[0];
	return take_all(helper, argc, argv);
}

void helper_free(struct helper *helper)
{
	free(helper->argv);
}
