/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include <linux/pci_regs.h>

#include "core/core.h"
#include "transport/stub_function.h"

static struct stub_function stub;

static struct vfs_transport *create(void)
{
	struct vfs_transport *t = NULL;

	assert_int_equal(vfs_virtio_pci_create(&stub.pci, &t), 0);
	assert_non_null(t);
	return t;
}

static void close_it(struct vfs_transport *t)
{
	t->ops->close(t);
	assert_true(stub.closed);
}

static void assert_error_says(const char *words)
{
	if (!strstr(vfs_last_error(), words))
		fail_msg("'%s' does not say '%s'", vfs_last_error(), words);
}

static void create_fails(int error, const char *because)
{
	struct vfs_transport *t = NULL;

	assert_int_equal(vfs_virtio_pci_create(&stub.pci, &t), error);
	assert_null(t);
	assert_error_says("0000:00:05.0");
	assert_error_says(because);
	assert_true(stub.closed);
}

static uint16_t command(void)
{
	return (uint16_t)(stub.config.bytes[PCI_COMMAND] | stub.config.bytes[PCI_COMMAND + 1] << 8);
}

static int setup(void **state)
{
	(void)state;
	stub_init(&stub);
	return 0;
}

static void test_create_learns_what_the_function_is(void **state)
{
	struct vfs_transport *t;

	(void)state;
	stub.pci.limits.page_size = 0x10000;
	t = create();
	assert_string_equal(t->name, "stub 0000:00:05.0");
	assert_string_equal(t->bdf, "0000:00:05.0");
	assert_int_equal(t->num_queues, 2);
	assert_int_equal(t->num_vectors, 3);
	assert_int_equal(t->limits.page_size, 0x10000);
	close_it(t);
}

static void test_create_leaves_bus_mastering_off(void **state)
{
	struct vfs_transport *t;

	(void)state;
	stub.config.bytes[PCI_COMMAND] = PCI_COMMAND_MASTER;
	t = create();
	assert_int_equal(command(), PCI_COMMAND_MEMORY);
	close_it(t);
}

static void test_create_refuses_bad_capabilities(void **state)
{
	(void)state;
	stub.config.bytes[PCI_STATUS] = 0;
	create_fails(-EPROTO, "capabilities");
}

static void test_create_refuses_too_many_queues(void **state)
{
	(void)state;
	stub.num_queues = 1025;
	create_fails(-EPROTO, "1025 queues");
}

static void test_create_fails_when_the_function_does(void **state)
{
	struct vfs_transport *t = NULL;

	(void)state;
	stub.failing = true;
	assert_int_equal(vfs_virtio_pci_create(&stub.pci, &t), -EIO);
	assert_true(stub.closed);
}

static void test_create_fails_when_the_function_is_gone(void **state)
{
	struct vfs_transport *t = NULL;

	(void)state;
	stub.gone = true;
	assert_true(vfs_virtio_pci_create(&stub.pci, &t) < 0);
	assert_true(stub.closed);
}

static void test_reset_waits_for_the_function(void **state)
{
	struct vfs_transport *t = create();

	(void)state;
	stub.status = 0x0f;
	stub.reset_reads = 20;
	assert_int_equal(t->ops->reset(t, 1000), 0);
	assert_int_equal(stub.resets, 1);
	assert_int_equal(stub.reset_reads, 0);
	close_it(t);
}

static void test_reset_that_never_ends_is_given_up(void **state)
{
	struct vfs_transport *t = create();

	(void)state;
	stub.status = 0x0f;
	stub.reset_reads = UINT32_MAX;
	assert_int_equal(t->ops->reset(t, 20), -ETIMEDOUT);
	assert_error_says("0xf");
	assert_int_equal(stub.resets, 1);
	close_it(t);
}

