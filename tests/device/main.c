/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "device.h"
#include "say.h"
#include "server.h"
#include "vhost_user.h"

static const char usage[] =
	"usage: virtiofs-device --vhost-user SOCKET --dir DIR [OPTION...]\n"
	"A virtio-fs device to test drivers against.\n"
	"\n"
	"  --vhost-user SOCKET  be a vhost-user back end on SOCKET\n"
	"  --dir DIR            serve this directory\n"
	"  --tag TAG            the file system's name (myfs)\n"
	"  --queues N           request queues (1)\n"
	"  --access-platform    take addresses that are translated by an IOMMU\n";

struct settings {
	const char *socket;
	const char *directory;
	struct device_options device;
};

static const struct option options[] = {
	{"vhost-user", required_argument, NULL, 's'},
	{"dir", required_argument, NULL, 'd'},
	{"tag", required_argument, NULL, 't'},
	{"queues", required_argument, NULL, 'q'},
	{"access-platform", no_argument, NULL, 'a'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static bool parse_queues(const char *text, unsigned int *count)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*count = (unsigned int)value;
	return *text && !*end && value >= 1 && value <= 128;
}

/* -1: help was asked for */
static int parse(int argc, char **argv, struct settings *settings)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 's':
			settings->socket = optarg;
			break;
		case 'd':
			settings->directory = optarg;
			break;
		case 't':
			settings->device.tag = optarg;
			break;
		case 'q':
			if (!parse_queues(optarg, &settings->device.num_request_queues))
				return 2;
			break;
		case 'a':
			settings->device.access_platform = true;
			break;
		case 'h':
			return -1;
		default:
			return 2;
		}
	}
	return optind == argc && settings->socket && settings->directory ? 0 : 2;
}

/* Each node that a driver knows is a descriptor. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int run(const struct settings *settings)
{
	struct engine *engine = server_create(settings->directory);
	struct device *device;
	int r;

	if (!engine)
		return 1;
	device = device_create(&settings->device, engine);
	if (!device) {
		say("out of memory");
		engine->destroy(engine);
		return 1;
	}
	r = vhost_user_serve(device, settings->socket);
	say("%s: %s", settings->socket, strerror(-r));
	device_destroy(device);
	engine->destroy(engine);
	return 1;
}

int main(int argc, char **argv)
{
	struct settings settings = {.device = {.tag = "myfs", .num_request_queues = 1}};
	int r = parse(argc, argv, &settings);

	if (r) {
		fputs(usage, r < 0 ? stdout : stderr);
		return r < 0 ? 0 : r;
	}
	signal(SIGPIPE, SIG_IGN);
	/* Modes come from the driver, with its callers' masks applied. */
	umask(0);
	raise_descriptor_limit();
	return run(&settings);
}
