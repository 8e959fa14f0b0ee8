/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "core/core.h"
#include "transport/config_space.h"

#define GIB (1ULL << 30)

/* A copy of exactly the right size, so that the sanitizer sees what is read beyond it. */
static int parse(const struct config_space *config, struct vfs_virtio_caps *caps)
{
	uint8_t *bytes = malloc(VFS_PCI_CONFIG_BYTES);
	int r;

	assert_non_null(bytes);
	memcpy(bytes, config->bytes, VFS_PCI_CONFIG_BYTES);
	r = vfs_virtio_caps_parse(bytes, config->bar_sizes, caps);
	free(bytes);
	return r;
}

static void accepts(const struct config_space *config, struct vfs_virtio_caps *caps)
{
	assert_int_equal(parse(config, caps), 0);
}

static void refuses(const struct config_space *config, const char *because)
{
	struct vfs_virtio_caps caps;

	assert_int_equal(parse(config, &caps), -EPROTO);
	if (!strstr(vfs_last_error(), because))
		fail_msg("'%s' does not say '%s'", vfs_last_error(), because);
}

static void init_qemu(struct config_space *config)
{
	config_init(config);
	config_add_qemu(config);
}

static void assert_cap(
	const struct vfs_virtio_cap *cap, uint8_t bar, uint64_t offset, uint64_t length)
{
	assert_true(cap->present);
	assert_int_equal(cap->bar, bar);
	assert_int_equal(cap->offset, offset);
	assert_int_equal(cap->length, length);
}

static void test_finds_what_qemu_has(void **state)
{
	struct config_space config;
	struct vfs_virtio_caps caps;

	(void)state;
	init_qemu(&config);
	accepts(&config, &caps);
	assert_cap(&caps.common, 4, 0, 0x1000);
	assert_cap(&caps.isr, 4, 0x1000, 0x1000);
	assert_cap(&caps.device, 4, 0x2000, 0x1000);
	assert_cap(&caps.notify, 4, 0x3000, 0x1000);
	assert_int_equal(caps.notify_multiplier, 4);
	assert_true(caps.window.present);
	assert_int_equal(caps.window.config_offset, 0x40);
	assert_false(caps.shm.present);
}

static void test_first_of_each_type_wins(void **state)
{
	struct config_space config;
	struct vfs_virtio_caps caps;
	unsigned int pos;

	(void)state;
	config_init(&config);
	config_add_virtio(&config, VIRTIO_PCI_CAP_COMMON_CFG, 16, 4, 0x100, 0x100);
	config_add_virtio(&config, VIRTIO_PCI_CAP_COMMON_CFG, 16, 1, 0, 0x200);
	pos = config_add_virtio(&config, VIRTIO_PCI_CAP_NOTIFY_CFG, 20, 4, 0x3000, 0x1000);
	config_set32(&config, pos + 16, 4);
	pos = config_add_virtio(&config, VIRTIO_PCI_CAP_NOTIFY_CFG, 20, 1, 0, 0x1000);
	config_set32(&config, pos + 16, 8);
	config_add_virtio(&config, VIRTIO_PCI_CAP_DEVICE_CFG, 16, 4, 0x2000, 0x40);
	config_add_virtio(&config, VIRTIO_PCI_CAP_DEVICE_CFG, 16, 4, 0xfff0000, 0x40);
	accepts(&config, &caps);
	assert_cap(&caps.common, 4, 0x100, 0x100);
	assert_cap(&caps.notify, 4, 0x3000, 0x1000);
	assert_int_equal(caps.notify_multiplier, 4);
	assert_cap(&caps.device, 4, 0x2000, 0x40);
}

static void test_reserved_bars_are_skipped(void **state)
{
	struct config_space config;
	struct vfs_virtio_caps caps;

	(void)state;
	config_init(&config);
	config_add_virtio(&config, VIRTIO_PCI_CAP_COMMON_CFG, 16, 6, 0, 0x1000);
	config_add_virtio(&config, VIRTIO_PCI_CAP_DEVICE_CFG, 16, 255, 0, 0x1000);
	config_add_qemu(&config);
	accepts(&config, &caps);
	assert_cap(&caps.common, 4, 0, 0x1000);
	assert_cap(&caps.device, 4, 0x2000, 0x1000);
}

static void test_window_may_point_anywhere(void **state)
{
	struct config_space config;
	struct vfs_virtio_caps caps;

	(void)state;
	config_init(&config);
	config_add_virtio(&config, VIRTIO_PCI_CAP_PCI_CFG, 20, 255, UINT32_MAX, UINT32_MAX);
	config_add_qemu(&config);
	accepts(&config, &caps);
	assert_int_equal(caps.window.config_offset, 0x40);
}

