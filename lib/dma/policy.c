/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "core/core.h"
#include "dma/dma.h"

static int physical_or_refuse(
	const char *device, const struct vfs_addressing_facts *facts, enum vfs_addressing *choice)
{
	*choice = VFS_ADDRESSING_PHYSICAL;
	if (facts->physical_known)
		return 0;
	if (facts->translation == VFS_UNTRANSLATED)
		return vfs_error(-EPERM,
			"%s sees physical memory, and its addresses are hidden from this process: "
			"run as root (CAP_SYS_ADMIN)",
			device);
	return vfs_error(-EPERM,
		"%s does not offer VIRTIO_F_ACCESS_PLATFORM and may bypass the IOMMU: run as root "
		"(CAP_SYS_ADMIN, for physical addresses), or say dma=iova if the device is known "
		"to be translated",
		device);
}

int vfs_addressing_choose(
	const char *device, const struct vfs_addressing_facts *facts, enum vfs_addressing *choice)
{
	if (facts->translation == VFS_MEMORY_TABLE) {
		*choice = VFS_ADDRESSING_IOVA;
		return 0;
	}
	if (facts->translation == VFS_UNTRANSLATED) {
		if (facts->mode == VFS_DMA_IOVA)
			return vfs_error(-EINVAL,
				"dma=iova needs an IOMMU, and there is none in front of %s",
				device);
		vfs_log(VFS_LOG_WARNING, "%s has no IOMMU: it can reach all memory of this machine",
			device);
		return physical_or_refuse(device, facts, choice);
	}
	if (facts->access_platform) {
		*choice = VFS_ADDRESSING_IOVA;
		return 0;
	}
	if (facts->mode == VFS_DMA_IOVA) {
		vfs_log(VFS_LOG_WARNING,
			"%s: dma=iova, though it does not offer VIRTIO_F_ACCESS_PLATFORM", device);
		*choice = VFS_ADDRESSING_IOVA;
		return 0;
	}
	return physical_or_refuse(device, facts, choice);
}
