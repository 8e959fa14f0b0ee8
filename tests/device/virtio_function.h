/* SPDX-License-Identifier: MIT */
/*
 * The device as a PCI function (virtio 1.3, 4.1): configuration space and BARs, without a bus.
 * Whoever holds it reads and writes its regions, in VFIO's numbers for them. One thread at a time.
 */
#ifndef DEVICE_VIRTIO_FUNCTION_H
#define DEVICE_VIRTIO_FUNCTION_H

#include <stdatomic.h>

#include "dax_memory.h"
#include "device.h"
#include "interrupts.h"
#include "pci_config.h"

#define BAR_MSIX      0u
#define BAR_REGISTERS 2u
#define BAR_WINDOW    4u /* and 5: it is a wide one */

/* The table of vectors, and the bits that are pending. */
#define MSIX_BYTES   8192u
#define MSIX_PENDING 4096u

/* Of each structure in its BAR. */
#define STRUCTURE_BYTES 4096u

#define NO_VECTOR 0xffffu

struct function {
	struct device *device;
	struct pci_config config;
	unsigned int pci_cfg;	    /* where its capability is */
	uint32_t notify_multiplier; /* how far apart the queues' doorbells are */
	struct interrupts interrupts;
	struct dax_memory window;
	uint8_t msix[MSIX_BYTES];

	/* What the driver has set in the common configuration. */
	uint32_t device_feature_select;
	uint32_t driver_feature_select;
	uint64_t driver_features;
	uint16_t queue_select;
	uint16_t *queue_vectors;
	_Atomic uint16_t config_vector;
	_Atomic uint8_t isr;
	uint8_t generation;
	bool reset_stuck;
};

/* The size of the device's window is a power of two. -errno */
int function_create(struct function *f, struct device *device);
void function_destroy(struct function *f);

/* 0: there is no such region. */
uint64_t function_region_size(const struct function *f, unsigned int region);

/* -EINVAL: outside of the region, or not what a bus can do. */
int function_read(
	struct function *f, unsigned int region, uint64_t offset, void *buffer, size_t size);
int function_write(
	struct function *f, unsigned int region, uint64_t offset, const void *buffer, size_t size);

/* A new client comes: what it finds may have faults. */
void function_prepare(struct function *f);

/* As by the bus: registers and configuration space too. */
void function_reset(struct function *f);

/* Who listens to which vector has changed. */
void function_interrupts_changed(struct function *f);

/* virtio_registers.c: the structures in BAR_REGISTERS; @offset is inside of the structure. */
struct registers {
	void (*read)(struct function *f, uint64_t offset, void *buffer, size_t size);
	void (*write)(struct function *f, uint64_t offset, const void *buffer, size_t size);
};

extern const struct registers common_registers;
extern const struct registers isr_registers;
extern const struct registers device_registers;
extern const struct registers notify_registers;

/* Registers as after a reset; queues stop. */
void registers_reset(struct function *f);

/* The driver switched the device, or its way to memory, on or off. */
void registers_update(struct function *f);

#endif