static void test_short_capabilities_are_skipped(void **state)
{
	struct config_space config;
	struct vfs_virtio_caps caps;

	(void)state;
	config_init(&config);
	config_add_virtio(&config, VIRTIO_PCI_CAP_COMMON_CFG, 15, 1, 0, 0x1000);
	config_add_virtio(&config, VIRTIO_PCI_CAP_NOTIFY_CFG, 16, 1, 0, 0x1000);
	config_add_virtio(&config, VIRTIO_PCI_CAP_PCI_CFG, 16, 1, 0, 0x1000);
	config_add_virtio(&config, VIRTIO_PCI_CAP_SHARED_MEMORY_CFG, 16, 1, 0, 0x1000);
	config_add_virtio(&config, VIRTIO_PCI_CAP_DEVICE_CFG, 0, 1, 0, 0x1000);
	config_add_qemu(&config);
	accepts(&config, &caps);
	assert_cap(&caps.common, 4, 0, 0x1000);
	assert_cap(&caps.notify, 4, 0x3000, 0x1000);
	assert_cap(&caps.device, 4, 0x2000, 0x1000);
	assert_int_not_equal(caps.window.config_offset, 0x60);
	assert_false(caps.shm.present);
}

static void test_capability_reaching_beyond_the_end_is_skipped(void **state)
{
	struct config_space config;
	struct vfs_virtio_caps caps;

	(void)state;
	init_qemu(&config);
	config.free = 0xe8;
	config_add_shm(&config, 0, 4, 0, 0x1000);
	config_set32(&config, 0xf0, 4);
	accepts(&config, &caps);
	assert_true(caps.shm.present);
	config.bytes[0xe8 + 2] = 25;
	accepts(&config, &caps);
	assert_false(caps.shm.present);

	/* A header in the last bytes, with nothing behind it. */
	init_qemu(&config);
	config.free = 0xfc;
	config.bytes[config.link] = 0xfc;
	config.bytes[0xfc] = PCI_CAP_ID_VNDR;
	config.bytes[0xfe] = 16;
	config.bytes[0xff] = VIRTIO_PCI_CAP_SHARED_MEMORY_CFG;
	accepts(&config, &caps);
	assert_false(caps.shm.present);
}

static void test_low_bits_of_pointers_are_ignored(void **state)
{
	struct config_space config;
	struct vfs_virtio_caps caps;

	(void)state;
	init_qemu(&config);
	config.bytes[PCI_CAPABILITY_LIST] |= 3;
	config.bytes[config.link] |= 2;
	accepts(&config, &caps);
}

static void test_no_list_is_refused(void **state)
{
	struct config_space config;

	(void)state;
	init_qemu(&config);
	config.bytes[PCI_STATUS] = 0;
	refuses(&config, "no PCI capabilities");
}

static void test_loops_are_refused(void **state)
{
	struct config_space config;
	unsigned int i;

	(void)state;
	init_qemu(&config);
	config.bytes[config.link] = config.bytes[PCI_CAPABILITY_LIST];
	refuses(&config, "does not end");

	init_qemu(&config);
	config.bytes[config.link] = (uint8_t)(config.link - 1);
	refuses(&config, "does not end");

	/* Bytes of a function that is gone. */
	memset(config.bytes, 0xff, sizeof(config.bytes));
	refuses(&config, "does not end");
	for (i = 0x40; i < 256; i++)
		config.bytes[i] = 0x40;
	refuses(&config, "does not end");
}

static void test_pointer_into_the_header_is_refused(void **state)
{
	struct config_space config;

	(void)state;
	init_qemu(&config);
	config.bytes[config.link] = 0x3c;
	refuses(&config, "does not end");
	config_init(&config);
	config.bytes[PCI_CAPABILITY_LIST] = 0x10;
	refuses(&config, "does not end");
}

static void test_as_many_capabilities_as_fit_are_walked(void **state)
{
	struct config_space config;
	unsigned int i;

	(void)state;
	config_init(&config);
	for (i = 0; i < 48; i++)
		config_add(&config, PCI_CAP_ID_PM, 4);
	/* All 48 are walked, and none of them is a virtio structure. */
	refuses(&config, "no common configuration");
}

/* Remove the structure of one type by making it one that nobody knows. */
static void forget_type(struct config_space *config, uint8_t type)
{
	unsigned int pos = config->bytes[PCI_CAPABILITY_LIST];

	while (pos) {
		if (config->bytes[pos] == PCI_CAP_ID_VNDR && config->bytes[pos + 3] == type)
			config->bytes[pos + 3] = 0x77;
		pos = config->bytes[pos + 1];
	}
}

