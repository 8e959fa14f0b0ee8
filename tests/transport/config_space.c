/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "transport/config_space.h"

void config_set32(struct config_space *config, unsigned int offset, uint32_t value)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		config->bytes[offset + i] = (uint8_t)(value >> 8 * i);
}

void config_init(struct config_space *config)
{
	memset(config, 0, sizeof(*config));
	config_set32(config, PCI_VENDOR_ID, 0x105a1af4);
	config->bytes[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	config_set32(config, PCI_BASE_ADDRESS_1, 0xfebf0000);
	config_set32(config, PCI_BASE_ADDRESS_4, 0xfe00000c);
	config_set32(config, PCI_BASE_ADDRESS_5, 0x00000001);
	config->bar_sizes[1] = 0x1000;
	config->bar_sizes[4] = 0x4000;
	config->link = PCI_CAPABILITY_LIST;
	config->free = PCI_STD_HEADER_SIZEOF;
}

unsigned int config_add(struct config_space *config, uint8_t id, unsigned int length)
{
	unsigned int pos = config->free;

	config->bytes[config->link] = (uint8_t)pos;
	config->bytes[pos + PCI_CAP_LIST_ID] = id;
	config->link = pos + PCI_CAP_LIST_NEXT;
	config->free = (pos + length + 3) & ~3u;
	return pos;
}

unsigned int config_add_virtio(struct config_space *config, uint8_t type, uint8_t cap_len,
	uint8_t bar, uint32_t offset, uint32_t length)
{
	unsigned int room = cap_len < 16 ? 16 : cap_len;
	unsigned int pos = config_add(config, PCI_CAP_ID_VNDR, room);

	config->bytes[pos + offsetof(struct virtio_pci_cap, cap_len)] = cap_len;
	config->bytes[pos + offsetof(struct virtio_pci_cap, cfg_type)] = type;
	config->bytes[pos + offsetof(struct virtio_pci_cap, bar)] = bar;
	config_set32(config, pos + (unsigned int)offsetof(struct virtio_pci_cap, offset), offset);
	config_set32(config, pos + (unsigned int)offsetof(struct virtio_pci_cap, length), length);
	return pos;
}

unsigned int config_add_shm(
	struct config_space *config, uint8_t id, uint8_t bar, uint64_t offset, uint64_t length)
{
	unsigned int pos = config_add_virtio(config, VIRTIO_PCI_CAP_SHARED_MEMORY_CFG, 24, bar,
		(uint32_t)offset, (uint32_t)length);

	config->bytes[pos + offsetof(struct virtio_pci_cap, id)] = id;
	config_set32(config, pos + 16, (uint32_t)(offset >> 32));
	config_set32(config, pos + 20, (uint32_t)(length >> 32));
	return pos;
}

void config_add_qemu(struct config_space *config)
{
	unsigned int notify;

	config_add_virtio(config, VIRTIO_PCI_CAP_PCI_CFG, 20, 0, 0, 0);
	notify = config_add_virtio(config, VIRTIO_PCI_CAP_NOTIFY_CFG, 20, 4, 0x3000, 0x1000);
	config_set32(config, notify + 16, 4);
	config_add_virtio(config, VIRTIO_PCI_CAP_DEVICE_CFG, 16, 4, 0x2000, 0x1000);
	config_add_virtio(config, VIRTIO_PCI_CAP_ISR_CFG, 16, 4, 0x1000, 0x1000);
	config_add_virtio(config, VIRTIO_PCI_CAP_COMMON_CFG, 16, 4, 0, 0x1000);
	config_add(config, PCI_CAP_ID_MSIX, 12);
}
