/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/pci_regs.h>

#include "device/pci_config.h"

static const struct pci_identity identity = {
	.vendor = 0x1af4, .device = 0x105a, .revision = 1, .class_code = 0x018000};

static void write32(struct pci_config *config, unsigned int offset, uint32_t value)
{
	assert_true(pci_config_write(config, offset, &value, sizeof(value)));
}

static uint32_t read32(struct pci_config *config, unsigned int offset)
{
	return pci_config_get(config, offset, 4);
}

static void identity_cannot_be_written(void **state)
{
	struct pci_config config;

	(void)state;
	pci_config_init(&config, &identity);
	write32(&config, PCI_VENDOR_ID, 0);
	write32(&config, PCI_REVISION_ID, 0);
	assert_int_equal(read32(&config, PCI_VENDOR_ID), 0x105a1af4);
	assert_int_equal(read32(&config, PCI_REVISION_ID), 0x01800001);
}

static void bars_tell_their_size(void **state)
{
	struct pci_config config;

	(void)state;
	pci_config_init(&config, &identity);
	pci_config_add_bar(&config, 0, 0x2000, PCI_BASE_ADDRESS_MEM_TYPE_32);
	pci_config_add_bar(&config, 4, 1ULL << 33,
		PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	write32(&config, PCI_BASE_ADDRESS_0, UINT32_MAX);
	write32(&config, PCI_BASE_ADDRESS_1, UINT32_MAX);
	write32(&config, PCI_BASE_ADDRESS_4, UINT32_MAX);
	write32(&config, PCI_BASE_ADDRESS_5, UINT32_MAX);
	assert_int_equal(read32(&config, PCI_BASE_ADDRESS_0), 0xffffe000);
	assert_int_equal(read32(&config, PCI_BASE_ADDRESS_1), 0);
	assert_int_equal(read32(&config, PCI_BASE_ADDRESS_4), 0xc);
	assert_int_equal(read32(&config, PCI_BASE_ADDRESS_5), 0xfffffffe);
	write32(&config, PCI_BASE_ADDRESS_0, 0xfebf1234);
	assert_int_equal(read32(&config, PCI_BASE_ADDRESS_0), 0xfebf0000);
}

static void capabilities_are_linked_until_there_is_no_room(void **state)
{
	static const uint8_t body[62];
	struct pci_config config;
	unsigned int at;

	(void)state;
	pci_config_init(&config, &identity);
	assert_int_equal(pci_config_get(&config, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST, 0);
	assert_int_equal(pci_config_add_capability(&config, 9, body, 13), 0x40);
	assert_int_equal(pci_config_add_capability(&config, 17, body, 62), 0x50);
	assert_int_equal(pci_config_add_capability(&config, 9, body, 62), 0x90);
	assert_int_equal(pci_config_add_capability(&config, 9, body, 47), 0);
	assert_int_equal(pci_config_add_capability(&config, 9, body, 46), 0xd0);
	assert_int_equal(pci_config_add_capability(&config, 9, body, 0), 0);
	assert_true(pci_config_get(&config, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST);
	at = pci_config_get(&config, PCI_CAPABILITY_LIST, 1);
	assert_int_equal(at, 0x40);
	assert_int_equal(config.bytes[0x41], 0x50);
	assert_int_equal(config.bytes[0x50], 17);
	assert_int_equal(config.bytes[0x91], 0xd0);
	assert_int_equal(config.bytes[0xd1], 0);
}

static void a_reset_takes_back_what_was_written(void **state)
{
	struct pci_config config;
	uint16_t command = 0xffff;

	(void)state;
	pci_config_init(&config, &identity);
	pci_config_complete(&config);
	assert_true(pci_config_write(&config, PCI_COMMAND, &command, sizeof(command)));
	assert_int_equal(pci_config_get(&config, PCI_COMMAND, 2),
		PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
			PCI_COMMAND_INTX_DISABLE);
	pci_config_reset(&config);
	assert_int_equal(pci_config_get(&config, PCI_COMMAND, 2), 0);
}

static void nothing_is_outside(void **state)
{
	struct pci_config config;
	uint32_t value = 0;

	(void)state;
	pci_config_init(&config, &identity);
	assert_true(pci_config_read(&config, 252, &value, 4));
	assert_false(pci_config_read(&config, 253, &value, 4));
	assert_false(pci_config_read(&config, UINT64_MAX, &value, 4));
	assert_false(pci_config_write(&config, 256, &value, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity_cannot_be_written),
		cmocka_unit_test(bars_tell_their_size),
		cmocka_unit_test(capabilities_are_linked_until_there_is_no_room),
		cmocka_unit_test(a_reset_takes_back_what_was_written),
		cmocka_unit_test(nothing_is_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
