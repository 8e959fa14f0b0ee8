/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int add_option(char **list, const char *name, const char *value)
{
	char option[256];

	snprintf(option, sizeof(option), "%s%s", name, value);
	return fuse_opt_add_opt_escaped(list, option);
}

/* As mount(8) has it: set-user-ID bits and devices count unless it was said otherwise. */
static int options_of_mount(const struct options *options, char **list)
{
	if (!options->from_mount || geteuid() != 0)
		return 0;
	if (!options->nosuid && add_option(list, "suid", ""))
		return -1;
	return options->nodev ? 0 : add_option(list, "dev", "");
}

static int default_options(const struct options *options, const char *tag, char **list)
{
	/* "mount -a" knows what is mounted already by what fstab calls it. */
	const char *source = options->from_mount ? options->device : tag;

	if (options_of_mount(options, list))
		return -1;
	if (add_option(list, "default_permissions", ""))
		return -1;
	if (options->allow_root && add_option(list, "allow_root", ""))
		return -1;
	if (options->allow_other && add_option(list, "allow_other", ""))
		return -1;
	if (!options->has_fsname && add_option(list, "fsname=", source))
		return -1;
	if (!options->has_subtype && add_option(list, "subtype=", "virtiofs"))
		return -1;
	return 0;
}

int options_mount_args(const struct options *options, const char *tag, struct fuse_args *args)
{
	char *list = NULL;
	int result = -1;
	int i;

	*args = (struct fuse_args)FUSE_ARGS_INIT(0, NULL);
	for (i = 0; i < options->mount.argc; i++) {
		if (fuse_opt_add_arg(args, options->mount.argv[i]))
			goto out;
	}
	if (default_options(options, tag, &list) || fuse_opt_add_arg(args, "-o"))
		goto out;
	result = fuse_opt_add_arg(args, list);
out:
	free(list);
	return result;
}
