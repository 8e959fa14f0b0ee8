/* SPDX-License-Identifier: MIT */
/* An IOMMU that remembers what is mapped, and notes what VFIO would refuse. */
#ifndef TEST_STUB_IOMMU_H
#define TEST_STUB_IOMMU_H

#include <stddef.h>
#include <stdint.h>

#include "transport/transport.h"

#define STUB_MAPPINGS_MAX 16384

struct stub_mapping {
	uint8_t *vaddr;
	uint64_t iova;
	uint64_t length;
	unsigned int access;
};

struct stub_iommu {
	struct stub_mapping mappings[STUB_MAPPINGS_MAX];
	unsigned int count;
	unsigned int num_maps; /* tried */
	unsigned int num_unmaps;
	unsigned int fail_map; /* which of the maps fails, counted from 1; 0: none */
	int map_error;	       /* how it fails */
	const char *fault;     /* the first thing that the driver did wrong */
};

int stub_iommu_map(struct stub_iommu *iommu, const struct vfs_dma_limits *limits,
	const struct vfs_dma_map *map);
int stub_iommu_unmap(struct stub_iommu *iommu, uint64_t iova, uint64_t length);

/* Where the device gets with these bytes; NULL if it has no @access to all of them. */
uint8_t *stub_iommu_reach(
	const struct stub_iommu *iommu, uint64_t iova, uint64_t length, unsigned int access);

/* One range of bus addresses, and as many mappings as VFIO has by default. */
extern const struct vfs_dma_limits stub_limits;

/* A transport that can do nothing but map. */
struct stub_dma {
	struct vfs_transport transport;
	struct stub_iommu iommu;
};

void stub_dma_init(struct stub_dma *dma);

#endif
