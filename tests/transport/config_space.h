/* SPDX-License-Identifier: MIT */
/* The configuration space of a virtio function, made piece by piece. */
#ifndef TEST_CONFIG_SPACE_H
#define TEST_CONFIG_SPACE_H

#include <stdint.h>

#include "transport/pci_caps.h"

struct config_space {
	uint8_t bytes[VFS_PCI_CONFIG_BYTES];
	uint64_t bar_sizes[6];
	unsigned int link; /* where the pointer to the next capability goes */
	unsigned int free; /* where the next capability goes */
};

/* A header with a 4 KiB BAR 1 and a 64-bit, 16 KiB BAR 4, and no capability. */
void config_init(struct config_space *config);

void config_set32(struct config_space *config, unsigned int offset, uint32_t value);

/* Append any capability of @length bytes; returns where it is. */
unsigned int config_add(struct config_space *config, uint8_t id, unsigned int length);

/* Append a virtio structure; @cap_len bytes, 16 at least are filled. */
unsigned int config_add_virtio(struct config_space *config, uint8_t type, uint8_t cap_len,
	uint8_t bar, uint32_t offset, uint32_t length);

/* Append shared memory. */
unsigned int config_add_shm(
	struct config_space *config, uint8_t id, uint8_t bar, uint64_t offset, uint64_t length);

/* The five structures of QEMU, the window first, and MSI-X. */
#define CONFIG_WINDOW_DATA 0x50
void config_add_qemu(struct config_space *config);

#endif
