/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "core/core.h"
#include "show.h"
#include "table.h"
#include "text.h"

static void add_registers(const struct subject *subject, struct table *table)
{
	static const struct bit_name command[] = {
		{PCI_COMMAND_IO, "I/O"},
		{PCI_COMMAND_MEMORY, "memory"},
		{PCI_COMMAND_MASTER, "bus master"},
		{PCI_COMMAND_PARITY, "parity"},
		{PCI_COMMAND_SERR, "SERR"},
		{PCI_COMMAND_DISABLE_INTx, "INTx off"},
	};
	static const struct bit_name status[] = {
		{PCI_STATUS_INTx, "INTx pending"},
		{PCI_STATUS_CAP_LIST, "capabilities"},
		{PCI_STATUS_PARITY, "data parity error"},
		{PCI_STATUS_SIG_TARGET_ABORT, "target abort sent"},
		{PCI_STATUS_REC_TARGET_ABORT, "target abort received"},
		{PCI_STATUS_REC_MASTER_ABORT, "master abort received"},
		{PCI_STATUS_SIG_SYSTEM_ERROR, "system error sent"},
		{PCI_STATUS_DETECTED_PARITY, "parity error"},
	};
	uint16_t value = show_config16(subject, PCI_COMMAND);
	char text[256];

	show_bits(value, command, ARRAY_SIZE(command), text, sizeof(text));
	table_cell(table, "Command");
	table_cell(table, "%04x", value);
	table_cell(table, "%s", text);
	value = show_config16(subject, PCI_STATUS);
	show_bits(value, status, ARRAY_SIZE(status), text, sizeof(text));
	table_cell(table, "Status");
	table_cell(table, "%04x", value);
	table_cell(table, "%s", text);
}

int show_identity(const struct subject *subject)
{
	const struct pci_dev *dev = subject->dev;
	struct table table = TABLE(3, SHOW_INDENT);

	printf("%s, driver %s\n", subject->bdf, subject->driver[0] ? subject->driver : "none");
	table_cell(&table, "Vendor");
	table_cell(&table, "%04x", dev->vendor_id);
	table_cell(&table, "%s", pci_names_vendor(dev));
	table_cell(&table, "Device");
	table_cell(&table, "%04x", dev->device_id);
	table_cell(&table, "%s", pci_names_device(dev));
	table_cell(&table, "Subsystem");
	table_cell(&table, "%04x:%04x", dev->subsys_vendor_id, dev->subsys_id);
	table_cell(&table, "%s", pci_names_subsystem(dev));
	table_cell(&table, "Class");
	table_cell(&table, "%04x", dev->device_class);
	table_cell(&table, "%s", pci_names_class(dev));
	table_cell(&table, "Revision");
	table_cell(&table, "%02x", dev->rev_id);
	table_cell(&table, "%s", "");
	add_registers(subject, &table);
	return table_print(&table);
}

static const char *bar_type(pciaddr_t bar)
{
	if ((bar & PCI_BASE_ADDRESS_SPACE) == PCI_BASE_ADDRESS_SPACE_IO)
		return "I/O ports";
	if ((bar & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64)
		return bar & PCI_BASE_ADDRESS_MEM_PREFETCH ? "64-bit memory, prefetchable"
							   : "64-bit memory";
	return bar & PCI_BASE_ADDRESS_MEM_PREFETCH ? "32-bit memory, prefetchable"
						   : "32-bit memory";
}

int show_bars(const struct subject *subject)
{
	struct table table = TABLE(4, SHOW_INDENT);
	unsigned int i;

	puts("\nBARs");
	for (i = 0; i < 6; i++) {
		pciaddr_t bar = subject->dev->base_addr[i];
		pciaddr_t mask = bar & PCI_BASE_ADDRESS_SPACE_IO ? PCI_ADDR_IO_MASK
								 : PCI_ADDR_MEM_MASK;
		char size[TEXT_SIZE_MAX];

		if (subject->dev->size[i] == 0)
			continue;
		table_cell(&table, "%u", i);
		table_cell(&table, "0x%016" PRIx64, (uint64_t)(bar & mask));
		table_cell(&table, "%s", text_size(subject->dev->size[i], size));
		table_cell(&table, "%s", bar_type(bar));
	}
	if (table.count == 0)
		puts(SHOW_INDENT "none");
	return table_print(&table);
}

static void add_msix_part(
	const struct subject *subject, struct table *table, const char *name, unsigned int offset)
{
	uint32_t value = show_config32(subject, offset);

	table_cell(table, "%s", name);
	table_cell(table, "BAR %u, offset 0x%x", value & PCI_MSIX_BIR,
		value & ~(uint32_t)PCI_MSIX_BIR);
}

int show_msix(const struct subject *subject)
{
	struct pci_cap *cap = pci_find_cap(subject->dev, PCI_CAP_ID_MSIX, PCI_CAP_NORMAL);
	struct table table = TABLE(2, SHOW_INDENT);
	uint16_t control;

	puts("\nMSI-X");
	if (!subject->whole) {
		fputs(SHOW_NEED_ROOT, stdout);
		return 0;
	}
	if (!cap || cap->addr + 12 > sizeof(subject->config)) {
		puts(SHOW_INDENT "none");
		return 0;
	}
	control = show_config16(subject, cap->addr + PCI_CAP_FLAGS);
	table_cell(&table, "Vectors");
	table_cell(&table, "%d, %s%s", (control & PCI_MSIX_TABSIZE) + 1,
		control & PCI_MSIX_ENABLE ? "enabled" : "disabled",
		control & PCI_MSIX_MASK ? ", masked" : "");
	add_msix_part(subject, &table, "Table", cap->addr + PCI_MSIX_TABLE);
	add_msix_part(subject, &table, "Pending", cap->addr + PCI_MSIX_PBA);
	return table_print(&table);
}
