/* SPDX-License-Identifier: MIT */
/* The parts of "show". Each prints a section and returns 0, or -ENOMEM with a message. */
#ifndef INSPECT_SHOW_H
#define INSPECT_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include "pci_names.h"
#include "transport/pci_caps.h"
#include "transport/sysfs.h"

struct subject {
	char bdf[VFS_BDF_SIZE];
	char driver[32];
	int group; /* negative: none */
	struct pci_access *access;
	struct pci_dev *dev;
	uint8_t config[VFS_PCI_CONFIG_BYTES];
	bool whole; /* all of @config could be read, not the first 64 bytes only */
};

#define SHOW_INDENT    "  "
#define SHOW_NEED_ROOT SHOW_INDENT "not readable: needs root\n"

uint16_t show_config16(const struct subject *subject, unsigned int offset);
uint32_t show_config32(const struct subject *subject, unsigned int offset);

/* The names of the bits that are set, with ", " between them; "none". */
struct bit_name {
	uint32_t mask;
	const char *name;
};
void show_bits(uint32_t value, const struct bit_name *names, size_t count, char *out, size_t size);

int show_identity(const struct subject *subject);
int show_bars(const struct subject *subject);
int show_msix(const struct subject *subject);

int show_structures(const struct subject *subject);
int show_device_config(const struct subject *subject);
int show_features(const struct subject *subject);

#endif
