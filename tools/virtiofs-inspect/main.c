/* SPDX-License-Identifier: MIT */
#include <locale.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfs/error.h>

#include "inspect.h"
#include "text.h"

#define EXIT_USAGE 2

static int verb_help(int count, char **names);

static const struct verb {
	const char *name;
	const char *operands;
	const char *summary;
	int min;
	int max;      /* -1: any number */
	bool json;    /* it knows --json */
	bool seconds; /* and --seconds */
	int (*run)(int count, char **names);
} verbs[] = {
	{"list", "", "all virtio-fs functions of this machine", 0, 0, false, false, verb_list},
	{"show", "BDF|TAG", "all there is to know about one", 1, 1, false, false, verb_show},
	{"dax", "DEVICE [PATH]", "its DAX window, and how fast a file is mapped there", 1, 2, false,
		false, verb_dax},
	{"bind", "BDF|TAG...", "give it to vfio-pci, for programs that use libvirtiofs", 1, -1,
		false, false, verb_bind},
	{"unbind", "BDF|TAG...", "give it back to virtio-pci, for the kernel's own driver", 1, -1,
		false, false, verb_unbind},
	{"ps", "", "the sessions of running programs", 0, 0, true, false, verb_ps},
	{"queues", "[SESSION]", "what their queues are doing, and whether they are well", 0, 1,
		true, false, verb_queues},
	{"ring", "[SESSION [QUEUE]]", "what is in the ring of a queue", 0, 2, true, false,
		verb_ring},
	{"inflight", "[SESSION]", "requests that are under way", 0, 1, true, false, verb_inflight},
	{"stats", "[SESSION]", "what was done so far, and how long it took", 0, 1, true, false,
		verb_stats},
	{"trace", "SESSION", "each request, as it is answered", 1, 1, true, true, verb_trace},
	{"help", "", "this text", 0, 0, false, false, verb_help},
};

#define NUM_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static int verb_help(int count, char **names)
{
	size_t i;

	(void)count;
	(void)names;
	puts("Usage: virtiofs-inspect VERB [OPERAND...]\n"
	     "Look at virtio-fs devices, and give them to a driver.\n");
	for (i = 0; i < NUM_VERBS; i++)
		printf("  %-8s %-17s  %s\n", verbs[i].name, verbs[i].operands, verbs[i].summary);
	puts("\n"
	     "  -h, --help     this text\n"
	     "  -V, --version  the version\n"
	     "\n"
	     "BDF is a PCI address as in 0000:00:05.0 or 00:05.0, TAG the name of a device.\n"
	     "DEVICE is one of these, or a daemon's socket, as for virtiofs-fuse. It is opened.\n"
	     "SESSION is the number of a process, a tag, or a device as ps shows it; without it\n"
	     "all sessions are shown. They are not stopped and not asked. With --json these verbs\n"
	     "print JSON. trace ends with the process, by a signal, or after --seconds N.\n"
	     "Exit status: 0 it worked, 1 it did not, 2 the command line is wrong, 3 a queue is\n"
	     "not well.");
	return 0;
}

static int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void print_error(const char *message)
{
	char line[1024];

	fprintf(stderr, "virtiofs-inspect: %s\n",
		text_escape(message, strlen(message), line, sizeof(line)));
}

static int usage_error(const char *format, ...)
{
	char message[256];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	print_error(message);
	return EXIT_USAGE;
}

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < NUM_VERBS; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static bool parse_seconds(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	inspect_options.seconds = (unsigned int)value;
	return *text >= '0' && *text <= '9' && !*end && value >= 1 && value <= 1000000;
}

static int run(const struct verb *verb, int count, char **names)
{
	int r = verb->run(count, names);

	/* A table that was cut off by a full disk is no success. */
	if (fflush(stdout) == EOF && r == 0) {
		print_error("cannot write the output");
		return EXIT_FAILURE;
	}
	if (r >= 0)
		return r;
	print_error(vfs_last_error());
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const struct verb *verb;
	const char *seconds = NULL;
	int operands = 0;
	int i;

	setlocale(LC_ALL, "");
	if (argc < 2)
		return usage_error("say what to do: list, show, ps, queues, ... (see --help)");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return run(find_verb("help"), 0, NULL);
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts("virtiofs-inspect " VFS_VERSION);
		return EXIT_SUCCESS;
	}
	verb = find_verb(argv[1]);
	if (!verb)
		return usage_error("there is no \"%s\" (see --help)", argv[1]);
	argc -= 2;
	argv += 2;
	for (i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return run(find_verb("help"), 0, NULL);
		if (strcmp(argv[i], "--json") == 0 && verb->json)
			inspect_options.json = true;
		else if (strcmp(argv[i], "--seconds") == 0 && verb->seconds)
			seconds = argv[++i < argc ? i : i - 1];
		else if (argv[i][0] == '-')
			return usage_error("%s has no option %s (see --help)", verb->name, argv[i]);
		else
			argv[operands++] = argv[i];
	}
	argc = operands;
	if (seconds && !parse_seconds(seconds))
		return usage_error("--seconds wants a number of seconds, not \"%s\"", seconds);
	if (argc < verb->min)
		return usage_error("%s needs an operand (see --help)", verb->name);
	if (verb->max >= 0 && argc > verb->max)
		return usage_error("%s takes no more than %d operand%s (see --help)", verb->name,
			verb->max, verb->max == 1 ? "" : "s");
	return run(verb, argc, argv);
}
