/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>

#include "core/core.h"
#include "transport/pci.h"

volatile uint8_t *vfs_pci_mapped(
	const struct vfs_pci *pci, unsigned int region, uint64_t offset, uint64_t length)
{
	const struct vfs_pci_region *r = &pci->regions[region];
	unsigned int i;

	for (i = 0; i < r->num_areas; i++) {
		const struct vfs_pci_area *area = &r->areas[i];

		if (offset >= area->offset && length <= area->size &&
			offset - area->offset <= area->size - length)
			return area->addr + (offset - area->offset);
	}
	return NULL;
}

int vfs_pci_read(struct vfs_pci *pci, unsigned int region, uint64_t offset, unsigned int width,
	uint32_t *value)
{
	volatile uint8_t *addr = vfs_pci_mapped(pci, region, offset, width);
	uint32_t raw = 0;
	int r;

	if (!addr) {
		r = pci->ops->region_read(pci, region, offset, &raw, width);
		if (r < 0)
			return r;
		*value = le32toh(raw);
		return 0;
	}
	if (width == 1)
		*value = *addr;
	else if (width == 2)
		*value = le16toh(*(volatile uint16_t *)addr);
	else
		*value = le32toh(*(volatile uint32_t *)addr);
	return 0;
}

int vfs_pci_write(struct vfs_pci *pci, unsigned int region, uint64_t offset, unsigned int width,
	uint32_t value)
{
	volatile uint8_t *addr = vfs_pci_mapped(pci, region, offset, width);
	uint32_t raw = htole32(value);

	if (!addr)
		return pci->ops->region_write(pci, region, offset, &raw, width);
	if (width == 1)
		*addr = (uint8_t)value;
	else if (width == 2)
		*(volatile uint16_t *)addr = htole16((uint16_t)value);
	else
		*(volatile uint32_t *)addr = raw;
	return 0;
}

int vfs_pci_post(struct vfs_pci *pci, unsigned int region, uint64_t offset, unsigned int width,
	uint32_t value)
{
	uint32_t raw = htole32(value);

	if (!pci->ops->region_post || vfs_pci_mapped(pci, region, offset, width))
		return vfs_pci_write(pci, region, offset, width, value);
	return pci->ops->region_post(pci, region, offset, &raw, width);
}
