/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vfs/device.h>
#include <vfs/session.h>

#include "capabilities.h"
#include "dma/dma.h"
#include "function.h"
#include "open.h"
#include "options.h"
#include "plan.h"
#include "report.h"
#include "transport/sysfs.h"
#include "transport/transport.h"

/* Whoever has this is not bound by the limit. */
static bool may_lock_all(void)
{
	return capabilities_effective() & CAPABILITY(CAP_IPC_LOCK);
}

static void check_limit(struct findings *findings, const struct options *options)
{
	struct rlimit limit;

	if (may_lock_all() || getrlimit(RLIMIT_MEMLOCK, &limit))
		return;
	check_locked(findings, options,
		limit.rlim_cur == RLIM_INFINITY ? (unsigned long long)-1 : limit.rlim_cur);
}

/* All that a mount does before it is one. The server hears nothing of it. */
static void try_session(
	struct findings *findings, const struct options *options, struct vfs_device *device)
{
	struct vfs_session *session;
	struct plan plan;
	int error;

	if (plan_make(&plan, options, vfs_device_info(device)->num_request_queues))
		return;
	error = open_session(options, &plan, device, &session);
	if (error) {
		findings_problem(findings, "%s", report_reason(error));
		return;
	}
	if (open_serves_mounts(session))
		findings_ok(findings, "%s can be started", vfs_device_info(device)->name);
	else
		findings_problem(findings,
			"the rings of %s are too small for the requests of a kernel: give the "
			"device "
			"larger ones (queue-size)",
			vfs_device_info(device)->name);
	vfs_session_destroy(session);
}

static void try_function(struct findings *findings, const struct options *options, const char *bdf)
{
	struct check_memory memory = {
		.translated = !vfs_sysfs_group_is_noiommu(vfs_sysfs_group(bdf)),
		.addresses = vfs_pagemap_usable(),
	};
	unsigned int before = findings->problems;
	struct vfs_device *device;
	int error = open_device(options, bdf, &device);

	if (error) {
		findings_problem(findings, "%s", report_reason(error));
		return;
	}
	memory.features = vfs_device_info(device)->features;
	check_memory(findings, bdf, options, &memory);
	if (findings->problems == before)
		try_session(findings, options, device);
	vfs_device_close(device);
}

static void check_one(struct findings *findings, const struct options *options, const char *bdf)
{
	if (check_function(findings, bdf)) {
		check_limit(findings, options);
		try_function(findings, options, bdf);
	}
}

struct functions {
	struct findings *findings;
	const struct options *options;
	unsigned int count;
	unsigned int good;
};

static int check_next(const struct vfs_function *function, void *ctx)
{
	struct functions *functions = ctx;
	unsigned int before = functions->findings->problems;

	functions->count++;
	check_one(functions->findings, functions->options, function->bdf);
	functions->good += functions->findings->problems == before;
	return 0;
}

/* It is enough that one of them works. */
static void check_all(struct findings *findings, const struct options *options)
{
	struct findings those = {.lenient = true};
	struct functions functions = {.findings = &those, .options = options};
	int error = vfs_device_scan(check_next, &functions);

	findings->warnings += those.warnings + those.problems;
	if (error < 0)
		findings_warning(findings, "%s", report_reason(error));
	else if (!functions.count)
		findings_warning(findings,
			"this machine has no virtio-fs function (1af4:105a): only "
			"the socket of a daemon can be mounted");
	else if (!functions.good)
		findings_problem(
			findings, "none of the functions can be mounted: see the warnings above");
}

static void check_device(struct findings *findings, const struct options *options)
{
	char bdf[VFS_BDF_SIZE];
	int error;

	if (vfs_transport_is_socket(options->device)) {
		check_socket(findings, options->device);
		if (options->hugepages == VFS_HUGEPAGES_ALWAYS)
			check_hugepages(findings, options, true);
		return;
	}
	error = function_find(options->device, bdf);
	if (error)
		findings_problem(findings, "%s", report_reason(error));
	else
		check_one(findings, options, bdf);
}

/* 0 or -errno */
static int try_uring(void)
{
	struct io_uring_params params = {0};
	long fd = syscall(SYS_io_uring_setup, 1, &params);

	if (fd < 0)
		return -errno;
	close((int)fd);
	return 0;
}

int check_run(const struct options *options)
{
	struct findings findings = {0};

	setlocale(LC_ALL, "");
	check_fuse(&findings, options);
	check_uring(&findings, options, try_uring());
	check_sandbox(&findings, options);
	if (options->device)
		check_device(&findings, options);
	else
		check_all(&findings, options);
	if (fflush(stdout) == EOF) {
		report_error("cannot write what was found");
		return -1;
	}
	return findings.problems ? -1 : 0;
}
