/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include <linux/virtio_config.h>

#include "check.h"
#include "files.h"
#include "options.h"
#include "transport/sysfs.h"

#define HUGE_PAGE_SIZE (2ULL << 20)

/* Of a request, beside its data: the page of the message, one more, and tables. */
#define BESIDE_DATA (3 * 4096ULL)

/* No less than is used for these options; rings that are small make it less. */
static unsigned long long bytes_needed(const struct options *options)
{
	return (options->depth + 1ULL) * (options->max_write + BESIDE_DATA);
}

/* What the device reads and what it writes lie in pages of their own; rings take some. */
static unsigned long long huge_pages_needed(const struct options *options)
{
	return (bytes_needed(options) + HUGE_PAGE_SIZE - 1) / HUGE_PAGE_SIZE + 2;
}

static unsigned long long huge_pages_free(void)
{
	char path[PATH_MAX];
	char value[32];

	snprintf(path, sizeof(path), "%s/kernel/mm/hugepages/hugepages-2048kB/free_hugepages",
		vfs_sysfs_root);
	return file_read(path, value, sizeof(value)) == 0 ? strtoull(value, NULL, 10) : 0;
}

void check_hugepages(struct findings *findings, const struct options *options, bool required)
{
	unsigned long long needed = huge_pages_needed(options);
	unsigned long long available = huge_pages_free();

	if (available >= needed)
		findings_ok(findings, "%llu hugepages of 2 MiB are free, %llu are used at most",
			available, needed);
	else if (required)
		findings_problem(findings,
			"%llu hugepages of 2 MiB are free, and %llu are needed: "
			"sysctl vm.nr_hugepages=%llu, or a smaller depth or max_write",
			available, needed, needed);
	else
		findings_warning(findings,
			"%llu hugepages of 2 MiB are free: with %llu requests can be larger "
			"(sysctl vm.nr_hugepages=%llu)",
			available, needed, needed);
}

/* Where no IOMMU pins memory, or if the user says so, there is no mount without them. */
static void check_pages(
	struct findings *findings, const char *bdf, const struct options *options, bool pinned)
{
	if (options->hugepages != VFS_HUGEPAGES_NEVER)
		check_hugepages(
			findings, options, !pinned || options->hugepages == VFS_HUGEPAGES_ALWAYS);
	else if (!pinned)
		findings_problem(findings,
			"%s has no IOMMU, so its memory has to be hugepages: leave no_hugepages "
			"out",
			bdf);
}

void check_memory(struct findings *findings, const char *bdf, const struct options *options,
	const struct check_memory *memory)
{
	bool own_addresses = options->dma == VFS_DMA_IOVA ||
			     memory->features & 1ULL << VIRTIO_F_ACCESS_PLATFORM;

	if (memory->translated && own_addresses) {
		findings_ok(findings,
			"the IOMMU translates for %s: it reaches only what it is given", bdf);
		if (options->hugepages == VFS_HUGEPAGES_ALWAYS)
			check_hugepages(findings, options, true);
		return;
	}
	if (memory->addresses)
		findings_ok(
			findings, "this process may see the physical addresses that %s needs", bdf);
	else
		findings_problem(findings,
			"%s %s, and this process may not see physical addresses: run as root, or "
			"with CAP_SYS_ADMIN",
			bdf,
			memory->translated ? "does not offer VIRTIO_F_ACCESS_PLATFORM"
					   : "has no IOMMU");
	check_pages(findings, bdf, options, memory->translated);
}

void check_locked(
	struct findings *findings, const struct options *options, unsigned long long limit)
{
	unsigned long long needed = bytes_needed(options);

	if (limit >= needed)
		findings_ok(findings, "the limit on locked memory is high enough");
	else
		findings_warning(findings,
			"the limit on locked memory is %llu KiB, and up to %llu KiB are pinned for "
			"the device: raise it (ulimit -l, LimitMEMLOCK=), or take a smaller depth "
			"or "
			"max_write",
			limit / 1024, needed / 1024);
}
