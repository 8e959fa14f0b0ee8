/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <vfs/error.h>

#include "check.h"
#include "transport/sysfs.h"
#include "transport/transport.h"
#include "transport/vfio.h"
#include "users.h"

static bool in_sysfs(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", vfs_sysfs_root, name);
	return access(path, F_OK) == 0;
}

static void check_driver(struct findings *findings, const char *bdf)
{
	char driver[32];

	vfs_sysfs_driver(bdf, driver, sizeof(driver));
	if (strcmp(driver, "vfio-pci") == 0)
		findings_ok(findings, "%s is bound to vfio-pci", bdf);
	else
		findings_problem(findings, "%s is bound to %s%s: virtiofs-inspect bind %s", bdf,
			driver[0] ? driver : "no driver",
			in_sysfs("bus/pci/drivers/vfio-pci")
				? ""
				: ", and the kernel module vfio-pci is not loaded",
			bdf);
}

/* One that VFIO may make up is made when the function is bound. */
static void check_no_group(struct findings *findings, const char *bdf)
{
	int mode = vfs_sysfs_noiommu_mode();

	if (mode > 0)
		findings_warning(findings,
			"%s has no IOMMU: once it is bound it can reach all memory of this machine",
			bdf);
	else
		findings_problem(findings,
			"%s has no IOMMU group, so the IOMMU is off or there is none: turn it on "
			"in "
			"the firmware or give the virtual machine one, and boot with "
			"intel_iommu=on "
			"or its like%s",
			bdf, mode == 0 ? "; or do without (see virtiofs-inspect(8))" : "");
}

static void check_group(struct findings *findings, const char *bdf, int group)
{
	if (vfs_sysfs_group_is_noiommu(group))
		findings_warning(findings,
			"%s has no IOMMU: it can reach all memory of this machine; turn the IOMMU "
			"on if there is one",
			bdf);
	else if (vfs_vfio_group_shared(bdf) < 0)
		findings_problem(
			findings, "%s; or put the device into a slot of its own", vfs_last_error());
	else
		findings_ok(findings, "%s has the IOMMU group %d, which nobody else's driver uses",
			bdf, group);
}

/* The function's own device and /dev/iommu do without. */
static bool has_iommufd(const char *bdf)
{
	char path[PATH_MAX];
	char name[32];

	snprintf(path, sizeof(path), "%s/iommu", vfs_dev_root);
	return vfs_sysfs_vfio_device(bdf, name, sizeof(name)) == 0 && access(path, F_OK) == 0;
}

static void check_module(struct findings *findings, const char *bdf, int group)
{
	if (in_sysfs("module/vfio_iommu_type1") || has_iommufd(bdf) ||
		vfs_sysfs_group_is_noiommu(group))
		return;
	findings_problem(findings,
		"the kernel module vfio_iommu_type1 is not loaded: modprobe vfio_iommu_type1");
}

/* The rest: the files of VFIO, opened for a moment. */
static void check_access(struct findings *findings, const char *bdf, int group)
{
	char who[320];

	if (users_of_function(bdf, group, who, sizeof(who)))
		findings_problem(
			findings, "%s is in use by %s: unmount it there, or end that", bdf, who);
	else if (vfs_transport_check(bdf) < 0)
		findings_problem(findings, "%s", vfs_last_error());
}

bool check_function(struct findings *findings, const char *bdf)
{
	unsigned int before = findings->problems;
	int group = vfs_sysfs_group(bdf);

	check_driver(findings, bdf);
	if (group < 0) {
		check_no_group(findings, bdf);
		return findings->problems == before;
	}
	check_group(findings, bdf, group);
	if (findings->problems == before)
		check_module(findings, bdf, group);
	if (findings->problems == before)
		check_access(findings, bdf, group);
	return findings->problems == before;
}