static void test_gone_function_is_told_from_a_busy_one(void **state)
{
	struct vfs_transport *t = create();

	(void)state;
	stub.gone = true;
	assert_int_equal(t->ops->reset(t, 1000), -ENODEV);
	assert_int_equal(t->ops->get_status(t), -ENODEV);
	assert_error_says("gone");
	close_it(t);
}

static void test_status(void **state)
{
	struct vfs_transport *t = create();

	(void)state;
	assert_int_equal(t->ops->set_status(t, 0x0b), 0);
	assert_int_equal(stub.status, 0x0b);
	assert_int_equal(t->ops->get_status(t), 0x0b);
	stub.failing = true;
	assert_int_equal(t->ops->get_status(t), -EIO);
	stub.failing = false;
	close_it(t);
}

static void test_features_have_64_bits(void **state)
{
	struct vfs_transport *t = create();
	uint64_t features = 0;

	(void)state;
	stub.offered = 0x8000000130000001;
	assert_int_equal(t->ops->get_features(t, &features), 0);
	assert_int_equal(features, 0x8000000130000001);
	assert_int_equal(t->ops->set_features(t, 0x4000000210000002), 0);
	assert_int_equal(stub.accepted, 0x4000000210000002);
	close_it(t);
}

static void test_configuration_is_of_one_generation(void **state)
{
	struct vfs_transport *t = create();
	uint8_t config[40];

	(void)state;
	stub.device_config[0] = 10;
	/* It changes 5 times, all of them in the first round of reading. */
	stub.changes = 5;
	assert_int_equal(t->ops->read_config(t, 0, config, sizeof(config)), 0);
	assert_int_equal(config[0], 15);
	assert_memory_equal(config, stub.device_config, sizeof(config));
	close_it(t);
}

static void test_configuration_that_never_stands_still(void **state)
{
	struct vfs_transport *t = create();
	uint8_t config[40];

	(void)state;
	stub.changes = UINT32_MAX;
	assert_int_equal(t->ops->read_config(t, 0, config, sizeof(config)), -EPROTO);
	assert_error_says("stand still");
	close_it(t);
}

static void test_configuration_ends_somewhere(void **state)
{
	struct vfs_transport *t = create();
	uint8_t byte;

	(void)state;
	assert_int_equal(t->ops->read_config(t, 0x1000, &byte, 1), -EPROTO);
	assert_int_equal(t->ops->read_config(t, 0xffffffff, &byte, 1), -EPROTO);
	assert_error_says("too short");
	close_it(t);
}

static void test_queue_sizes(void **state)
{
	struct vfs_transport *t = create();

	(void)state;
	assert_int_equal(t->ops->queue_max_size(t, 0), 128);
	assert_int_equal(t->ops->queue_max_size(t, 1), 1024);
	assert_int_equal(t->ops->queue_max_size(t, 2), 0);
	stub.queues[1].max_size = 100;
	assert_int_equal(t->ops->queue_max_size(t, 1), -EPROTO);
	assert_error_says("queue 1");
	stub.queues[1].max_size = 65535;
	assert_int_equal(t->ops->queue_max_size(t, 1), -EPROTO);
	close_it(t);
}

static const struct vfs_queue_layout layout = {
	.size = 64,
	.desc = 0x123456789000,
	.avail = 0xabcdef012000,
	.used = 0xfffffffff000,
};

static void test_queue_is_set_up_and_rung(void **state)
{
	struct vfs_transport *t = create();

	(void)state;
	stub.queues[1].notify_off = 5;
	assert_int_equal(t->ops->enable_interrupts(t, 2), 0);
	assert_int_equal(t->ops->enable_queue(t, 1, &layout), 0);
	assert_int_equal(stub.queues[1].size, 64);
	assert_int_equal(stub.queues[1].desc, layout.desc);
	assert_int_equal(stub.queues[1].avail, layout.avail);
	assert_int_equal(stub.queues[1].used, layout.used);
	assert_int_equal(stub.queues[1].enable, 1);
	assert_int_equal(stub.queues[0].enable, 0);
	t->ops->notify(t, 1);
	assert_int_equal(stub.notifications, 1);
	assert_int_equal(stub.notified_offset, 0x3000 + 5 * 4);
	assert_int_equal(stub.notified_value, 1);
	close_it(t);
}

