/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "files.h"
#include "options.h"
#include "transport/sysfs.h"

/* Who insists on it cannot do without. */
#define findings_miss(findings, options, ...)                                    \
	((options)->lane == LANE_URING ? findings_problem(findings, __VA_ARGS__) \
				       : findings_warning(findings, __VA_ARGS__))

/* Not known to older kernels, which have no such limit. */
static void read_limit(char *value, size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/sys/kernel/io_uring_disabled", inspect_proc_root);
	if (file_read(path, value, size))
		snprintf(value, size, "0");
}

static void say_why_not(struct findings *findings, const struct options *options, int error)
{
	char limit[8];

	read_limit(limit, sizeof(limit));
	if (error == -ENOSYS)
		findings_miss(findings, options,
			"this kernel has no io_uring (CONFIG_IO_URING): another lane is slower");
	else if (limit[0] != '0')
		findings_miss(findings, options,
			"io_uring is not allowed for this process: sysctl "
			"kernel.io_uring_disabled=0 (it is %s), or, if that is 1, be in the group "
			"of kernel.io_uring_group",
			limit);
	else
		findings_miss(findings, options,
			"io_uring cannot be used (%s): a container may have to allow the system "
			"calls io_uring_setup, io_uring_enter and io_uring_register",
			strerror(-error));
}

void check_uring(struct findings *findings, const struct options *options, int error)
{
	char path[PATH_MAX];
	char value[8];

	if (options->lane != LANE_AUTO && options->lane != LANE_URING)
		return;
	snprintf(path, sizeof(path), "%s/module/fuse/parameters/enable_uring", vfs_sysfs_root);
	if (file_read(path, value, sizeof(value))) {
		if (options->lane == LANE_URING)
			findings_problem(findings,
				"this kernel has no FUSE over io_uring (6.14 and newer have): "
				"leave lane=uring out");
	} else if (value[0] != 'Y' && value[0] != '1') {
		findings_miss(findings, options,
			"FUSE over io_uring is off, and other lanes are slower: echo Y >%s, or "
			"fuse.enable_uring=1 on the kernel's command line",
			path);
	} else if (error) {
		say_why_not(findings, options, error);
	} else {
		findings_ok(findings, "FUSE over io_uring is on and can be used");
	}
}