static void test_missing_structures_are_refused(void **state)
{
	struct config_space config;
	struct vfs_virtio_caps caps;

	(void)state;
	init_qemu(&config);
	forget_type(&config, VIRTIO_PCI_CAP_COMMON_CFG);
	refuses(&config, "no common configuration");
	init_qemu(&config);
	forget_type(&config, VIRTIO_PCI_CAP_NOTIFY_CFG);
	refuses(&config, "no notification");
	init_qemu(&config);
	forget_type(&config, VIRTIO_PCI_CAP_DEVICE_CFG);
	refuses(&config, "no device configuration");

	/* With MSI-X nobody needs the other two. */
	init_qemu(&config);
	forget_type(&config, VIRTIO_PCI_CAP_ISR_CFG);
	forget_type(&config, VIRTIO_PCI_CAP_PCI_CFG);
	accepts(&config, &caps);
	assert_false(caps.window.present);
}

static void refuses_common(uint8_t bar, uint32_t offset, uint32_t length, const char *because)
{
	struct config_space config;

	config_init(&config);
	config_add_virtio(&config, VIRTIO_PCI_CAP_COMMON_CFG, 16, bar, offset, length);
	config_add_qemu(&config);
	/* BAR 0: I/O ports; BAR 2: not there; BAR 5: the upper half of BAR 4. */
	config_set32(&config, PCI_BASE_ADDRESS_0, 0xc001);
	config.bar_sizes[0] = 0x1000;
	config.bar_sizes[5] = 0x1000;
	refuses(&config, because);
}

static void test_structure_in_no_memory_bar_is_refused(void **state)
{
	(void)state;
	refuses_common(0, 0, 0x100, "BAR 0, which is no memory BAR");
	refuses_common(2, 0, 0x100, "BAR 2, which is no memory BAR");
	refuses_common(5, 0, 0x100, "BAR 5, which is no memory BAR");
}

static void test_structure_outside_its_bar_is_refused(void **state)
{
	struct config_space config;

	(void)state;
	refuses_common(4, 0x3f00, 0x101, "outside BAR 4");
	refuses_common(4, 0x4000, 0x38, "outside BAR 4");
	refuses_common(4, 0, 0x4001, "outside BAR 4");
	/* The sum wraps around in 32 bits. */
	refuses_common(4, 0xfffff000, 0x2000, "outside BAR 4");
	refuses_common(4, 0x1000, 0xfffff800, "outside BAR 4");

	config_init(&config);
	config_add_virtio(&config, VIRTIO_PCI_CAP_DEVICE_CFG, 16, 4, 0x3ff0, 40);
	config_add_qemu(&config);
	refuses(&config, "device configuration structure is outside");
}

static void test_structure_up_to_the_end_of_its_bar_is_taken(void **state)
{
	struct config_space config;
	struct vfs_virtio_caps caps;

	(void)state;
	config_init(&config);
	config_add_virtio(&config, VIRTIO_PCI_CAP_COMMON_CFG, 16, 4, 0x3fc8, 56);
	config_add_qemu(&config);
	accepts(&config, &caps);
	assert_cap(&caps.common, 4, 0x3fc8, 56);
}

static void test_short_or_misaligned_structures_are_refused(void **state)
{
	struct config_space config;

	(void)state;
	refuses_common(4, 0, 55, "too short");
	refuses_common(4, 2, 56, "misaligned");
	config_init(&config);
	config_add_virtio(&config, VIRTIO_PCI_CAP_DEVICE_CFG, 16, 4, 0x2000, 39);
	config_add_qemu(&config);
	refuses(&config, "device configuration structure is too short");
	config_init(&config);
	config_add_virtio(&config, VIRTIO_PCI_CAP_NOTIFY_CFG, 20, 4, 0x3001, 16);
	config_add_qemu(&config);
	refuses(&config, "notification structure is misaligned");
	config_init(&config);
	config_add_virtio(&config, VIRTIO_PCI_CAP_NOTIFY_CFG, 20, 4, 0x3000, 1);
	config_add_qemu(&config);
	refuses(&config, "notification structure is too short");
}

/* A 64-bit BAR 2 for the window, as a function has that offers DAX. */
static void init_with_bar2(struct config_space *config, uint64_t size)
{
	init_qemu(config);
	config_set32(config, PCI_BASE_ADDRESS_2, 0x0000000c);
	config_set32(config, PCI_BASE_ADDRESS_3, 0x00000040);
	config->bar_sizes[2] = size;
}

static void test_shared_memory_has_64_bits(void **state)
{
	struct config_space config;
	struct vfs_virtio_caps caps;

	(void)state;
	init_with_bar2(&config, 16 * GIB);
	config_add_shm(&config, 0, 2, 5 * GIB, 11 * GIB);
	accepts(&config, &caps);
	assert_cap(&caps.shm, 2, 5 * GIB, 11 * GIB);
}