static void test_queue_that_is_enabled_already_is_refused(void **state)
{
	struct vfs_transport *t = create();

	(void)state;
	stub.queues[0].enable = 1;
	assert_int_equal(t->ops->enable_queue(t, 0, &layout), -EPROTO);
	assert_error_says("still enabled");
	assert_int_equal(stub.queues[0].desc, 0);
	close_it(t);
}

static void test_doorbell_outside_its_structure_is_refused(void **state)
{
	struct vfs_transport *t = create();

	(void)state;
	stub.queues[0].notify_off = 0x3ff;
	assert_int_equal(t->ops->enable_queue(t, 0, &layout), 0);
	stub.queues[1].notify_off = 0x400;
	assert_int_equal(t->ops->enable_queue(t, 1, &layout), -EPROTO);
	assert_error_says("doorbell of queue 1");
	assert_int_equal(stub.queues[1].enable, 0);
	close_it(t);
}

static void test_doorbell_with_the_largest_multiplier(void **state)
{
	struct vfs_transport *t;

	(void)state;
	/* 0xffff * 0xfffffffe does not fit in 32 bits. */
	config_set32(&stub.config, 0x54 + 16, 0xfffffffe);
	stub.queues[0].notify_off = 0xffff;
	t = create();
	assert_int_equal(t->ops->enable_queue(t, 0, &layout), -EPROTO);
	assert_error_says("doorbell");
	close_it(t);
}

static void test_multiplier_0_is_one_doorbell_for_all(void **state)
{
	struct vfs_transport *t;

	(void)state;
	config_set32(&stub.config, 0x54 + 16, 0);
	stub.queues[1].notify_off = 7;
	t = create();
	assert_int_equal(t->ops->enable_queue(t, 1, &layout), 0);
	t->ops->notify(t, 1);
	assert_int_equal(stub.notified_offset, 0x3000);
	assert_int_equal(stub.notified_value, 1);
	close_it(t);
}

static void test_each_queue_has_its_interrupt(void **state)
{
	struct vfs_transport *t = create();

	(void)state;
	assert_int_equal(t->ops->queue_fd(t, 0), -ENOTSUP);
	assert_int_equal(t->ops->enable_interrupts(t, 2), 0);
	assert_int_equal(stub.num_msix_set, 3);
	assert_int_equal(stub.config_vector, 0);
	assert_int_equal(t->ops->enable_queue(t, 0, &layout), 0);
	assert_int_equal(t->ops->enable_queue(t, 1, &layout), 0);
	assert_int_equal(stub.queues[0].vector, 1);
	assert_int_equal(stub.queues[1].vector, 2);
	assert_int_equal(t->ops->queue_fd(t, 0), stub.msix[1]);
	assert_int_equal(t->ops->queue_fd(t, 1), stub.msix[2]);
	assert_int_not_equal(stub.msix[1], stub.msix[2]);
	t->ops->disable_interrupts(t);
	assert_int_equal(stub.num_msix_set, 0);
	assert_int_equal(t->ops->queue_fd(t, 0), -ENOTSUP);
	close_it(t);
}

static void test_queues_share_what_vectors_there_are(void **state)
{
	struct vfs_transport *t;

	(void)state;
	stub.num_queues = 4;
	stub.pci.num_msix = 3;
	t = create();
	assert_int_equal(t->ops->enable_interrupts(t, 4), 0);
	assert_int_equal(stub.num_msix_set, 3);
	assert_int_equal(t->ops->queue_fd(t, 0), stub.msix[1]);
	assert_int_equal(t->ops->queue_fd(t, 1), stub.msix[2]);
	assert_int_equal(t->ops->queue_fd(t, 2), stub.msix[1]);
	assert_int_equal(t->ops->queue_fd(t, 3), stub.msix[2]);
	close_it(t);
}

