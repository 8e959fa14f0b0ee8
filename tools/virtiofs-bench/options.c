/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/fuse.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char usage[] =
	"usage: virtiofs-bench DEVICE [OPTION...]\n"
	"Measures one operation on a virtio-fs device.\n"
	"\n"
	"  --op OP        getattr (default), lookup, statfs, read or write\n"
	"  --file NAME    in the root: what is looked up, read or written (bench), or whose\n"
	"                 attributes are asked for (the root's own)\n"
	"  --size BYTES   of a read or write (4096)\n"
	"  --depth N      requests in flight, each queue (1)\n"
	"  --queues N     request queues, a thread each (1)\n"
	"  --poll MODE    auto (default), always or never\n"
	"  --count N      operations\n"
	"  --time S       seconds, if no number is given (3)\n"
	"  --no-latency   only how many in a second: no clock is read for each; with --count\n"
	"  --registered   data goes to and comes from registered memory, without a copy\n"
	"  --help, --version\n";

static const struct option long_options[] = {
	{"op", required_argument, NULL, 'o'},
	{"file", required_argument, NULL, 'f'},
	{"size", required_argument, NULL, 's'},
	{"depth", required_argument, NULL, 'd'},
	{"queues", required_argument, NULL, 'q'},
	{"poll", required_argument, NULL, 'p'},
	{"count", required_argument, NULL, 'c'},
	{"time", required_argument, NULL, 't'},
	{"no-latency", no_argument, NULL, 'l'},
	{"registered", no_argument, NULL, 'r'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static const struct {
	const char *name;
	uint32_t opcode;
} ops[] = {
	{"getattr", FUSE_GETATTR},
	{"lookup", FUSE_LOOKUP},
	{"statfs", FUSE_STATFS},
	{"read", FUSE_READ},
	{"write", FUSE_WRITE},
};

static const char *const poll_names[] = {
	[VFS_POLL_AUTO] = "auto", [VFS_POLL_ALWAYS] = "always", [VFS_POLL_NEVER] = "never"};

const char *options_poll_name(const struct options *options)
{
	return poll_names[options->poll];
}

static bool parse_op(const char *name, struct options *options)
{
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		if (strcmp(ops[i].name, name) != 0)
			continue;
		options->op_name = ops[i].name;
		options->opcode = ops[i].opcode;
		return true;
	}
	return false;
}

static bool parse_poll(const char *name, struct options *options)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(poll_names); i++) {
		if (strcmp(poll_names[i], name) != 0)
			continue;
		options->poll = (enum vfs_poll)i;
		return true;
	}
	return false;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *number)
{
	char *end;

	*number = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && *number >= 1 && *number <= max;
}

static bool parse_unsigned(const char *text, unsigned int max, unsigned int *number)
{
	uint64_t value;
	bool good = parse_number(text, max, &value);

	*number = (unsigned int)value;
	return good;
}

static bool parse_option(int c, struct options *options)
{
	switch (c) {
	case 'o':
		return parse_op(optarg, options);
	case 'f':
		options->file = optarg;
		return *optarg;
	case 's':
		return parse_unsigned(optarg, 16u << 20, &options->size);
	case 'd':
		return parse_unsigned(optarg, 4096, &options->depth);
	case 'q':
		return parse_unsigned(optarg, 1024, &options->queues);
	case 'p':
		return parse_poll(optarg, options);
	case 'c':
		return parse_number(optarg, UINT64_MAX, &options->count);
	case 't':
		return parse_unsigned(optarg, 86400, &options->seconds);
	case 'l':
		options->no_latency = true;
		return true;
	case 'r':
		options->registered = true;
		return true;
	default:
		return false;
	}
}

int options_parse(int argc, char **argv, struct options *options)
{
	int c;

	*options = (struct options){.size = 4096, .depth = 1, .queues = 1, .seconds = 3};
	(void)parse_op("getattr", options);
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
		if (c == 'h') {
			fputs(usage, stdout);
			return 1;
		}
		if (c == 'V') {
			puts("virtiofs-bench " VFS_VERSION);
			return 1;
		}
		if (parse_option(c, options))
			continue;
		/* What it does not know getopt has named already. */
		if (c != '?')
			fprintf(stderr, "virtiofs-bench: '%s' is not a good value\n", optarg);
		fputs(usage, stderr);
		return 3;
	}
	if (optind + 1 != argc) {
		fputs(usage, stderr);
		return 3;
	}
	if (options->no_latency && !options->count) {
		fprintf(stderr, "virtiofs-bench: --no-latency needs --count\n");
		return 3;
	}
	options->device = argv[optind];
	if (!options->file && options->opcode != FUSE_GETATTR && options->opcode != FUSE_STATFS)
		options->file = "bench";
	return 0;
}
