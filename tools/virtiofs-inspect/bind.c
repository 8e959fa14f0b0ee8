/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "driver.h"
#include "files.h"
#include "function.h"
#include "inspect.h"
#include "mounts.h"
#include "text.h"
#include "users.h"

#define LEAVING_MS	2000u
#define LEAVING_POLL_MS 50

static int refuse_mounted(const char *bdf, const struct mount *mount, bool tag_known)
{
	char source[256];
	char dir[512];
	char where[64] = "";

	text_escape(mount->source, strlen(mount->source), source, sizeof(source));
	text_escape(mount->dir, strlen(mount->dir), dir, sizeof(dir));
	if (mount->pid)
		snprintf(where, sizeof(where), " in the mount namespace of process %d",
			(int)mount->pid);
	if (tag_known)
		return vfs_error(-EBUSY,
			"the file system \"%s\" of %s is mounted on %s%s: unmount it first", source,
			bdf, dir, where);
	return vfs_error(-EBUSY,
		"the tag of %s cannot be read, so the virtiofs file system on %s%s may be its: "
		"unmount that first",
		bdf, dir, where);
}

static int check_not_mounted(const char *bdf)
{
	struct mount mount;
	char virtio[32];
	char tag[37];
	bool known;
	int r;

	/* What virtio-pci does not have, the kernel's driver cannot have mounted. */
	if (function_virtio_name(bdf, virtio, sizeof(virtio)) < 0)
		return 0;
	known = function_raw_tag(bdf, tag) == 0;
	r = mounts_find(known ? tag : NULL, &mount);
	return r > 0 ? refuse_mounted(bdf, &mount, known) : r;
}

/* The functions of one command line: those of one group may go together. */
struct batch {
	char (*bdfs)[VFS_BDF_SIZE];
	int count;
};

struct group_search {
	const struct batch *batch;
	char others[160];
};

/* Drivers that do not let anything reach memory by themselves; the kernel's own rule. */
static bool harmless(const char *driver)
{
	return !driver[0] || strstr(driver, "vfio") || strcmp(driver, "pci-stub") == 0 ||
	       strcmp(driver, "pcieport") == 0;
}

static int collect_other(const char *bdf, void *ctx)
{
	struct group_search *search = ctx;
	char driver[32];
	char item[64];
	int i;

	for (i = 0; i < search->batch->count; i++)
		if (strcmp(search->batch->bdfs[i], bdf) == 0)
			return 0;
	vfs_sysfs_driver(bdf, driver, sizeof(driver));
	if (harmless(driver))
		return 0;
	snprintf(item, sizeof(item), "%s (%s)", bdf, driver);
	text_append(search->others, sizeof(search->others), ", ", item);
	return 0;
}

/* VFIO makes up a group for what has none, if the administrator has said that it may. */
static int check_noiommu(const char *bdf)
{
	if (vfs_sysfs_noiommu_mode() < 0)
		driver_load_module("vfio");
	if (vfs_sysfs_noiommu_mode() > 0)
		return 0;
	return vfs_error(-ENOTSUP,
		"%s has no IOMMU group: turn the IOMMU on (firmware, or a virtual machine's "
		"intel-iommu device; kernel parameter intel_iommu=on)%s",
		bdf,
		vfs_sysfs_noiommu_mode() == 0
			? ", or let the device reach all memory without one: echo 1 "
			  ">/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
			: "");
}

static int check_group(const char *bdf, const struct batch *batch)
{
	struct group_search search = {.batch = batch};
	int group = vfs_sysfs_group(bdf);
	int r;

	if (group < 0)
		return check_noiommu(bdf);
	r = vfs_sysfs_each_in_group(group, collect_other, &search);
	if (r < 0)
		return r;
	if (search.others[0])
		return vfs_error(-EBUSY,
			"%s shares IOMMU group %d with %s: unbind them or put the device into a "
			"slot of its own",
			bdf, group, search.others);
	return 0;
}

static bool has_driver(const char *bdf, const char *name)
{
	char driver[32];

	vfs_sysfs_driver(bdf, driver, sizeof(driver));
	return strcmp(driver, name) == 0;
}

