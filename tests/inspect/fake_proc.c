/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "inspect/fake_proc.h"
#include "transport/sysfs.h"

static char root[PATH_MAX];

int proc_make(void **state)
{
	if (tree_make(state) < 0)
		return -1;
	snprintf(root, sizeof(root), "%s", tree_path("proc"));
	inspect_proc_root = root;
	proc_mountinfo(0, "");
	return 0;
}

int proc_remove(void **state)
{
	inspect_proc_root = "/proc";
	return tree_remove(state);
}

void proc_process(int pid, const char *command, const char *ns, const char *open)
{
	char target[PATH_MAX];
	char name[64];

	snprintf(name, sizeof(name), "proc/%d/comm", pid);
	tree_file(name, "%s\n", command);
	/* Links of a real /proc lead to inodes of their own; here to files that are shared. */
	snprintf(name, sizeof(name), "namespaces/%s", ns);
	tree_file(name, "%s", "");
	snprintf(name, sizeof(name), "proc/%d/ns/mnt", pid);
	snprintf(target, sizeof(target), "../../../namespaces/%s", ns);
	tree_link(name, target);
	snprintf(name, sizeof(name), "proc/%d/fd/0", pid);
	tree_link(name, "/dev/null");
	if (open) {
		snprintf(name, sizeof(name), "proc/%d/fd/9", pid);
		snprintf(target, sizeof(target), "%s/vfio/%s", vfs_dev_root, open);
		tree_link(name, target);
	}
}

void proc_mountinfo(int pid, const char *lines)
{
	char name[64] = "proc/self/mountinfo";

	if (pid)
		snprintf(name, sizeof(name), "proc/%d/mountinfo", pid);
	tree_bytes(name, lines, strlen(lines));
}
