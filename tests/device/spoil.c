/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <string.h>

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "faults.h"
#include "say.h"
#include "spoil.h"

#define CAP(field) offsetof(struct virtio_pci_cap, field)

/* A type that no structure has. */
#define NO_TYPE 0xff

/* Where the capability of a structure is; 0: there is none. */
static unsigned int find(const struct function *f, uint32_t type)
{
	const uint8_t *bytes = f->config.bytes;
	unsigned int at = bytes[PCI_CAPABILITY_LIST];

	while (at && (bytes[at] != PCI_CAP_ID_VNDR || bytes[at + CAP(cfg_type)] != type))
		at = bytes[at + PCI_CAP_LIST_NEXT];
	return at;
}

/* The one that is left starts where only half of it has room. */
static void leave_one_outside(struct function *f)
{
	const struct virtio_pci_cap cap = {.cap_vndr = PCI_CAP_ID_VNDR,
		.cap_len = sizeof(cap),
		.cfg_type = VIRTIO_PCI_CAP_COMMON_CFG,
		.bar = BAR_REGISTERS};
	unsigned int at = PCI_CONFIG_BYTES - sizeof(cap) / 2;

	memcpy(f->config.bytes + at, &cap, PCI_CONFIG_BYTES - at);
	f->config.bytes[PCI_CAPABILITY_LIST] = (uint8_t)at;
}

/* To where the vectors are. */
static void add_again(struct function *f, unsigned int at)
{
	struct virtio_pci_cap cap;

	memcpy(&cap, f->config.bytes + at, sizeof(cap));
	cap.bar = BAR_MSIX;
	pci_config_add_capability(
		&f->config, PCI_CAP_ID_VNDR, &cap.cap_len, sizeof(cap) - CAP(cap_len));
}

static void set_notify_multiplier(struct function *f, uint32_t value)
{
	unsigned int at = find(f, VIRTIO_PCI_CAP_NOTIFY_CFG);

	f->notify_multiplier = value;
	pci_config_set(&f->config,
		at + offsetof(struct virtio_pci_notify_cap, notify_off_multiplier), 4, value);
}

/* In the capability at @at. */
static void spoil_one(struct function *f, const struct fault *fault, unsigned int at)
{
	struct pci_config *config = &f->config;

	switch (fault->kind) {
	case FAULT_CAP_MISSING:
		pci_config_set(config, at + CAP(cfg_type), 1, NO_TYPE);
		break;
	case FAULT_CAP_SHORT:
		pci_config_set(config, at + CAP(cap_len), 1, sizeof(struct virtio_pci_cap) / 2);
		break;
	case FAULT_CAP_TWICE:
		add_again(f, at);
		break;
	case FAULT_CAP_BEYOND_BAR:
		/* With its length it comes to 0 in 32 bits. */
		pci_config_set(config, at + CAP(offset), 4, (uint32_t)-STRUCTURE_BYTES);
		break;
	case FAULT_CAP_BAR:
		pci_config_set(config, at + CAP(bar), 1, fault->value ? fault->value : 6);
		break;
	case FAULT_SHM_LENGTH:
		pci_config_set(
			config, at + offsetof(struct virtio_pci_cap64, length_hi), 4, UINT32_MAX);
		break;
	default:
		break;
	}
}

/* The structure whose capability is struck. */
static uint32_t type_of(const struct fault *fault)
{
	if (fault->kind == FAULT_SHM_LENGTH)
		return VIRTIO_PCI_CAP_SHARED_MEMORY_CFG;
	if (fault->kind == FAULT_CAP_BAR || !fault->value)
		return VIRTIO_PCI_CAP_COMMON_CFG;
	return fault->value;
}

static void spoil(struct function *f, const struct fault *fault)
{
	unsigned int at;

	switch (fault->kind) {
	case FAULT_CAP_LOOP:
		f->config.bytes[f->config.last_capability + PCI_CAP_LIST_NEXT] =
			f->config.bytes[PCI_CAPABILITY_LIST];
		return;
	case FAULT_CAP_OUTSIDE:
		leave_one_outside(f);
		return;
	case FAULT_NOTIFY_MULTIPLIER:
		set_notify_multiplier(f, fault->value);
		return;
	default:
		at = find(f, type_of(fault));
		if (at)
			spoil_one(f, fault, at);
		else
			say("no capability of type %u to be spoilt", type_of(fault));
	}
}

void spoil_capabilities(struct function *f)
{
	struct fault fault = faults_take(FAULT_AT_CAPABILITIES, 0);

	if (fault.kind != FAULT_NONE)
		spoil(f, &fault);
}
