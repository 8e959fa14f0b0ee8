/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <linux/pci_regs.h>

#include "pci_config.h"

static void put(uint8_t *bytes, unsigned int width, uint64_t value)
{
	unsigned int i;

	for (i = 0; i < width; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

void pci_config_set(
	struct pci_config *config, unsigned int offset, unsigned int width, uint32_t value)
{
	put(config->bytes + offset, width, value);
}

uint32_t pci_config_get(const struct pci_config *config, unsigned int offset, unsigned int width)
{
	uint32_t value = 0;
	unsigned int i;

	for (i = 0; i < width; i++)
		value |= (uint32_t)config->bytes[offset + i] << (8 * i);
	return value;
}

void pci_config_allow(
	struct pci_config *config, unsigned int offset, unsigned int width, uint32_t mask)
{
	put(config->writable + offset, width, mask);
}

void pci_config_init(struct pci_config *config, const struct pci_identity *identity)
{
	*config = (struct pci_config){.end = PCI_STD_HEADER_SIZEOF};
	pci_config_set(config, PCI_VENDOR_ID, 2, identity->vendor);
	pci_config_set(config, PCI_DEVICE_ID, 2, identity->device);
	pci_config_set(config, PCI_SUBSYSTEM_VENDOR_ID, 2, identity->subsystem_vendor);
	pci_config_set(config, PCI_SUBSYSTEM_ID, 2, identity->subsystem);
	pci_config_set(config, PCI_REVISION_ID, 4, identity->class_code << 8 | identity->revision);
	pci_config_allow(config, PCI_COMMAND, 2,
		PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
			PCI_COMMAND_INTX_DISABLE);
	pci_config_allow(config, PCI_CACHE_LINE_SIZE, 1, 0xff);
	pci_config_allow(config, PCI_INTERRUPT_LINE, 1, 0xff);
}

void pci_config_add_bar(struct pci_config *config, unsigned int bar, uint64_t size, uint32_t flags)
{
	bool wide = (flags & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64;
	unsigned int offset = PCI_BASE_ADDRESS_0 + 4 * bar;

	pci_config_set(config, offset, 4, flags);
	put(config->writable + offset, wide ? 8 : 4, ~(size - 1));
}

unsigned int pci_config_add_capability(
	struct pci_config *config, uint8_t id, const void *body, size_t size)
{
	unsigned int offset = config->end;
	unsigned int link = PCI_CAPABILITY_LIST;

	if (offset + PCI_CAP_SIZEOF > PCI_CONFIG_BYTES ||
		size > PCI_CONFIG_BYTES - offset - PCI_CAP_LIST_NEXT - 1)
		return 0;
	if (config->last_capability)
		link = config->last_capability + PCI_CAP_LIST_NEXT;
	config->bytes[link] = (uint8_t)offset;
	config->bytes[offset + PCI_CAP_LIST_ID] = id;
	memcpy(config->bytes + offset + PCI_CAP_LIST_NEXT + 1, body, size);
	config->bytes[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	config->last_capability = offset;
	/* Capabilities start at multiples of four. */
	config->end = (offset + PCI_CAP_LIST_NEXT + 1 + (unsigned int)size + 3) & ~3u;
	return offset;
}

void pci_config_complete(struct pci_config *config)
{
	memcpy(config->initial, config->bytes, sizeof(config->initial));
}

void pci_config_reset(struct pci_config *config)
{
	memcpy(config->bytes, config->initial, sizeof(config->bytes));
}

static bool is_inside(uint64_t offset, size_t size)
{
	return size <= PCI_CONFIG_BYTES && offset <= PCI_CONFIG_BYTES - size;
}

bool pci_config_read(const struct pci_config *config, uint64_t offset, void *buffer, size_t size)
{
	if (!is_inside(offset, size))
		return false;
	memcpy(buffer, config->bytes + offset, size);
	return true;
}

bool pci_config_write(struct pci_config *config, uint64_t offset, const void *buffer, size_t size)
{
	const uint8_t *from = buffer;
	size_t i;

	if (!is_inside(offset, size))
		return false;
	for (i = 0; i < size; i++) {
		uint8_t mask = config->writable[offset + i];
		uint8_t *to = &config->bytes[offset + i];

		*to = (uint8_t)((*to & ~mask) | (from[i] & mask));
	}
	return true;
}