static void test_one_vector_is_for_everything(void **state)
{
	struct vfs_transport *t;

	(void)state;
	stub.pci.num_msix = 1;
	t = create();
	assert_int_equal(t->ops->enable_interrupts(t, 2), 0);
	assert_int_equal(stub.num_msix_set, 1);
	assert_int_equal(t->ops->enable_queue(t, 1, &layout), 0);
	assert_int_equal(stub.queues[1].vector, 0);
	assert_int_equal(t->ops->queue_fd(t, 0), stub.msix[0]);
	assert_int_equal(t->ops->queue_fd(t, 1), stub.msix[0]);
	close_it(t);
}

static void test_no_vectors(void **state)
{
	struct vfs_transport *t;

	(void)state;
	stub.pci.num_msix = 0;
	t = create();
	assert_int_equal(t->ops->enable_interrupts(t, 2), -ENOTSUP);
	assert_error_says("MSI-X");
	assert_int_equal(t->ops->enable_queue(t, 0, &layout), 0);
	assert_int_equal(stub.queues[0].vector, 0xffff);
	close_it(t);
}

static void test_refused_vectors_are_noticed(void **state)
{
	struct vfs_transport *t = create();

	(void)state;
	stub.num_refused_vectors = 2;
	assert_int_equal(t->ops->enable_interrupts(t, 2), 0);
	assert_int_equal(t->ops->enable_queue(t, 0, &layout), 0);
	assert_int_equal(t->ops->enable_queue(t, 1, &layout), -EIO);
	assert_error_says("vector 2");
	assert_int_equal(stub.queues[1].enable, 0);
	close_it(t);
}

static void test_interrupts_that_cannot_be_had_leave_nothing(void **state)
{
	struct vfs_transport *t = create();

	(void)state;
	stub.msix_error = -ENOSPC;
	assert_int_equal(t->ops->enable_interrupts(t, 2), -ENOSPC);
	assert_int_equal(t->ops->queue_fd(t, 0), -ENOTSUP);
	stub.msix_error = 0;
	assert_int_equal(t->ops->enable_interrupts(t, 2), 0);
	close_it(t);
}

static bool readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void test_removal_request_is_reported_for_good(void **state)
{
	struct vfs_transport *t = create();
	int fd = t->ops->event_fd(t);

	(void)state;
	assert_false(readable(fd));
	assert_int_equal(t->ops->check_events(t), 0);
	assert_int_equal(eventfd_write(stub.request_fd, 1), 0);
	assert_true(readable(fd));
	assert_int_equal(t->ops->check_events(t), -ENODEV);
	assert_error_says("removed");
	assert_false(readable(fd));
	assert_int_equal(t->ops->check_events(t), -ENODEV);
	close_it(t);
}

static void test_bus_error_is_reported(void **state)
{
	struct vfs_transport *t = create();

	(void)state;
	assert_int_equal(eventfd_write(stub.error_fd, 1), 0);
	assert_true(readable(t->ops->event_fd(t)));
	assert_int_equal(t->ops->check_events(t), -EIO);
	/* Removal weighs more. */
	assert_int_equal(eventfd_write(stub.request_fd, 1), 0);
	assert_int_equal(t->ops->check_events(t), -ENODEV);
	close_it(t);
}

static void test_configuration_change_is_an_event_but_no_error(void **state)
{
	struct vfs_transport *t = create();

	(void)state;
	assert_int_equal(t->ops->enable_interrupts(t, 2), 0);
	assert_int_equal(eventfd_write(stub.msix[0], 1), 0);
	assert_true(readable(t->ops->event_fd(t)));
	assert_int_equal(t->ops->check_events(t), 0);
	assert_false(readable(t->ops->event_fd(t)));
	close_it(t);
}

