/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "device/virtio_function.h"

#define CONFIG	     VFIO_PCI_CONFIG_REGION_INDEX
#define COMMON(name) offsetof(struct virtio_pci_common_cfg, name)

#define WANTED ((1ULL << VIRTIO_F_VERSION_1) | (1ULL << VIRTIO_F_ACCESS_PLATFORM))

struct fixture {
	struct engine engine;
	struct device *device;
	struct dax *dax;
	struct function f;
	unsigned int ends;
};

static void count_end(struct engine *engine)
{
	((struct fixture *)engine)->ends++;
}

static uint32_t get(struct fixture *x, unsigned int region, uint64_t offset, size_t size)
{
	uint32_t value = 0;

	assert_int_equal(function_read(&x->f, region, offset, &value, size), 0);
	return value;
}

static void set(
	struct fixture *x, unsigned int region, uint64_t offset, size_t size, uint32_t value)
{
	assert_int_equal(function_write(&x->f, region, offset, &value, size), 0);
}

static uint32_t get_common(struct fixture *x, size_t offset, size_t size)
{
	return get(x, BAR_REGISTERS, offset, size);
}

static void set_common(struct fixture *x, size_t offset, size_t size, uint32_t value)
{
	set(x, BAR_REGISTERS, offset, size, value);
}

