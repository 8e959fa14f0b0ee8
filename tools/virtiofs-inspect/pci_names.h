/* SPDX-License-Identifier: MIT */
/* A PCI function through libpci, which knows the names of things. */
#ifndef INSPECT_PCI_NAMES_H
#define INSPECT_PCI_NAMES_H

#include <pci/pci.h>

/* Open a function; *dev belongs to *access. Never fails: libpci's errors end the program. */
void pci_names_open(const char *bdf, struct pci_access **access, struct pci_dev **dev);
void pci_names_close(struct pci_access *access, struct pci_dev *dev);

/* Names of identifiers; "unknown" without a list of them. They live until the next call. */
const char *pci_names_vendor(const struct pci_dev *dev);
const char *pci_names_device(const struct pci_dev *dev);
const char *pci_names_subsystem(const struct pci_dev *dev);
const char *pci_names_class(const struct pci_dev *dev);

#endif
