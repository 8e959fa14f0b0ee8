/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "text.h"
#include "transport/sysfs.h"
#include "users.h"

/* The files of a function: /dev/vfio/GROUP, and with iommufd /dev/vfio/devices/vfioN. */
struct nodes {
	char group[PATH_MAX];
	char device[PATH_MAX];
};

static int take_device_node(const char *name, void *ctx)
{
	struct nodes *nodes = ctx;

	snprintf(nodes->device, sizeof(nodes->device), "%s/vfio/devices/%s", vfs_dev_root, name);
	return 1;
}

static void find_nodes(const char *bdf, int group, struct nodes *nodes)
{
	char dir[64];

	snprintf(nodes->group, sizeof(nodes->group), "%s/vfio/%s%d", vfs_dev_root,
		vfs_sysfs_group_is_noiommu(group) ? "noiommu-" : "", group);
	nodes->device[0] = '\0';
	snprintf(dir, sizeof(dir), "bus/pci/devices/%s/vfio-dev", bdf);
	(void)vfs_sysfs_list(dir, take_device_node, nodes);
}

static bool has_open(const char *process, const struct nodes *nodes)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s/fd", inspect_proc_root, process);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		char target[PATH_MAX];
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = '\0';
		found = strcmp(target, nodes->group) == 0 || strcmp(target, nodes->device) == 0;
	}
	closedir(dir);
	return found;
}

static void name_process(const char *process, char *who, size_t size)
{
	char path[PATH_MAX];
	char command[64];
	char safe[256];

	snprintf(path, sizeof(path), "%s/%s/comm", inspect_proc_root, process);
	if (file_read(path, command, sizeof(command)) < 0)
		snprintf(command, sizeof(command), "?");
	snprintf(who, size, "%s (process %s)",
		text_escape(command, strlen(command), safe, sizeof(safe)), process);
}

static bool find_process(const struct nodes *nodes, char *who, size_t size)
{
	DIR *dir = opendir(inspect_proc_root);
	struct dirent *entry;
	bool found = false;

	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		if (strspn(entry->d_name, "0123456789") != strlen(entry->d_name) ||
			!has_open(entry->d_name, nodes))
			continue;
		name_process(entry->d_name, who, size);
		found = true;
	}
	closedir(dir);
	return found;
}

/* A group can be open once. This finds users whose processes are not in this PID namespace. */
static bool group_is_busy(const struct nodes *nodes)
{
	int fd = open(nodes->group, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EBUSY;
}

bool users_of_function(const char *bdf, int group, char *who, size_t size)
{
	struct nodes nodes;

	find_nodes(bdf, group, &nodes);
	if (find_process(&nodes, who, size))
		return true;
	if (!group_is_busy(&nodes))
		return false;
	snprintf(who, size, "a process that cannot be seen from here");
	return true;
}