static int check_bind(const char *bdf, const struct batch *batch)
{
	int r;

	if (has_driver(bdf, "vfio-pci"))
		return 0;
	r = check_group(bdf, batch);
	if (r == 0)
		r = driver_check_permission(bdf);
	if (r == 0)
		r = check_not_mounted(bdf);
	return r;
}

/* Without the second, VFIO has no IOMMU to offer; not every modprobe knows that they belong
 * together. */
static int load_vfio(void)
{
	if (!driver_exists("vfio-pci"))
		driver_load_module("vfio-pci");
	if (!driver_exists("vfio-pci"))
		return vfs_error(
			-ENOTSUP, "this kernel has no driver vfio-pci: modprobe vfio-pci says why");
	driver_load_module("vfio_iommu_type1");
	return 0;
}

static int do_bind(const char *bdf)
{
	int r;

	if (has_driver(bdf, "vfio-pci")) {
		printf("%s is bound to vfio-pci already\n", bdf);
		return 0;
	}
	r = load_vfio();
	if (r == 0)
		r = driver_switch(bdf, "vfio-pci", true);
	if (r == 0)
		printf("%s is bound to vfio-pci now%s\n", bdf,
			vfs_sysfs_group_is_noiommu(vfs_sysfs_group(bdf))
				? ", without an IOMMU: it can reach all memory of this machine"
				: "");
	return r;
}

/* An unmounted bridge takes a moment to end: whoever leaves within it is no user. */
static bool stays_in_use(const char *bdf, int group, char *who, size_t size)
{
	struct vfs_deadline deadline = vfs_deadline_in(LEAVING_MS);

	while (users_of_function(bdf, group, who, size)) {
		if (vfs_deadline_passed(deadline))
			return true;
		poll(NULL, 0, LEAVING_POLL_MS);
	}
	return false;
}

static int check_unbind(const char *bdf, const struct batch *batch)
{
	int group = vfs_sysfs_group(bdf);
	char driver[32];
	char who[320];

	(void)batch;
	vfs_sysfs_driver(bdf, driver, sizeof(driver));
	if (strcmp(driver, "virtio-pci") == 0)
		return 0;
	if (!harmless(driver))
		return vfs_error(
			-EBUSY, "%s is bound to %s, not to vfio-pci: unbind it there", bdf, driver);
	/* The kernel would wait for the last of them, perhaps for ever. */
	if (driver[0] && group >= 0 && stays_in_use(bdf, group, who, sizeof(who)))
		return vfs_error(-EBUSY, "%s is in use by %s: end that first", bdf, who);
	return driver_check_permission(bdf);
}

static int do_unbind(const char *bdf)
{
	int r;

	if (has_driver(bdf, "virtio-pci")) {
		printf("%s is bound to virtio-pci already\n", bdf);
		return 0;
	}
	if (!driver_exists("virtio-pci"))
		driver_load_module("virtio_pci");
	r = driver_switch(bdf, "virtio-pci", false);
	if (r == 0)
		printf("%s is bound to virtio-pci now\n", bdf);
	return r;
}

struct change {
	int (*check)(const char *bdf, const struct batch *batch);
	int (*make)(const char *bdf);
};

/* All checks come first: a refused function leaves the others as they are. */
static int change_all(const struct change *change, const struct batch *batch)
{
	int r = 0;
	int i;

	for (i = 0; i < batch->count && r == 0; i++)
		r = change->check(batch->bdfs[i], batch);
	for (i = 0; i < batch->count && r == 0; i++)
		r = change->make(batch->bdfs[i]);
	return r;
}

static int change_named(const struct change *change, int count, char **names)
{
	struct batch batch = {.count = count};
	int r = 0;
	int i;

	batch.bdfs = calloc((size_t)count, sizeof(*batch.bdfs));
	if (!batch.bdfs)
		return vfs_error(-ENOMEM, "out of memory");
	for (i = 0; i < count && r == 0; i++)
		r = function_find(names[i], batch.bdfs[i]);
	if (r == 0)
		r = change_all(change, &batch);
	free(batch.bdfs);
	return r;
}

int verb_bind(int count, char **names)
{
	static const struct change to_vfio = {.check = check_bind, .make = do_bind};

	return change_named(&to_vfio, count, names);
}

int verb_unbind(int count, char **names)
{
	static const struct change to_virtio = {.check = check_unbind, .make = do_unbind};

	return change_named(&to_virtio, count, names);
}
