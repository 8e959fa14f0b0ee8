/* SPDX-License-Identifier: MIT */
/* A virtio function behind struct vfs_pci: its registers, and what was done to them. */
#ifndef TEST_STUB_FUNCTION_H
#define TEST_STUB_FUNCTION_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/config_space.h"
#include "transport/pci.h"

#define STUB_QUEUES 4

struct stub_queue {
	uint16_t max_size;
	uint16_t size;
	uint16_t vector;
	uint16_t enable;
	uint16_t notify_off;
	uint64_t desc;
	uint64_t avail;
	uint64_t used;
};

struct stub_function {
	struct vfs_pci pci;
	struct config_space config;

	uint8_t status;
	unsigned int reset_reads; /* how often the status reads 0x0f after a reset */
	unsigned int resets;
	bool gone;    /* all registers read as ones */
	bool failing; /* all accesses fail */

	uint64_t offered;
	uint64_t accepted;
	uint32_t offered_select;
	uint32_t accepted_select;

	uint8_t device_config[64];
	uint8_t generation;
	unsigned int changes; /* how often the configuration still changes while it is read */

	uint16_t num_queues;
	uint16_t queue_select;
	struct stub_queue queues[STUB_QUEUES];
	uint16_t config_vector;
	uint16_t num_refused_vectors; /* vectors from this one on read back as 0xffff; 0: none */

	uint64_t notified_offset; /* in BAR 4 */
	uint16_t notified_value;
	unsigned int notifications;

	int msix[16];
	unsigned int num_msix_set;
	int msix_error; /* what set_irqs() returns for MSI-X */
	int error_fd;
	int request_fd;

	uint64_t mapped_iova;
	uint64_t mapped_length;
	bool closed;
};

/* As QEMU has it: two queues of 128 and 1024 entries, three vectors. */
void stub_init(struct stub_function *stub);

#endif
