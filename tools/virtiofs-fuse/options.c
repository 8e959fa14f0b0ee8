/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper.h"
#include "options_values.h"
#include "report.h"

struct parse {
	struct options options;
	struct option_values values;
	bool reported;
};

#define SET(name, field, value)                            \
	{                                                  \
		name, offsetof(struct parse, field), value \
	}

#define TEXT(name, value) SET(name "=%s", values.text[value], 0)

static const struct fuse_opt own_options[] = {
	SET("-f", options.foreground, 1),
	SET("-d", options.debug, 1),
	SET("debug", options.debug, 1),
	SET("-h", options.help, 1),
	SET("--help", options.help, 1),
	SET("-V", options.version, 1),
	SET("--version", options.version, 1),
	SET("--list", options.list, 1),
	SET("--check", options.check, 1),
	SET("posix_acl", options.posix_acl, 1),
	SET("no_posix_acl", options.posix_acl, 0),
	SET("writeback", options.writeback, 1),
	SET("no_writeback", options.writeback, 0),
	SET("auto_unmount", options.auto_unmount, 1),
	SET("hugepages", options.hugepages, VFS_HUGEPAGES_ALWAYS),
	SET("no_hugepages", options.hugepages, VFS_HUGEPAGES_NEVER),
	TEXT("dma", VALUE_DMA),
	TEXT("vfio", VALUE_VFIO),
	SET("vf_token=%s", options.vf_token, 0),
	TEXT("quirks", VALUE_QUIRKS),
	TEXT("dax", VALUE_DAX),
	TEXT("dax_range", VALUE_DAX_RANGE),
	TEXT("max_write", VALUE_MAX_WRITE),
	TEXT("readahead", VALUE_READAHEAD),
	TEXT("depth", VALUE_DEPTH),
	TEXT("timeout", VALUE_TIMEOUT),
	TEXT("poll", VALUE_POLL),
	TEXT("lane", VALUE_LANE),
	TEXT("queues", VALUE_QUEUES),
	TEXT("cpus", VALUE_CPUS),
	TEXT("request_timeout", VALUE_REQUEST_TIMEOUT),
	TEXT("device_loss", VALUE_DEVICE_LOSS),
	TEXT("cache", VALUE_CACHE),
	TEXT("sandbox", VALUE_SANDBOX),
	TEXT("features_off", VALUE_FEATURES_OFF),
	TEXT("require", VALUE_REQUIRE),
	FUSE_OPT_END,
};

/* What libfuse, fusermount3 and the kernel understand. */
static const char *const mount_options[] = {"ro", "rw", "suid", "nosuid", "dev", "nodev", "exec",
	"noexec", "atime", "noatime", "sync", "async", "dirsync", "max_read=", "context=", NULL};

/*
 * What mount(8) hands on from fstab and is not for us: it has done what is to be done, or it is
 * about times, which are the server's. "default_permissions" is always on.
 */
static const char *const ignored_options[] = {"default_permissions", "defaults", "_netdev",
	"nofail", "auto", "noauto", "user", "user=", "nouser", "users", "nousers", "owner",
	"noowner", "group", "nogroup", "comment=", "x-", "X-", "uhelper=", "helper=", "relatime",
	"norelatime", "strictatime", "nostrictatime", "lazytime", "nolazytime", "diratime",
	"nodiratime", "iversion", "noiversion", "mand", "nomand", "silent", "loud", NULL};

