/* SPDX-License-Identifier: MIT */
/*
 * The configuration space of a PCI function: bytes, and which bits of them may be written. That is
 * all there is to it: a BAR whose low bits cannot be written is one that tells its size.
 */
#ifndef DEVICE_PCI_CONFIG_H
#define DEVICE_PCI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_CONFIG_BYTES 256u

struct pci_config {
	uint8_t bytes[PCI_CONFIG_BYTES];
	uint8_t writable[PCI_CONFIG_BYTES];
	uint8_t initial[PCI_CONFIG_BYTES]; /* what a reset goes back to */
	unsigned int last_capability;	   /* 0: there is none yet */
	unsigned int end;		   /* of what is taken */
};

struct pci_identity {
	uint16_t vendor;
	uint16_t device;
	uint16_t subsystem_vendor;
	uint16_t subsystem;
	uint8_t revision;
	uint32_t class_code; /* 24 bits */
};

void pci_config_init(struct pci_config *config, const struct pci_identity *identity);

/* @size is a power of two, 16 at least; @flags are PCI_BASE_ADDRESS_MEM_...; a wide one is two. */
void pci_config_add_bar(struct pci_config *config, unsigned int bar, uint64_t size, uint32_t flags);

/*
 * @body is what follows the identity and the link to the next capability. Returns where the
 * capability is, or 0: there is no room.
 */
unsigned int pci_config_add_capability(
	struct pci_config *config, uint8_t id, const void *body, size_t size);

/* The driver may write the bits of @mask, of @width bytes at @offset. */
void pci_config_allow(
	struct pci_config *config, unsigned int offset, unsigned int width, uint32_t mask);

/* It is as it is to be found after a reset. */
void pci_config_complete(struct pci_config *config);
void pci_config_reset(struct pci_config *config);

/* False: outside of it. */
bool pci_config_read(const struct pci_config *config, uint64_t offset, void *buffer, size_t size);
bool pci_config_write(struct pci_config *config, uint64_t offset, const void *buffer, size_t size);

/* A field of 1, 2 or 4 bytes. */
uint32_t pci_config_get(const struct pci_config *config, unsigned int offset, unsigned int width);
void pci_config_set(
	struct pci_config *config, unsigned int offset, unsigned int width, uint32_t value);

#endif
