/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "control.h"
#include "device.h"
#include "faults.h"
#include "null.h"
#include "relay.h"
#include "say.h"
#include "server.h"
#include "vfio_user.h"
#include "vhost_user.h"

static const char usage[] =
	"usage: virtiofs-device --vhost-user|--vfio-user SOCKET --dir DIR|--relay SOCKET|--null\n"
	"                       [OPTION...]\n"
	"A virtio-fs device to test drivers against.\n"
	"\n"
	"  --vhost-user SOCKET  be a vhost-user back end on SOCKET\n"
	"  --vfio-user SOCKET   be a vfio-user server on SOCKET\n"
	"  --dir DIR            serve this directory\n"
	"  --relay SOCKET       hand requests on to the vhost-user daemon at SOCKET\n"
	"  --null               serve nothing, as fast as can be; request queues are polled\n"
	"  --sleep              with --null: they are not, it sleeps until it is notified\n"
	"  --tag TAG            the file system's name (myfs)\n"
	"  --queues N           request queues (1)\n"
	"  --access-platform    take addresses that are translated by an IOMMU\n"
	"  --dax MIB            have a DAX window of so many MiB; with --vfio-user a power of two, "
	"and\n"
	"                       files are copied into it and out of it\n"
	"  --mark               tell drivers to use the window for files with the sticky bit "
	"alone\n"
	"  --writeback          let drivers keep back what was written\n"
	"  --notify             have a notification queue, for drivers that know what it is\n"
	"  --no-memory-slots    with --vhost-user: take memory as a whole table only\n"
	"  --script FILE        do wrong what the lines of FILE say\n"
	"  --control SOCKET     take such lines on SOCKET, and what is to be notified\n"
	"\n"
	"Such a line is: FAULT [value=N] [opcode=N] [nth=N] [times=N]\n"
	"or, for the socket: notify NOTIFICATION [NAME=VALUE...]\n";

#define QUEUES_MAX  128u
#define DAX_MIB_MAX (1u << 20)

struct settings {
	const char *socket;
	bool vfio_user;	       /* is spoken on it */
	const char *directory; /* NULL: none */
	const char *relay;     /* NULL: none */
	bool null;	       /* nothing is served */
	bool sleep;
	const char *script;
	const char *control;
	bool writeback;
	bool marks;
	unsigned int dax_mib; /* 0: no window */
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
	{"mark", no_argument, NULL, 'k'},
	{"writeback", no_argument, NULL, 'w'},
	{"relay", required_argument, NULL, 'r'},
	{"null", no_argument, NULL, 'n'},
	{"sleep", no_argument, NULL, 'S'},
	{"notify", no_argument, NULL, 'N'},
	{"no-memory-slots", no_argument, NULL, 'm'},
	{"script", required_argument, NULL, 'f'},
	{"control", required_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static bool parse_number(const char *text, unsigned int max, unsigned int *number)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*number = (unsigned int)value;
	return *text && !*end && value >= 1 && value <= max;
}

static bool fits(const struct settings *settings)
{
	/* Only a directory has files to show in a window. */
	if (!settings->socket || (settings->dax_mib && !settings->directory))
		return false;
	/* As BARs are. */
	if (settings->vfio_user && settings->dax_mib & (settings->dax_mib - 1))
		return false;
	if (settings->sleep && !settings->null)
		return false;
	return !!settings->directory + !!settings->relay + settings->null == 1;
}

/* -1: help was asked for */
static int parse(int argc, char **argv, struct settings *settings)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 's':
		case 'v':
			settings->socket = optarg;
			settings->vfio_user = c == 'v';
			break;
		case 'd':
			settings->directory = optarg;
			break;
		case 't':
			settings->device.tag = optarg;
			break;
		case 'q':
			if (!parse_number(optarg, QUEUES_MAX, &settings->device.num_request_queues))
				return 2;
			break;
		case 'a':
			settings->device.access_platform = true;
			break;
		case 'x':
			if (!parse_number(optarg, DAX_MIB_MAX, &settings->dax_mib))
				return 2;
			break;
		case 'w':
			settings->writeback = true;
			break;
		case 'k':
			settings->marks = true;
			break;
		case 'r':
			settings->relay = optarg;
			break;
		case 'n':
			settings->null = true;
			break;
		case 'S':
			settings->sleep = true;
			break;
		case 'N':
			settings->device.notify = true;
			break;
		case 'm':
			settings->device.no_slots = true;
			break;
		case 'f':
			settings->script = optarg;
			break;
		case 'c':
			settings->control = optarg;
			break;
		case 'h':
			return -1;
		default:
			return 2;
		}
	}
	if (optind != argc)
		return 2;
	settings->device.polling = settings->null && !settings->sleep;
	return fits(settings) ? 0 : 2;
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

static int start_control(const struct settings *settings, struct device *device)
{
	int r = 0;

	if (settings->script)
		r = faults_arm_script(settings->script);
	if (r == 0 && settings->control) {
		r = control_start(settings->control, device);
		if (r < 0)
			say("%s: %s", settings->control, strerror(-r));
	}
	return r;
}

static int serve(const struct settings *settings, struct engine *engine, struct dax *dax)
{
	struct device *device = device_create(&settings->device, engine, dax);
	int r;

	if (!device) {
		say("out of memory");
		return 1;
	}
	r = start_control(settings, device);
	if (r == 0) {
		if (settings->vfio_user)
			r = vfio_user_serve(device, settings->socket);
		else
			r = vhost_user_serve(device, settings->socket);
		say("%s: %s", settings->socket, strerror(-r));
	}
	device_destroy(device);
	return 1;
}

static struct engine *create_engine(const struct settings *settings, struct dax *dax)
{
	if (settings->directory)
		return server_create(settings->directory, &(struct server_options){.dax = dax,
								  .writeback = settings->writeback,
								  .marks = settings->marks});
	return settings->relay ? relay_create(settings->relay) : null_create();
}

static int run(const struct settings *settings)
{
	struct dax *dax = settings->dax_mib ? dax_create((uint64_t)settings->dax_mib << 20) : NULL;
	struct engine *engine = create_engine(settings, dax);
	int r = 1;

	if (engine) {
		r = serve(settings, engine, dax);
		engine->destroy(engine);
	}
	dax_destroy(dax);
	return r;
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
