/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "core/core.h"
#include "transport/pci_caps.h"

/* 192 bytes of list, 4 at least for each. */
#define WALK_MAX 48

#define SHM_ID_DAX	  0 /* virtio 1.3 §5.11.6.4 */
#define DEVICE_CONFIG_MIN 40

static uint32_t config_le32(const uint8_t *config, unsigned int offset)
{
	uint32_t raw;

	memcpy(&raw, config + offset, sizeof(raw));
	return le32toh(raw);
}

static bool is_upper_half(const uint8_t *config, unsigned int bar)
{
	unsigned int i = 0;

	while (i < bar) {
		uint32_t reg = config_le32(config, PCI_BASE_ADDRESS_0 + i * 4);
		bool wide = !(reg & PCI_BASE_ADDRESS_SPACE_IO) &&
			    (reg & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64;

		i += wide ? 2 : 1;
	}
	return i != bar;
}

static int check_bar(const uint8_t *config, const uint64_t bar_sizes[6], const char *what,
	const struct vfs_virtio_cap *cap)
{
	uint32_t reg = config_le32(config, PCI_BASE_ADDRESS_0 + cap->bar * 4u);
	uint64_t size = bar_sizes[cap->bar];

	if (size == 0 || is_upper_half(config, cap->bar) || (reg & PCI_BASE_ADDRESS_SPACE_IO))
		return vfs_error(-EPROTO, "its %s structure is in BAR %u, which is no memory BAR",
			what, cap->bar);
	if (cap->length > size || cap->offset > size - cap->length)
		return vfs_error(-EPROTO, "its %s structure is outside BAR %u", what, cap->bar);
	return 0;
}

static int check_structure(const uint8_t *config, const uint64_t bar_sizes[6], const char *what,
	const struct vfs_virtio_cap *cap, uint64_t min_length, uint64_t alignment)
{
	if (!cap->present)
		return vfs_error(-EPROTO, "it has no %s structure", what);
	if (cap->length < min_length)
		return vfs_error(-EPROTO, "its %s structure is too short", what);
	if (cap->offset % alignment)
		return vfs_error(-EPROTO, "its %s structure is misaligned", what);
	return check_bar(config, bar_sizes, what, cap);
}

static int check_all(
	const uint8_t *config, const uint64_t bar_sizes[6], const struct vfs_virtio_caps *caps)
{
	int r;

	r = check_structure(config, bar_sizes, "common configuration", &caps->common,
		sizeof(struct virtio_pci_common_cfg), 4);
	if (r == 0)
		r = check_structure(config, bar_sizes, "notification", &caps->notify, 2, 2);
	if (r == 0)
		r = check_structure(config, bar_sizes, "device configuration", &caps->device,
			DEVICE_CONFIG_MIN, 4);
	if (r == 0 && caps->shm.present)
		r = check_structure(config, bar_sizes, "shared memory", &caps->shm, 1, 1);
	return r;
}

static struct vfs_virtio_cap *slot_for(
	struct vfs_virtio_caps *caps, const uint8_t *cap, unsigned int length)
{
	switch (cap[offsetof(struct virtio_pci_cap, cfg_type)]) {
	case VIRTIO_PCI_CAP_COMMON_CFG:
		return &caps->common;
	case VIRTIO_PCI_CAP_NOTIFY_CFG:
		return length >= sizeof(struct virtio_pci_notify_cap) ? &caps->notify : NULL;
	case VIRTIO_PCI_CAP_ISR_CFG:
		return &caps->isr;
	case VIRTIO_PCI_CAP_DEVICE_CFG:
		return &caps->device;
	case VIRTIO_PCI_CAP_PCI_CFG:
		return length >= sizeof(struct virtio_pci_cfg_cap) ? &caps->window : NULL;
	case VIRTIO_PCI_CAP_SHARED_MEMORY_CFG:
		if (length < sizeof(struct virtio_pci_cap) + 8 ||
			cap[offsetof(struct virtio_pci_cap, id)] != SHM_ID_DAX)
			return NULL;
		return &caps->shm;
	default:
		return NULL;
	}
}

static void take(struct vfs_virtio_caps *caps, const uint8_t *config, unsigned int pos)
{
	const uint8_t *cap = config + pos;
	unsigned int length = cap[offsetof(struct virtio_pci_cap, cap_len)];
	unsigned int bar = cap[offsetof(struct virtio_pci_cap, bar)];
	struct vfs_virtio_cap *slot;

	if (length < sizeof(struct virtio_pci_cap) || pos + length > VFS_PCI_CONFIG_BYTES)
		return;
	slot = slot_for(caps, cap, length);
	if (!slot || slot->present)
		return;
	/* The window's BAR number is for the driver to write. */
	if (slot != &caps->window && bar >= 6)
		return;
	slot->present = true;
	slot->bar = (uint8_t)bar;
	slot->config_offset = (uint8_t)pos;
	slot->offset = config_le32(cap, offsetof(struct virtio_pci_cap, offset));
	slot->length = config_le32(cap, offsetof(struct virtio_pci_cap, length));
	if (slot == &caps->shm) {
		slot->offset |= (uint64_t)config_le32(cap, sizeof(struct virtio_pci_cap)) << 32;
		slot->length |= (uint64_t)config_le32(cap, sizeof(struct virtio_pci_cap) + 4) << 32;
	}
	if (slot == &caps->notify)
		caps->notify_multiplier = config_le32(
			cap, offsetof(struct virtio_pci_notify_cap, notify_off_multiplier));
}

int vfs_virtio_caps_parse(const uint8_t config[VFS_PCI_CONFIG_BYTES], const uint64_t bar_sizes[6],
	struct vfs_virtio_caps *caps)
{
	unsigned int steps = 0;
	unsigned int pos;

	memset(caps, 0, sizeof(*caps));
	if (!(config[PCI_STATUS] & PCI_STATUS_CAP_LIST))
		return vfs_error(-EPROTO, "it has no PCI capabilities");
	for (pos = config[PCI_CAPABILITY_LIST] & ~3u; pos;
		pos = config[pos + PCI_CAP_LIST_NEXT] & ~3u) {
		if (pos < PCI_STD_HEADER_SIZEOF || ++steps > WALK_MAX)
			return vfs_error(-EPROTO, "its PCI capability list does not end");
		if (config[pos] == PCI_CAP_ID_VNDR &&
			pos + sizeof(struct virtio_pci_cap) <= VFS_PCI_CONFIG_BYTES)
			take(caps, config, pos);
	}
	return check_all(config, bar_sizes, caps);
}
