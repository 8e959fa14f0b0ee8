/* SPDX-License-Identifier: MIT */
/*
 * The same random operations on the library's mount and, by system calls, on a directory of the
 * host. Whatever can be seen of them has to be the same.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "features.h"
#include "run.h"
#include "shrink.h"

static const char usage[] =
	"usage: equivalence --device DEVICE|--kernel DIR --twin DIR [OPTION...]\n"
	"Random file operations on DEVICE and on the directory of --twin, which are both emptied.\n"
	"\n" MOUNT_USAGE RUN_USAGE(
		20000) "  --twin DIR        a directory for the kernel\n"
		       "  --only N,N,...    these alone, each printed\n"
		       "  --without LIST    leave out what needs these features, as in "
		       "\"tmpfile,holes\"\n"
		       "  --may-lack LIST   leave it out if the server does not have them\n"
		       "  --no-shrink       do not look for the shortest sequence that differs\n"
		       "  --differences N   go on until there are N of them (1); what comes then "
		       "may follow from "
		       "one\n"
		       "  --stats           how many of which succeeded\n";

static const struct option options[] = {
	MOUNT_OPTIONS,
	RUN_OPTIONS,
	{"twin", required_argument, NULL, 't'},
	{"only", required_argument, NULL, 'o'},
	{"without", required_argument, NULL, 'w'},
	{"may-lack", required_argument, NULL, 'l'},
	{"no-shrink", no_argument, NULL, 'k'},
	{"differences", required_argument, NULL, 'g'},
	{"stats", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

struct arguments {
	struct settings settings;
	const char *only;
	bool no_shrink;
};

static bool take(int option, struct arguments *arguments)
{
	struct settings *settings = &arguments->settings;

	switch (option) {
	case 't':
		settings->twin = optarg;
		return true;
	case 'o':
		arguments->only = optarg;
		settings->print = true;
		return true;
	case 'w':
		return features_parse(optarg, &settings->without);
	case 'l':
		return features_parse(optarg, &settings->may_lack);
	case 'k':
		arguments->no_shrink = true;
		return true;
	case 'g':
		settings->differences_max = (unsigned int)strtoul(optarg, NULL, 0);
		return settings->differences_max > 0;
	case 'v':
		settings->stats = true;
		return true;
	default:
		return run_option(option, optarg, &settings->run) ||
		       mount_option(option, optarg, &settings->mount);
	}
}

static bool parse(int argc, char **argv, struct arguments *arguments)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
		if (!take(c, arguments))
			return false;
	return optind == argc && arguments->settings.twin &&
	       mount_settings_good(&arguments->settings.mount);
}

/* All, or those of --only. */
static uint64_t *make_numbers(struct arguments *arguments)
{
	const char *p = arguments->only;
	uint64_t *numbers;
	char *end;

	if (p) {
		arguments->settings.run.count = 1;
		for (const char *q = p; *q; q++)
			arguments->settings.run.count += *q == ',';
	}
	numbers = calloc(arguments->settings.run.count, sizeof(*numbers));
	for (uint64_t i = 0; numbers && i < arguments->settings.run.count; i++) {
		numbers[i] = p ? strtoull(p, &end, 10) : i;
		p = p ? end + (*end == ',') : NULL;
	}
	return numbers;
}

static void print_shortest(const struct settings *settings, uint64_t *numbers, size_t count)
{
	struct settings printing = *settings;
	size_t done;

	printf("looking for the shortest sequence that differs\n");
	count = shrink(settings, numbers, count);
	printing.print = true;
	printing.mount.daemon = 0;
	printf("%zu operations differ:\n", count);
	run(&printing, numbers, count, false, &done);
	printf("seed %llu, --only ", (unsigned long long)settings->run.seed);
	for (size_t i = 0; i < count; i++)
		printf("%s%llu", i ? "," : "", (unsigned long long)numbers[i]);
	printf("\n");
}

int main(int argc, char **argv)
{
	struct arguments arguments = {
		.settings = {.run = {.seed = 1, .count = 20000}, .differences_max = 1}};
	struct settings *settings = &arguments.settings;
	enum run_result result;
	uint64_t *numbers;
	size_t done = 0;

	if (!parse(argc, argv, &arguments)) {
		fputs(usage, stderr);
		return 2;
	}
	/* What was said before it crashed is not lost. */
	setlinebuf(stdout);
	numbers = make_numbers(&arguments);
	if (!numbers)
		return 2;
	result = run(settings, numbers, settings->run.count, false, &done);
	if (result == RUN_DIFFERS && !arguments.no_shrink && !arguments.only &&
		settings->differences_max == 1)
		print_shortest(settings, numbers, done + 1);
	free(numbers);
	if (result != RUN_AGREES)
		printf("failed at operation %zu, seed %llu\n", done,
			(unsigned long long)settings->run.seed);
	else
		printf("%llu operations agree, seed %llu\n",
			(unsigned long long)settings->run.count,
			(unsigned long long)settings->run.seed);
	return result == RUN_AGREES ? 0 : result == RUN_DIFFERS ? 1 : 2;
}
