/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/core.h"
#include "driver.h"
#include "files.h"
#include "transport/sysfs.h"

/* Not every PATH has it: that of a user who became root with su, for one. */
const char *inspect_modprobe = "/sbin/modprobe";

/* What has to be put back if a switch fails. */
struct before {
	char driver[32];
	char override[64];
};

bool driver_exists(const char *driver)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bus/pci/drivers/%s", vfs_sysfs_root, driver);
	return access(path, F_OK) == 0;
}

void driver_load_module(const char *module)
{
	char name[64];
	char *const argv[] = {"modprobe", "-q", name, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int r;

	snprintf(name, sizeof(name), "%s", module);
	if (posix_spawn_file_actions_init(&actions) != 0)
		return;
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
	r = posix_spawnp(&pid, access(inspect_modprobe, X_OK) == 0 ? inspect_modprobe : "modprobe",
		&actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	while (r == 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int driver_check_permission(const char *bdf)
{
	char path[PATH_MAX];

	file_of_function(path, bdf, "driver_override");
	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0)
		return 0;
	if (errno == EROFS)
		return vfs_error(-EROFS,
			"cannot give %s to another driver, sysfs is mounted read-only: do it "
			"outside of this container",
			bdf);
	if (errno == EACCES || errno == EPERM)
		return vfs_error(
			-EACCES, "no permission to give %s to another driver: run as root", bdf);
	return vfs_error(-errno, "%s: %s", path, strerror(errno));
}

static int write_for(const char *bdf, const char *what, const char *path, const char *text)
{
	int r = file_write(path, text);

	if (r == -EACCES || r == -EPERM)
		return vfs_error(r, "no permission to %s %s: run as root", what, bdf);
	if (r < 0)
		return vfs_error(r, "cannot %s %s: %s: %s", what, bdf, path, strerror(-r));
	return 0;
}

/* An empty line means none. */
static int set_override(const char *bdf, const char *driver)
{
	char path[PATH_MAX];
	char line[66];

	file_of_function(path, bdf, "driver_override");
	snprintf(line, sizeof(line), "%s\n", driver);
	return write_for(bdf, "choose the driver of", path, line);
}

static int release(const char *bdf)
{
	char path[PATH_MAX];
	char driver[32];

	vfs_sysfs_driver(bdf, driver, sizeof(driver));
	if (!driver[0])
		return 0;
	file_of_function(path, bdf, "driver/unbind");
	return write_for(bdf, "unbind", path, bdf);
}

static int probe(const char *bdf)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bus/pci/drivers_probe", vfs_sysfs_root);
	return write_for(bdf, "bind", path, bdf);
}

/* The kernel says nothing when a driver refuses. */
static int verify(const char *bdf, const char *driver)
{
	char now[32];

	vfs_sysfs_driver(bdf, now, sizeof(now));
	if (strcmp(now, driver) == 0)
		return 0;
	if (now[0])
		return vfs_error(-EIO, "%s went to the driver %s instead of %s", bdf, now, driver);
	return vfs_error(
		-EIO, "the driver %s did not take %s: the kernel's log says why", driver, bdf);
}

static void remember(const char *bdf, struct before *before)
{
	char path[PATH_MAX];

	vfs_sysfs_driver(bdf, before->driver, sizeof(before->driver));
	file_of_function(path, bdf, "driver_override");
	if (file_read(path, before->override, sizeof(before->override)) < 0 ||
		strcmp(before->override, "(null)") == 0)
		before->override[0] = '\0';
}

/* Keeps the message of what failed first. */
static void put_back(const char *bdf, const struct before *before)
{
	char why[512];
	char now[32];
	int r;

	snprintf(why, sizeof(why), "%s", vfs_last_error());
	r = set_override(bdf, before->override);
	vfs_sysfs_driver(bdf, now, sizeof(now));
	if (strcmp(now, before->driver) == 0)
		r = 0;
	else if (r == 0)
		r = release(bdf);
	if (r == 0 && before->driver[0] && strcmp(now, before->driver) != 0) {
		r = probe(bdf);
		if (r == 0)
			r = verify(bdf, before->driver);
	}
	if (r == 0)
		(void)vfs_error(r, "%s", why);
	else
		(void)vfs_error(r, "%s; it could not be given back to %s either", why,
			before->driver[0] ? before->driver : "nobody");
}

int driver_switch(const char *bdf, const char *driver, bool override)
{
	struct before before;
	int r;

	remember(bdf, &before);
	r = set_override(bdf, override ? driver : "");
	if (r == 0)
		r = release(bdf);
	if (r == 0)
		r = probe(bdf);
	if (r == 0)
		r = verify(bdf, driver);
	if (r < 0)
		put_back(bdf, &before);
	return r;
}
