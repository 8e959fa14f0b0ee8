/* SPDX-License-Identifier: MIT */
/*
 * The same list of checks for every device that the library drives, by its public functions alone.
 * Each line of the output is "ok NAME", "not ok NAME: why" or "skip NAME: why".
 */
#include <getopt.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

static const char usage[] =
	"usage: library-test [OPTION...] DEVICE\n"
	"Checks the library on a device: a tag, a PCI address or a daemon's socket.\n"
	"\n"
	"  --dma auto|iova    which addresses the device is given (auto)\n"
	"  --entries N        of a large directory (10000)\n"
	"  --lookups N        that are forgotten again (20000)\n"
	"  --restarts         the server ends with its client, and is started again\n"
	"  --blocking-locks   the server answers others while one waits for a lock\n"
	"  --fixed-memory     no memory can be registered with the device\n"
	"  --lock-holder      lock-holder runs beside the server, for the file of outside/locks-*\n"
	"  --only REGEX       only checks with such a name\n"
	"  --list             print the names and stop\n";

static const struct check_list *const lists[] = {&device_checks, &session_checks, &files_checks,
	&names_checks, &attributes_checks, &directories_checks, &locks_checks, &outside_checks,
	&payload_checks, &queues_checks, &deadlines_checks, &waiting_checks, &forget_checks,
	&errors_checks, &malformed_checks, &failure_checks, &window_checks, &memory_checks,
	&memory_busy_checks, &ops_checks};

/* Enough for most, and soon mapped. */
static const struct vfs_session_options usual = {.depth = 16, .max_payload = 128 << 10};

static char reason[512];
static char complaint[256];

static enum verdict keep_reason(enum verdict verdict, const char *format, va_list args)
{
	vsnprintf(reason, sizeof(reason), format, args);
	return verdict;
}

enum verdict failed(const char *format, ...)
{
	enum verdict verdict;
	va_list args;

	va_start(args, format);
	verdict = keep_reason(FAILED, format, args);
	va_end(args);
	return verdict;
}

enum verdict skipped(const char *format, ...)
{
	enum verdict verdict;
	va_list args;

	va_start(args, format);
	verdict = keep_reason(SKIPPED, format, args);
	va_end(args);
	return verdict;
}

static void on_log(enum vfs_log_level level, const char *message, void *ctx)
{
	(void)ctx;
	if (level == VFS_LOG_ERROR)
		snprintf(complaint, sizeof(complaint), "%s", message);
	fprintf(stderr, "# %s\n", message);
}

static bool has_options(const struct vfs_session_options *options)
{
	return options->depth || options->max_payload || options->ring_size;
}

static enum verdict prepare(struct client *client, const struct check *check)
{
	if (check->needs == NEEDS_NOTHING)
		return PASSED;
	if (client_open(client) < 0)
		return failed("open: %s", vfs_last_error());
	if (check->needs == NEEDS_DEVICE)
		return PASSED;
	if (client_start(client, has_options(&check->session) ? &check->session : &usual) < 0)
		return failed("start: %s", vfs_last_error());
	expect_ok(client_make_directory(client));
	return PASSED;
}

static enum verdict run(const struct settings *settings, const struct check *check)
{
	/* A directory's name has no slash. */
	const char *name = strchr(check->name, '/') + 1;
	struct client client = {.settings = settings, .name = name};
	enum verdict verdict = prepare(&client, check);
	int r;

	if (verdict == PASSED)
		verdict = check->run(&client);
	r = client_remove_directory(&client);
	if (verdict == PASSED && r < 0)
		verdict = failed("its directory cannot be removed: %s", strerror(-r));
	client_close(&client);
	if (verdict == PASSED && complaint[0] && !check->complains)
		verdict = failed("the library says: %s", complaint);
	return verdict;
}

/* A line at once: what hangs is the one that follows. */
static void report(const struct check *check, enum verdict verdict)
{
	if (verdict == PASSED)
		printf("ok %s\n", check->name);
	else
		printf("%s %s: %s\n", verdict == FAILED ? "not ok" : "skip", check->name, reason);
	fflush(stdout);
}

static bool run_lists(const struct settings *settings, const regex_t *only, bool list)
{
	bool good = true;
	size_t i, k;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (k = 0; k < lists[i]->count; k++) {
			const struct check *check = &lists[i]->checks[k];
			enum verdict verdict;

			if (regexec(only, check->name, 0, NULL, 0) != 0)
				continue;
			if (list) {
				puts(check->name);
				continue;
			}
			complaint[0] = '\0';
			fprintf(stderr, "# %s\n", check->name);
			verdict = run(settings, check);
			report(check, verdict);
			good = good && verdict != FAILED;
		}
	}
	return good;
}

static const struct option options[] = {
	{"dma", required_argument, NULL, 'd'},
	{"entries", required_argument, NULL, 'e'},
	{"lookups", required_argument, NULL, 'k'},
	{"restarts", no_argument, NULL, 'r'},
	{"blocking-locks", no_argument, NULL, 'b'},
	{"fixed-memory", no_argument, NULL, 'f'},
	{"lock-holder", no_argument, NULL, 'h'},
	{"only", required_argument, NULL, 'o'},
	{"list", no_argument, NULL, 'l'},
	{NULL, 0, NULL, 0},
};

static bool parse_number(const char *text, unsigned int *number)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*number = (unsigned int)value;
	return *text && !*end && value >= 1 && value <= 1000000;
}

static bool parse_dma(const char *text, enum vfs_dma_mode *mode)
{
	*mode = strcmp(text, "iova") == 0 ? VFS_DMA_IOVA : VFS_DMA_AUTO;
	return strcmp(text, "iova") == 0 || strcmp(text, "auto") == 0;
}

static bool parse(int argc, char **argv, struct settings *settings, const char **only, bool *list)
{
	bool good = true;
	int c;

	while (good && (c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c == 'd')
			good = parse_dma(optarg, &settings->options.dma);
		else if (c == 'e')
			good = parse_number(optarg, &settings->entries);
		else if (c == 'k')
			good = parse_number(optarg, &settings->lookups);
		else if (c == 'r')
			settings->restarts = true;
		else if (c == 'b')
			settings->blocking_locks = true;
		else if (c == 'f')
			settings->fixed_memory = true;
		else if (c == 'h')
			settings->lock_holder = true;
		else if (c == 'o')
			*only = optarg;
		else if (c == 'l')
			*list = true;
		else
			good = false;
	}
	settings->device = argv[optind];
	return good && (*list || argc == optind + 1);
}

int main(int argc, char **argv)
{
	struct settings settings = {.entries = 10000, .lookups = 20000};
	const char *only = "";
	bool list = false, good;
	regex_t regex;

	if (!parse(argc, argv, &settings, &only, &list) ||
		regcomp(&regex, only, REG_EXTENDED | REG_NOSUB) != 0) {
		fputs(usage, stderr);
		return 2;
	}
	vfs_log_set(on_log, VFS_LOG_WARNING, NULL);
	good = run_lists(&settings, &regex, list);
	regfree(&regex);
	return good ? 0 : 1;
}