static void test_only_region_0_is_the_window(void **state)
{
	struct config_space config;
	struct vfs_virtio_caps caps;

	(void)state;
	init_with_bar2(&config, 16 * GIB);
	config_add_shm(&config, 1, 2, 0, 64 * GIB);
	config_add_shm(&config, 0, 2, 4 * GIB, 8 * GIB);
	accepts(&config, &caps);
	assert_cap(&caps.shm, 2, 4 * GIB, 8 * GIB);
}

static void refuses_shm(uint8_t bar, uint64_t offset, uint64_t length, const char *because)
{
	struct config_space config;

	init_with_bar2(&config, 16 * GIB);
	config_add_shm(&config, 0, bar, offset, length);
	refuses(&config, because);
}

static void test_shared_memory_outside_its_bar_is_refused(void **state)
{
	(void)state;
	refuses_shm(2, 8 * GIB, 8 * GIB + 1, "shared memory structure is outside");
	refuses_shm(2, 16 * GIB, 4096, "shared memory structure is outside");
	/* The sum wraps around in 64 bits, once to something small. */
	refuses_shm(2, UINT64_MAX - 0xfff, 0x2000, "shared memory structure is outside");
	refuses_shm(2, 0x2000, UINT64_MAX - 0xfff, "shared memory structure is outside");
	refuses_shm(2, UINT64_MAX, UINT64_MAX, "shared memory structure is outside");
	refuses_shm(2, 0, 0, "too short");
	refuses_shm(3, 0, 4096, "no memory BAR");
}

static uint64_t random_state;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void fill_random(struct config_space *config)
{
	size_t i;

	for (i = 0; i < sizeof(config->bytes); i++)
		config->bytes[i] = (uint8_t)next_random();
	config->bytes[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
}

/* What is nearly right gets deeper into the parser than noise. */
static void damage(struct config_space *config)
{
	unsigned int count = 1 + (unsigned int)(next_random() % 6);

	init_with_bar2(config, 16 * GIB);
	config_add_shm(config, 0, 2, 4 * GIB, 8 * GIB);
	while (count--)
		config->bytes[next_random() % sizeof(config->bytes)] = (uint8_t)next_random();
}

static void assert_inside(const struct config_space *config, const struct vfs_virtio_cap *cap)
{
	assert_true(cap->bar < 6);
	assert_true(cap->length <= config->bar_sizes[cap->bar]);
	assert_true(cap->offset <= config->bar_sizes[cap->bar] - cap->length);
}

static void test_random_bytes_do_no_harm(void **state)
{
	unsigned int accepted = 0;
	unsigned int i;

	(void)state;
	random_state = 0x9e3779b97f4a7c15;
	for (i = 0; i < 200000; i++) {
		struct config_space config;
		struct vfs_virtio_caps caps;

		damage(&config);
		if (i % 2)
			fill_random(&config);
		if (parse(&config, &caps) < 0)
			continue;
		accepted++;
		assert_inside(&config, &caps.common);
		assert_inside(&config, &caps.notify);
		assert_inside(&config, &caps.device);
		if (caps.shm.present)
			assert_inside(&config, &caps.shm);
	}
	/* Otherwise the damage was too much to test anything. */
	assert_true(accepted > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_what_qemu_has),
		cmocka_unit_test(test_first_of_each_type_wins),
		cmocka_unit_test(test_reserved_bars_are_skipped),
		cmocka_unit_test(test_window_may_point_anywhere),
		cmocka_unit_test(test_short_capabilities_are_skipped),
		cmocka_unit_test(test_capability_reaching_beyond_the_end_is_skipped),
		cmocka_unit_test(test_low_bits_of_pointers_are_ignored),
		cmocka_unit_test(test_no_list_is_refused),
		cmocka_unit_test(test_loops_are_refused),
		cmocka_unit_test(test_pointer_into_the_header_is_refused),
		cmocka_unit_test(test_as_many_capabilities_as_fit_are_walked),
		cmocka_unit_test(test_missing_structures_are_refused),
		cmocka_unit_test(test_structure_in_no_memory_bar_is_refused),
		cmocka_unit_test(test_structure_outside_its_bar_is_refused),
		cmocka_unit_test(test_structure_up_to_the_end_of_its_bar_is_taken),
		cmocka_unit_test(test_short_or_misaligned_structures_are_refused),
		cmocka_unit_test(test_shared_memory_has_64_bits),
		cmocka_unit_test(test_only_region_0_is_the_window),
		cmocka_unit_test(test_shared_memory_outside_its_bar_is_refused),
		cmocka_unit_test(test_random_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
