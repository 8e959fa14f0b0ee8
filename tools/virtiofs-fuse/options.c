/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fuse_lowlevel.h>

#include <vfs/fuse_abi.h>
#include <vfs/quirks.h>

#include "helper.h"
#include "report.h"

/* Options with a value are taken as strings: fuse_opt's own numbers accept "12abc". */
struct parse {
	struct options options;
	char *dma;
	char *vfio;
	char *quirks;
	char *dax;
	char *dax_range;
	char *max_write;
	char *depth;
	char *timeout;
	char *poll;
	bool reported;
};

#define SET(name, field, value)                            \
	{                                                  \
		name, offsetof(struct parse, field), value \
	}

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
	SET("dma=%s", dma, 0),
	SET("vfio=%s", vfio, 0),
	SET("vf_token=%s", options.vf_token, 0),
	SET("quirks=%s", quirks, 0),
	SET("dax=%s", dax, 0),
	SET("dax_range=%s", dax_range, 0),
	SET("max_write=%s", max_write, 0),
	SET("depth=%s", depth, 0),
	SET("timeout=%s", timeout, 0),
	SET("poll=%s", poll, 0),
	FUSE_OPT_END,
};

/* What libfuse, fusermount3 and the kernel understand. */
static const char *const mount_options[] = {"ro", "rw", "suid", "nosuid", "dev", "nodev", "exec",
	"noexec", "atime", "noatime", "sync", "async", "dirsync", "auto_unmount",
	"max_read=", "context=", NULL};

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

static int take_number(const char *name, const char *text, unsigned int min, unsigned int max,
	unsigned int *number)
{
	unsigned long value;
	char *end;

	if (!text)
		return 0;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || value < min || value > max) {
		report_error("%s=%s: has to be a number from %u to %u", name, text, min, max);
		return -1;
	}
	*number = (unsigned int)value;
	return 0;
}

static int take_dma(const char *text, enum vfs_dma_mode *dma)
{
	if (!text || !strcmp(text, "auto")) {
		*dma = VFS_DMA_AUTO;
	} else if (!strcmp(text, "iova")) {
		*dma = VFS_DMA_IOVA;
	} else {
		report_error("dma=%s: has to be auto or iova", text);
		return -1;
	}
	return 0;
}

static int take_vfio(const char *text, enum vfs_vfio_interface *vfio)
{
	if (!text || !strcmp(text, "auto")) {
		*vfio = VFS_VFIO_AUTO;
	} else if (!strcmp(text, "group")) {
		*vfio = VFS_VFIO_GROUP;
	} else if (!strcmp(text, "iommufd")) {
		*vfio = VFS_VFIO_IOMMUFD;
	} else {
		report_error("vfio=%s: has to be auto, group or iommufd", text);
		return -1;
	}
	return 0;
}

static int take_quirks(const char *text, unsigned int *quirks)
{
	int error = text ? vfs_quirk_parse(text, quirks) : 0;

	if (error)
		report_error("quirks=%s: %s", text, report_reason(error));
	return error;
}

static int take_dax(const char *text, enum vfs_dax_mode *dax)
{
	static const char *const modes[] = {
		[VFS_DAX_NEVER] = "never",
		[VFS_DAX_AUTO] = "auto",
		[VFS_DAX_ALWAYS] = "always",
		[VFS_DAX_INODE] = "inode",
	};
	unsigned int i;

	for (i = 0; text && i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (!strcmp(text, modes[i])) {
			*dax = (enum vfs_dax_mode)i;
			return 0;
		}
	}
	if (!text)
		return 0;
	report_error("dax=%s: has to be never, auto, always or inode", text);
	return -1;
}

static int take_dax_range(const char *text, unsigned int *range)
{
	if (take_number("dax_range", text, 4096, 1U << 31, range))
		return -1;
	if (!(*range & (*range - 1)))
		return 0;
	report_error("dax_range=%s: has to be a power of 2", text);
	return -1;
}

static int take_poll(const char *text, enum vfs_poll *poll)
{
	if (!text)
		return 0;
	if (!strcmp(text, "auto")) {
		*poll = VFS_POLL_AUTO;
	} else if (!strcmp(text, "always")) {
		*poll = VFS_POLL_ALWAYS;
	} else if (!strcmp(text, "never")) {
		*poll = VFS_POLL_NEVER;
	} else {
		report_error("poll=%s: has to be auto, always or never", text);
		return -1;
	}
	return 0;
}

