/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "options.h"
#include "transport/sysfs.h"

#define FUSERMOUNT "fusermount3"

const char *check_etc_root = "/etc";

static void check_device_file(struct findings *findings)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/fuse", vfs_dev_root);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		findings_ok(findings, "%s can be opened", path);
	} else if (errno == ENOENT) {
		findings_problem(findings,
			"%s does not exist: load the kernel module (modprobe fuse), or give the "
			"container this file",
			path);
	} else if (errno == EACCES || errno == EPERM) {
		findings_problem(findings,
			"no permission for %s: run as root, let everybody open it (chmod 666, as "
			"distributions do), or allow it to the container",
			path);
	} else {
		findings_problem(findings,
			"%s cannot be opened (%s): load the kernel module "
			"(modprobe fuse)",
			path, strerror(errno));
	}
}

static bool is_program(const char *dir, size_t length, struct stat *st)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.*s/" FUSERMOUNT, (int)length, length ? dir : ".");
	return stat(path, st) == 0 && S_ISREG(st->st_mode) && access(path, X_OK) == 0;
}

static bool find_fusermount(struct stat *st)
{
	const char *path = getenv("PATH");
	size_t length;

	for (; path; path = path[length] ? path + length + 1 : NULL) {
		length = strcspn(path, ":");
		if (is_program(path, length, st))
			return true;
	}
	return false;
}

/* Root mounts by itself; others through this program, which is set-uid root for it. */
static void check_fusermount(struct findings *findings)
{
	struct stat st;

	if (geteuid() == 0)
		return;
	if (!find_fusermount(&st))
		findings_problem(findings, FUSERMOUNT
			" is not in PATH, and only root mounts without it: install it (fuse3)");
	else if (!(st.st_mode & S_ISUID))
		findings_warning(findings, FUSERMOUNT
			" is not set-uid root: unless it has the capability instead, mounting "
			"fails; install it again (fuse3)");
	else
		findings_ok(findings, FUSERMOUNT " mounts for this user");
}

static bool conf_has(const char *option)
{
	char path[PATH_MAX];
	char *line = NULL;
	size_t room = 0;
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/fuse.conf", check_etc_root);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && getline(&line, &room, file) >= 0) {
		line[strcspn(line, " \t\n#")] = '\0';
		found = strcmp(line, option) == 0;
	}
	free(line);
	fclose(file);
	return found;
}

static void check_allowed(struct findings *findings, const struct options *options)
{
	if (geteuid() == 0 || (!options->allow_other && !options->allow_root))
		return;
	if (conf_has("user_allow_other"))
		findings_ok(findings, "%s/fuse.conf lets users allow others", check_etc_root);
	else
		findings_problem(findings,
			"%s is for root only: write the line user_allow_other into %s/fuse.conf, "
			"or "
			"mount without it",
			options->allow_other ? "allow_other" : "allow_root", check_etc_root);
}

void check_fuse(struct findings *findings, const struct options *options)
{
	check_device_file(findings);
	check_fusermount(findings);
	check_allowed(findings, options);
}
