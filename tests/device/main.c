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
#include "vfio_user.h"
#include "vhost_user.h"

static const char usage[] =
	"usage: virtiofs-device --vhost-user SOCKET --dir DIR [OPTION...]\n"
	"       virtiofs-device --vfio-user SOCKET --dir DIR [OPTION...]\n"
	"A virtio-fs device to test drivers against.\n"
	"\n"
	"  --vhost-user SOCKET  be a vhost-user back end on SOCKET\n"
	"  --vfio-user SOCKET   be a vfio-user server on SOCKET\n"
	"  --dir DIR            serve this directory\n"
	"  --tag TAG            the file system's name (myfs)\n"
	"  --queues N           request queues (1)\n"
	"  --access-platform    take addresses that are translated by an IOMMU\n"
	"  --dax SIZE           have a DAX window of so many bytes, K, M or G (vfio-user)\n";

struct settings {
	const char *vhost_user; /* sockets, one of the two */
	const char *vfio_user;
	uint64_t window;
	const char *directory;
	struct device_options device;
};

static const struct option options[] = {
	{"vhost-user", required_argument, NULL, 's'},
	{"vfio-user", required_argument, NULL, 'v'},
	{"dir", required_argument, NULL, 'd'},
	{"tag", required_argument, NULL, 't'},
	{"queues", required_argument, NULL, 'q'},
	{"access-platform", no_argument, NULL, 'a'},
	{"dax", required_argument, NULL, 'x'},
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

/* A power of two, as BARs are. */
static bool parse_window(const char *text, uint64_t *size)
{
	static const char units[] = "KMG";
	char *end;
	const char *unit;

	*size = strtoul(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		*size <<= 10 * (unit - units + 1);
		end++;
	}
	return !*end && *size >= 4096 && !(*size & (*size - 1));
}

/* -1: help was asked for */
static int parse(int argc, char **argv, struct settings *settings)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 's':
			settings->vhost_user = optarg;
			break;
		case 'v':
			settings->vfio_user = optarg;
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
		case 'x':
			if (!parse_window(optarg, &settings->window))
				return 2;
			break;
		case 'h':
			return -1;
		default:
			return 2;
		}
	}
	if (optind != argc || !settings->directory || !settings->vhost_user == !settings->vfio_user)
		return 2;
	return settings->window && !settings->vfio_user ? 2 : 0;
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
	if (settings->vfio_user)
		r = vfio_user_serve(device, settings->vfio_user, settings->window);
	else
		r = vhost_user_serve(device, settings->vhost_user);
	say("%s: %s", settings->vfio_user ? settings->vfio_user : settings->vhost_user,
		strerror(-r));
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
