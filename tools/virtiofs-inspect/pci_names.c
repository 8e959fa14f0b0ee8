/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pci_names.h"

/* libpci does not survive the return of its error callback. */
static void __attribute__((noreturn, format(printf, 1, 2))) fatal(char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("virtiofs-inspect: cannot look at PCI functions: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

/* It warns of what we find out ourselves, such as configuration space that is cut off. */
static void __attribute__((format(printf, 1, 2))) ignore(char *format, ...)
{
	(void)format;
}

void pci_names_open(const char *bdf, struct pci_access **access, struct pci_dev **dev)
{
	unsigned int domain = 0;
	unsigned int bus = 0;
	unsigned int device = 0;
	unsigned int function = 0;

	*access = pci_alloc();
	(*access)->method = PCI_ACCESS_SYS_BUS_PCI;
	(*access)->error = fatal;
	(*access)->warning = ignore;
	pci_init(*access);
	(void)sscanf(bdf, "%x:%x:%x.%x", &domain, &bus, &device, &function);
	*dev = pci_get_dev(*access, (int)domain, (int)bus, (int)device, (int)function);
	pci_fill_info(*dev, PCI_FILL_IDENT | PCI_FILL_CLASS | PCI_FILL_CLASS_EXT | PCI_FILL_SUBSYS |
				    PCI_FILL_BASES | PCI_FILL_SIZES | PCI_FILL_CAPS);
}

void pci_names_close(struct pci_access *access, struct pci_dev *dev)
{
	pci_free_dev(dev);
	pci_cleanup(access);
}

/* Names from pci.ids only: libpci leaks what it tries the udev database with. */
#define NAME_FLAGS (PCI_LOOKUP_NO_NUMBERS | PCI_LOOKUP_NO_HWDB)

static char buffer[256];

static const char *or_unknown(const char *name)
{
	return name ? name : "unknown";
}

const char *pci_names_vendor(const struct pci_dev *dev)
{
	return or_unknown(pci_lookup_name(dev->access, buffer, sizeof(buffer),
		PCI_LOOKUP_VENDOR | NAME_FLAGS, dev->vendor_id));
}

const char *pci_names_device(const struct pci_dev *dev)
{
	return or_unknown(pci_lookup_name(dev->access, buffer, sizeof(buffer),
		PCI_LOOKUP_DEVICE | NAME_FLAGS, dev->vendor_id, dev->device_id));
}

const char *pci_names_subsystem(const struct pci_dev *dev)
{
	return or_unknown(pci_lookup_name(dev->access, buffer, sizeof(buffer),
		PCI_LOOKUP_SUBSYSTEM | PCI_LOOKUP_DEVICE | NAME_FLAGS, dev->vendor_id,
		dev->device_id, dev->subsys_vendor_id, dev->subsys_id));
}

const char *pci_names_class(const struct pci_dev *dev)
{
	return or_unknown(pci_lookup_name(dev->access, buffer, sizeof(buffer),
		PCI_LOOKUP_CLASS | NAME_FLAGS, dev->device_class));
}