static int set_up(void **state)
{
	static const struct device_options options = {
		.tag = "tag", .num_request_queues = 2, .access_platform = true};
	static struct fixture x;

	memset(&x, 0, sizeof(x));
	x.engine.end = count_end;
	x.dax = dax_create(1 << 20);
	x.device = device_create(&options, &x.engine, x.dax);
	if (!x.dax || !x.device || function_create(&x.f, x.device) < 0)
		return -1;
	set(&x, CONFIG, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	*state = &x;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *x = *state;

	device_abandon(x->device);
	function_destroy(&x->f);
	device_destroy(x->device);
	dax_destroy(x->dax);
	return 0;
}

static void offer(struct fixture *x, uint64_t features)
{
	set_common(x, COMMON(guest_feature_select), 4, 0);
	set_common(x, COMMON(guest_feature), 4, (uint32_t)features);
	set_common(x, COMMON(guest_feature_select), 4, 1);
	set_common(x, COMMON(guest_feature), 4, (uint32_t)(features >> 32));
	set_common(x, COMMON(device_status), 1,
		VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK);
}

static bool features_are_ok(struct fixture *x)
{
	return get_common(x, COMMON(device_status), 1) & VIRTIO_CONFIG_S_FEATURES_OK;
}

static void features_are_accepted_as_a_whole_or_not(void **state)
{
	struct fixture *x = *state;

	offer(x, 1ULL << VIRTIO_F_VERSION_1);
	assert_false(features_are_ok(x));
	offer(x, WANTED | 1);
	assert_false(features_are_ok(x));
	offer(x, WANTED);
	assert_true(features_are_ok(x));
	set_common(x, COMMON(guest_feature), 4, 0);
	assert_int_equal(get_common(x, COMMON(guest_feature), 4), WANTED >> 32);
}

static void a_reset_forgets_everything(void **state)
{
	struct fixture *x = *state;
	unsigned int ends = x->ends;

	offer(x, WANTED);
	set_common(x, COMMON(queue_select), 2, 1);
	set_common(x, COMMON(queue_size), 2, 64);
	set_common(x, COMMON(queue_desc_lo), 4, 0x1000);
	set_common(x, COMMON(queue_desc_hi), 4, 0x7);
	assert_int_equal(get_common(x, COMMON(queue_desc_hi), 4), 0x7);
	set_common(x, COMMON(queue_enable), 2, 1);
	set_common(x, COMMON(device_status), 1, 0);
	assert_int_equal(get_common(x, COMMON(device_status), 1), 0);
	assert_int_equal(get_common(x, COMMON(queue_select), 2), 0);
	set_common(x, COMMON(queue_select), 2, 1);
	assert_int_equal(get_common(x, COMMON(queue_enable), 2), 0);
	assert_int_equal(get_common(x, COMMON(queue_size), 2), 1024);
	assert_int_equal(get_common(x, COMMON(queue_desc_hi), 4), 0);
	assert_true(x->ends > ends);
	assert_int_equal(get(x, CONFIG, PCI_COMMAND, 2), PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void an_enabled_queue_stays_as_it_is(void **state)
{
	struct fixture *x = *state;

	offer(x, WANTED);
	set_common(x, COMMON(queue_size), 2, 3);
	assert_int_equal(get_common(x, COMMON(queue_size), 2), 1024);
	set_common(x, COMMON(queue_size), 2, 8);
	set_common(x, COMMON(queue_enable), 2, 1);
	set_common(x, COMMON(queue_size), 2, 16);
	set_common(x, COMMON(queue_avail_lo), 4, 0x1000);
	assert_int_equal(get_common(x, COMMON(queue_size), 2), 8);
	assert_int_equal(get_common(x, COMMON(queue_avail_lo), 4), 0);
}

static void queues_that_are_not_there_read_as_nothing(void **state)
{
	struct fixture *x = *state;

	assert_int_equal(get_common(x, COMMON(num_queues), 2), 3);
	set_common(x, COMMON(queue_select), 2, 3);
	set_common(x, COMMON(queue_enable), 2, 1);
	assert_int_equal(get_common(x, COMMON(queue_size), 2), 0);
	assert_int_equal(get_common(x, COMMON(queue_enable), 2), 0);
	assert_int_equal(get_common(x, COMMON(queue_msix_vector), 2), NO_VECTOR);
}

static void vectors_that_are_not_there_are_refused(void **state)
{
	struct fixture *x = *state;

	assert_int_equal(x->f.interrupts.num_msix, 4);
	set_common(x, COMMON(queue_msix_vector), 2, 3);
	assert_int_equal(get_common(x, COMMON(queue_msix_vector), 2), 3);
	set_common(x, COMMON(queue_msix_vector), 2, 4);
	assert_int_equal(get_common(x, COMMON(queue_msix_vector), 2), NO_VECTOR);
	set_common(x, COMMON(msix_config), 2, 4);
	assert_int_equal(get_common(x, COMMON(msix_config), 2), NO_VECTOR);
}

static void without_memory_space_nobody_answers(void **state)
{
	struct fixture *x = *state;

	set(x, CONFIG, PCI_COMMAND, 2, 0);
	assert_int_equal(get_common(x, COMMON(num_queues), 2), 0xffff);
	set_common(x, COMMON(queue_select), 2, 1);
	set(x, CONFIG, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(get_common(x, COMMON(queue_select), 2), 0);
}

static void bars_can_be_had_through_configuration_space(void **state)
{
	struct fixture *x = *state;
	unsigned int at = x->f.pci_cfg;

	set(x, CONFIG, at + offsetof(struct virtio_pci_cap, bar), 1, BAR_REGISTERS);
	set(x, CONFIG, at + offsetof(struct virtio_pci_cap, length), 4, 4);
	set(x, CONFIG, at + offsetof(struct virtio_pci_cap, offset), 4, 2 * STRUCTURE_BYTES);
	assert_int_equal(get(x, CONFIG, at + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data), 4),
		'g' << 16 | 'a' << 8 | 't');
	set(x, CONFIG, at + offsetof(struct virtio_pci_cap, length), 4, 2);
	set(x, CONFIG, at + offsetof(struct virtio_pci_cap, offset), 4, COMMON(queue_select));
	set(x, CONFIG, at + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data), 4, 2);
	assert_int_equal(get_common(x, COMMON(queue_select), 2), 2);
}

static void accesses_outside_are_refused(void **state)
{
	struct fixture *x = *state;
	uint64_t value = 0;

	assert_int_equal(function_read(&x->f, BAR_MSIX, MSIX_BYTES, &value, 1), -EINVAL);
	assert_int_equal(function_read(&x->f, 1, 0, &value, 1), -EINVAL);
	assert_int_equal(function_read(&x->f, 100, 0, &value, 1), -EINVAL);
	assert_int_equal(function_read(&x->f, BAR_REGISTERS, UINT64_MAX, &value, 8), -EINVAL);
	assert_int_equal(function_read(&x->f, BAR_REGISTERS, 0, &value, 3), -EINVAL);
	assert_int_equal(function_write(&x->f, BAR_REGISTERS, 1, &value, 2), -EINVAL);
	assert_int_equal(function_write(&x->f, CONFIG, 250, &value, 8), -EINVAL);
	assert_int_equal(function_read(&x->f, CONFIG, 0, &value, 0), -EINVAL);
}

static bool was_signalled(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void a_broken_device_interrupts(void **state)
{
	struct fixture *x = *state;
	struct vfio_irq_set irqs = {
		.argsz = sizeof(irqs),
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
		.start = 2,
		.count = 1,
	};
	int mine = eventfd(0, EFD_CLOEXEC), theirs = dup(mine);

	set_common(x, COMMON(msix_config), 2, 2);
	assert_int_equal(interrupts_set(&x->f.interrupts, &irqs, &theirs, 1, NULL, 0), 0);
	assert_int_equal(theirs, -1);
	device_needs_reset(x->device);
	assert_true(was_signalled(mine));
	assert_int_equal(get(x, BAR_REGISTERS, STRUCTURE_BYTES, 1), VIRTIO_PCI_ISR_CONFIG);
	assert_int_equal(get(x, BAR_REGISTERS, STRUCTURE_BYTES, 1), 0);
	close(mine);
}

static void interrupts_that_make_no_sense_are_refused(void **state)
{
	static const struct vfio_irq_set bad[] = {
		{.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK, .index = 2},
		{.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, .index = 0},
		{.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, .index = 5},
		{.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = 2,
			.start = 4,
			.count = 1},
		{.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = 2,
			.start = 1,
			.count = UINT32_MAX},
		{.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, .index = 2},
		{.flags = VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = 2,
			.count = 2},
	};
	struct fixture *x = *state;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
			interrupts_set(&x->f.interrupts, &bad[i], NULL, 0, NULL, 0), -EINVAL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(features_are_accepted_as_a_whole_or_not),
		TEST(a_reset_forgets_everything),
		TEST(an_enabled_queue_stays_as_it_is),
		TEST(queues_that_are_not_there_read_as_nothing),
		TEST(vectors_that_are_not_there_are_refused),
		TEST(without_memory_space_nobody_answers),
		TEST(bars_can_be_had_through_configuration_space),
		TEST(accesses_outside_are_refused),
		TEST(a_broken_device_interrupts),
		TEST(interrupts_that_make_no_sense_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
