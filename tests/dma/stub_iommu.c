/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/core.h"
#include "dma/stub_iommu.h"

#define PAGE_MASK 4095u

const struct vfs_dma_limits stub_limits = {
	.translation = VFS_TRANSLATED,
	.ranges = {{.start = 0, .last = (1ull << 48) - 1}},
	.num_ranges = 1,
	.page_size = 4096,
	.max_entries = 65535,
};

static int fault(struct stub_iommu *iommu, const char *what)
{
	if (!iommu->fault)
		iommu->fault = what;
	return vfs_error(-EINVAL, "stub: %s", what);
}

static bool allowed(const struct vfs_dma_limits *limits, uint64_t iova, uint64_t length)
{
	for (unsigned int i = 0; i < limits->num_ranges; i++) {
		if (iova >= limits->ranges[i].start && iova <= limits->ranges[i].last &&
			length - 1 <= limits->ranges[i].last - iova)
			return true;
	}
	return false;
}

static bool overlap(const struct stub_mapping *m, uint64_t iova, uint64_t length)
{
	return iova <= m->iova + (m->length - 1) && m->iova <= iova + (length - 1);
}

int stub_iommu_map(struct stub_iommu *iommu, const struct vfs_dma_limits *limits,
	const struct vfs_dma_map *map)
{
	const uint64_t iova = map->iova;
	const uint64_t length = map->length;

	if (++iommu->num_maps == iommu->fail_map)
		return vfs_error(iommu->map_error, "stub: map");
	if (length == 0 || ((uintptr_t)map->vaddr | iova | length) & PAGE_MASK)
		return fault(iommu, "a mapping that is not of pages");
	if (map->access != VFS_DMA_DEVICE_READS &&
		map->access != (VFS_DMA_DEVICE_READS | VFS_DMA_DEVICE_WRITES))
		return fault(iommu, "a mapping that cannot be read");
	if (!allowed(limits, iova, length))
		return fault(iommu, "a mapping outside the ranges");
	for (unsigned int i = 0; i < iommu->count; i++)
		if (overlap(&iommu->mappings[i], iova, length))
			return fault(iommu, "a mapping over another one");
	if (iommu->count == limits->max_entries || iommu->count == STUB_MAPPINGS_MAX)
		return fault(iommu, "too many mappings");
	iommu->mappings[iommu->count++] = (struct stub_mapping){
		map->vaddr, iova, length, map->access};
	return 0;
}

int stub_iommu_unmap(struct stub_iommu *iommu, uint64_t iova, uint64_t length)
{
	uint64_t unmapped = 0;
	unsigned int i = 0;

	iommu->num_unmaps++;
	while (i < iommu->count) {
		struct stub_mapping *m = &iommu->mappings[i];

		if (!overlap(m, iova, length)) {
			i++;
			continue;
		}
		if (m->iova < iova || m->length > length - (m->iova - iova))
			return fault(iommu, "half a mapping was unmapped");
		unmapped += m->length;
		*m = iommu->mappings[--iommu->count];
	}
	return unmapped == length ? 0 : fault(iommu, "what was unmapped was not mapped");
}

uint8_t *stub_iommu_reach(
	const struct stub_iommu *iommu, uint64_t iova, uint64_t length, unsigned int access)
{
	for (unsigned int i = 0; i < iommu->count; i++) {
		const struct stub_mapping *m = &iommu->mappings[i];

		if ((m->access & access) == access && iova >= m->iova &&
			iova - m->iova < m->length && length <= m->length - (iova - m->iova))
			return m->vaddr + (iova - m->iova);
	}
	return NULL;
}

static int dma_map(struct vfs_transport *t, const struct vfs_dma_map *map)
{
	struct stub_dma *dma = container_of(t, struct stub_dma, transport);

	return stub_iommu_map(&dma->iommu, &t->limits, map);
}

static int dma_unmap(struct vfs_transport *t, uint64_t iova, uint64_t length)
{
	struct stub_dma *dma = container_of(t, struct stub_dma, transport);

	return stub_iommu_unmap(&dma->iommu, iova, length);
}

static const struct vfs_transport_ops ops = {.dma_map = dma_map, .dma_unmap = dma_unmap};

void stub_dma_init(struct stub_dma *dma)
{
	memset(dma, 0, sizeof(*dma));
	dma->transport.ops = &ops;
	snprintf(dma->transport.name, sizeof(dma->transport.name), "stub 0000:00:05.0");
	dma->transport.limits = stub_limits;
}