static void test_bus_mastering(void **state)
{
	struct vfs_transport *t = create();

	(void)state;
	stub.config.bytes[PCI_COMMAND + 1] = PCI_COMMAND_INTX_DISABLE >> 8;
	assert_int_equal(t->ops->set_bus_master(t, true), 0);
	assert_int_equal(
		command(), PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	assert_int_equal(t->ops->set_bus_master(t, false), 0);
	assert_int_equal(command(), PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
	close_it(t);
}

static void test_memory_is_mapped_below(void **state)
{
	const struct vfs_dma_map map = {.vaddr = &stub,
		.iova = 0x1000,
		.length = 0x2000,
		.access = VFS_DMA_DEVICE_READS,
		.fd = -1};
	struct vfs_transport *t = create();

	(void)state;
	assert_int_equal(t->ops->dma_map(t, &map), 0);
	assert_int_equal(stub.mapped_iova, 0x1000);
	assert_int_equal(stub.mapped_length, 0x2000);
	assert_int_equal(t->ops->dma_unmap(t, 0x1000, 0x2000), 0);
	assert_int_equal(stub.mapped_length, 0);
	close_it(t);
}

/* BAR 2 with the shared-memory region in it. */
static void create_with_window(struct vfs_transport **t)
{
	stub_init(&stub);
	config_add_shm(&stub.config, 0, 2, 0x100000000, 0x200000000);
	config_set32(&stub.config, PCI_BASE_ADDRESS_2, 0xc);
	stub.pci.regions[2].size = 0x400000000;
	*t = create();
}

static void test_window(void **state)
{
	struct vfs_shm_region region;
	struct vfs_transport *t = create();
	static uint8_t bar; /* where it is mapped; never touched */

	(void)state;
	assert_int_equal(t->ops->shm_region(t, 0, &region), -ENOENT);
	close_it(t);

	create_with_window(&t);
	stub.pci.regions[2].areas[0] = (struct vfs_pci_area){
		.offset = 0x80000000, .size = 0x300000000, .addr = &bar};
	stub.pci.regions[2].num_areas = 1;
	assert_int_equal(t->ops->shm_region(t, 0, &region), 0);
	assert_int_equal((uintptr_t)region.addr - (uintptr_t)&bar, 0x80000000);
	assert_int_equal(region.length, 0x200000000);
	assert_int_equal(t->ops->shm_region(t, 1, &region), -ENOENT);
	close_it(t);
}

static void test_window_that_is_not_mapped_as_a_whole_is_none(void **state)
{
	struct vfs_shm_region region = {.length = 1};
	struct vfs_transport *t;
	static uint8_t bar;

	(void)state;
	create_with_window(&t);
	assert_int_equal(t->ops->shm_region(t, 0, &region), -ENOTSUP);
	assert_int_equal(region.length, 0);
	assert_null(region.addr);
	stub.pci.regions[2].areas[0] = (struct vfs_pci_area){
		.offset = 0x100000000, .size = 0x1ffffffff, .addr = &bar};
	stub.pci.regions[2].num_areas = 1;
	assert_int_equal(t->ops->shm_region(t, 0, &region), -ENOTSUP);
	close_it(t);
}

/* ---- registers that are mapped (pci.c) ---- */

static void test_mapped_doorbell_is_written_where_it_is(void **state)
{
	uint16_t memory[8] = {0};
	struct vfs_transport *t;

	(void)state;
	stub.queues[1].notify_off = 2;
	stub.pci.regions[4].areas[0] = (struct vfs_pci_area){
		.offset = 0x3000, .size = sizeof(memory), .addr = (uint8_t *)memory};
	stub.pci.regions[4].num_areas = 1;
	t = create();
	assert_int_equal(t->ops->enable_queue(t, 1, &layout), 0);
	t->ops->notify(t, 1);
	assert_int_equal(le16toh(memory[2 * 4 / 2]), 1);
	assert_int_equal(stub.notifications, 0);
	close_it(t);
}

static void test_mapped_registers_are_not_read_through_the_descriptor(void **state)
{
	uint8_t memory[16] __attribute__((aligned(8))) = {0x11, 0x22, 0x33, 0x44, 0x55};
	uint32_t value = 0;

	(void)state;
	stub.pci.regions[1].areas[0] = (struct vfs_pci_area){
		.offset = 0x100, .size = 16, .addr = memory};
	stub.pci.regions[1].num_areas = 1;
	stub.failing = true;
	assert_int_equal(vfs_pci_read(&stub.pci, 1, 0x100, 4, &value), 0);
	assert_int_equal(value, 0x44332211);
	assert_int_equal(vfs_pci_read(&stub.pci, 1, 0x102, 2, &value), 0);
	assert_int_equal(value, 0x4433);
	assert_int_equal(vfs_pci_read(&stub.pci, 1, 0x104, 1, &value), 0);
	assert_int_equal(value, 0x55);
	assert_int_equal(vfs_pci_write(&stub.pci, 1, 0x108, 4, 0xaabbccdd), 0);
	assert_int_equal(memory[8], 0xdd);
	assert_int_equal(memory[11], 0xaa);
	assert_int_equal(vfs_pci_write(&stub.pci, 1, 0x10c, 2, 0xeeff), 0);
	assert_int_equal(memory[12], 0xff);
	assert_int_equal(memory[14], 0);
	/* Before, across the end, and far beyond. */
	assert_int_equal(vfs_pci_read(&stub.pci, 1, 0xfe, 4, &value), -EIO);
	assert_int_equal(vfs_pci_read(&stub.pci, 1, 0x10e, 4, &value), -EIO);
	assert_null(vfs_pci_mapped(&stub.pci, 1, UINT64_MAX, 4));
	assert_null(vfs_pci_mapped(&stub.pci, 1, 0x100, UINT64_MAX));
	assert_ptr_equal(vfs_pci_mapped(&stub.pci, 1, 0x100, 16), memory);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create_learns_what_the_function_is),
		TEST(test_create_leaves_bus_mastering_off),
		TEST(test_create_refuses_bad_capabilities),
		TEST(test_create_refuses_too_many_queues),
		TEST(test_create_fails_when_the_function_does),
		TEST(test_create_fails_when_the_function_is_gone),
		TEST(test_reset_waits_for_the_function),
		TEST(test_reset_that_never_ends_is_given_up),
		TEST(test_gone_function_is_told_from_a_busy_one),
		TEST(test_status),
		TEST(test_features_have_64_bits),
		TEST(test_configuration_is_of_one_generation),
		TEST(test_configuration_that_never_stands_still),
		TEST(test_configuration_ends_somewhere),
		TEST(test_queue_sizes),
		TEST(test_queue_is_set_up_and_rung),
		TEST(test_queue_that_is_enabled_already_is_refused),
		TEST(test_doorbell_outside_its_structure_is_refused),
		TEST(test_doorbell_with_the_largest_multiplier),
		TEST(test_multiplier_0_is_one_doorbell_for_all),
		TEST(test_each_queue_has_its_interrupt),
		TEST(test_queues_share_what_vectors_there_are),
		TEST(test_one_vector_is_for_everything),
		TEST(test_no_vectors),
		TEST(test_refused_vectors_are_noticed),
		TEST(test_interrupts_that_cannot_be_had_leave_nothing),
		TEST(test_removal_request_is_reported_for_good),
		TEST(test_bus_error_is_reported),
		TEST(test_configuration_change_is_an_event_but_no_error),
		TEST(test_bus_mastering),
		TEST(test_memory_is_mapped_below),
		TEST(test_window),
		TEST(test_window_that_is_not_mapped_as_a_whole_is_none),
		TEST(test_mapped_doorbell_is_written_where_it_is),
		TEST(test_mapped_registers_are_not_read_through_the_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