static bool has_prefix(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* An entry that ends in '=' or '-' stands for all options that begin with it. */
static bool listed(const char *const *list, const char *option)
{
	for (; *list; list++) {
		char last = (*list)[strlen(*list) - 1];

		if (last == '=' || last == '-' ? has_prefix(option, *list) : !strcmp(option, *list))
			return true;
	}
	return false;
}

static int take_argument(struct parse *parse, const char *argument)
{
	struct options *options = &parse->options;
	char **where = options->device ? &options->dir : &options->device;

	if (*where) {
		report_error(
			"too many arguments: \"%s\" (virtiofs-fuse -h shows the usage)", argument);
		parse->reported = true;
		return -1;
	}
	*where = strdup(argument);
	return *where ? 0 : -1;
}

/* 1: libfuse shall have it; 0: dealt with; -1: refused */
static int take_option(struct parse *parse, const char *option)
{
	struct options *options = &parse->options;

	if (!strcmp(option, "allow_other")) {
		options->allow_other = true;
		return 0;
	}
	if (!strcmp(option, "allow_root")) {
		options->allow_root = true;
		return 0;
	}
	if (has_prefix(option, "fsname=")) {
		options->has_fsname = true;
		return 1;
	}
	if (has_prefix(option, "subtype=")) {
		options->has_subtype = true;
		return 1;
	}
	if (listed(mount_options, option)) {
		options->nosuid |= !strcmp(option, "nosuid");
		options->nodev |= !strcmp(option, "nodev");
		return 1;
	}
	if (options->sloppy || listed(ignored_options, option))
		return 0;
	report_error("unknown option \"%s\" (virtiofs-fuse -h lists them)", option);
	parse->reported = true;
	return -1;
}

static int take(void *data, const char *argument, int key, struct fuse_args *args)
{
	(void)args;
	if (key == FUSE_OPT_KEY_NONOPT)
		return take_argument(data, argument);
	return take_option(data, argument);
}

/* Enough of what is to be mounted, and where, for what is to be done, and no more? */
static int check_operands(const struct options *options)
{
	if (options->list && options->device) {
		report_error("--list takes no device, and shows them all");
		return -1;
	}
	if (options->check && options->dir) {
		report_error("--check takes a device only, not \"%s\"", options->dir);
		return -1;
	}
	if (options->list || options->check || (options->device && options->dir))
		return 0;
	report_error("%s is missing (usage: virtiofs-fuse TAG|BDF|SOCKET DIR [-o opts])",
		options->device ? "the mount point" : "the tag, PCI address or socket");
	return -1;
}

static int check(struct options *options)
{
	if (options->help || options->version)
		return 0;
	if (check_operands(options))
		return -1;
	if (options->allow_other && options->allow_root) {
		report_error("allow_other and allow_root exclude each other: give one of them");
		return -1;
	}
	/* As the kernel's own virtiofs; other users need user_allow_other in fuse.conf. */
	if (geteuid() == 0 && !options->allow_root)
		options->allow_other = true;
	if (options->debug)
		options->foreground = 1;
	return 0;
}

static int parse_all(struct parse *parse, int argc, char **argv)
{
	parse->options.mount = (struct fuse_args)FUSE_ARGS_INIT(argc, argv);
	if (fuse_opt_parse(&parse->options.mount, parse, own_options, take)) {
		if (!parse->reported)
			report_error("%s (virtiofs-fuse -h shows the usage)", report_libfuse());
		return -1;
	}
	if (option_values_take(&parse->values, &parse->options))
		return -1;
	return check(&parse->options);
}

static int parse_words(struct parse *parse, int argc, char **argv)
{
	struct helper helper;
	int result = helper_take(&helper, argc, argv);

	parse->options.from_mount = helper.called;
	parse->options.fake = helper.fake;
	parse->options.sloppy = helper.sloppy;
	if (!result)
		result = parse_all(parse, helper.argc, helper.argv);
	helper_free(&helper);
	return result;
}

int options_parse(struct options *options, int argc, char **argv)
{
	struct parse parse = {
		.options =
			{
				.posix_acl = 1,
				.writeback = 1,
				.max_write = 1U << 20,
				.depth = 32,
				.timeout = 10,
			},
	};
	int result = parse_words(&parse, argc, argv);

	option_values_free(&parse.values);
	*options = parse.options;
	return result;
}

void options_free(struct options *options)
{
	fuse_opt_free_args(&options->mount);
	free(options->device);
	free(options->dir);
	free(options->vf_token);
}