static int take_values(struct parse *parse)
{
	struct options *options = &parse->options;

	if (take_dma(parse->dma, &options->dma) || take_vfio(parse->vfio, &options->vfio))
		return -1;
	if (take_quirks(parse->quirks, &options->quirks))
		return -1;
	if (take_dax(parse->dax, &options->dax) ||
		take_dax_range(parse->dax_range, &options->dax_range))
		return -1;
	if (take_number("max_write", parse->max_write, 4096, 1U << 30, &options->max_write))
		return -1;
	if (take_number("depth", parse->depth, 1, 4096, &options->depth))
		return -1;
	if (take_poll(parse->poll, &options->poll))
		return -1;
	return take_number("timeout", parse->timeout, 1, 3600, &options->timeout);
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
	if (take_values(parse))
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
				.poll = VFS_POLL_AUTO,
			},
	};
	int result = parse_words(&parse, argc, argv);

	free(parse.dma);
	free(parse.vfio);
	free(parse.quirks);
	free(parse.dax);
	free(parse.dax_range);
	free(parse.max_write);
	free(parse.depth);
	free(parse.timeout);
	free(parse.poll);
	*options = parse.options;
	return result;
}

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

void options_usage(void)
{
	puts("usage: virtiofs-fuse TAG|BDF|SOCKET DIR [-o opt,...] [-f] [-d] [-h] [-V]\n"
	     "       virtiofs-fuse --list\n"
	     "       virtiofs-fuse --check [TAG|BDF|SOCKET] [-o opt,...]\n"
	     "\n"
	     "Mounts the virtio-fs device with the tag TAG, or at the PCI address BDF, on DIR.\n"
	     "It has to be bound to vfio-pci (virtiofs-inspect bind BDF). SOCKET is the path of a\n"
	     "vhost-user daemon (virtiofsd --socket-path=SOCKET), or vfio-user:PATH of a server.\n"
	     "\n"
	     "  -f                    stay in the foreground\n"
	     "  -d                    stay in the foreground and print each request\n"
	     "  --list                show the functions that there are, and which can be mounted\n"
	     "  --check               mount nothing, say what would be in the way\n"
	     "  -h, -V                print this help, the version\n"
	     "\n"
	     "  -o dma=auto|iova      which addresses the device is given (auto)\n"
	     "  -o vfio=auto|group|iommufd  by which of the kernel's interfaces it is opened "
	     "(auto)\n"
	     "  -o vf_token=UUID      of a virtual function: what its physical function's driver "
	     "set\n"
	     "  -o quirks=NAME[:NAME] what the device does wrong and may, see the manual page\n"
	     "  -o dax=never|auto|always|inode  read and write files in the device's DAX window "
	     "(never)\n"
	     "  -o dax_range=BYTES    in pieces of this size, a power of 2 (2097152)\n"
	     "  -o max_write=N        largest data of one request in bytes (1048576)\n"
	     "  -o depth=N            requests that are prepared or under way at once (32)\n"
	     "  -o timeout=SECONDS    how long to wait for the device at start and end (10)\n"
	     "  -o poll=auto|always|never  look for what comes next before sleeping (auto)\n"
	     "  -o no_posix_acl       do not use the server's access control lists\n"
	     "  -o no_writeback       do not cache writes, even if the server allows it\n"
	     "  -o ro allow_other allow_root fsname=NAME subtype=NAME max_read=N auto_unmount\n"
	     "     suid dev noexec noatime sync and their opposites: as for any FUSE mount\n"
	     "\n"
	     "fusermount3 -u DIR, umount DIR, SIGINT or SIGTERM end it.");
}

void options_version(void)
{
	printf("virtiofs-fuse %s (FUSE protocol 7.%d, libfuse %s)\n", VIRTIOFS_VERSION,
		VFS_FUSE_MINOR, fuse_pkgversion());
}

void options_free(struct options *options)
{
	fuse_opt_free_args(&options->mount);
	free(options->device);
	free(options->dir);
	free(options->vf_token);
}
