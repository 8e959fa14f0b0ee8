/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "core/core.h"
#include "transport/stub_function.h"

#define DEVICE_CONFIG 0x2000u
#define NOTIFICATION  0x3000u

#define COMMON(field) offsetof(struct virtio_pci_common_cfg, field)

static struct stub_function *to_stub(struct vfs_pci *pci)
{
	return container_of(pci, struct stub_function, pci);
}

/* A queue that does not exist reads as zeros and takes what is written. */
static struct stub_queue *selected(struct stub_function *stub)
{
	static struct stub_queue none;

	none = (struct stub_queue){.vector = 0xffff};
	return stub->queue_select < stub->num_queues ? &stub->queues[stub->queue_select] : &none;
}

static uint8_t read_status(struct stub_function *stub)
{
	if (stub->reset_reads && stub->status == 0) {
		stub->reset_reads--;
		return 0x0f;
	}
	return stub->status;
}

static uint16_t read_back(const struct stub_function *stub, uint16_t vector)
{
	bool refused = stub->num_refused_vectors && vector >= stub->num_refused_vectors;

	return refused ? 0xffff : vector;
}

static uint32_t read_common(struct stub_function *stub, uint64_t offset, size_t width)
{
	struct stub_queue *queue = selected(stub);

	switch (offset) {
	case COMMON(device_feature):
		assert_int_equal(width, 4);
		return stub->offered_select < 2
			       ? (uint32_t)(stub->offered >> 32 * stub->offered_select)
			       : 0;
	case COMMON(msix_config):
		assert_int_equal(width, 2);
		return read_back(stub, stub->config_vector);
	case COMMON(num_queues):
		assert_int_equal(width, 2);
		return stub->num_queues;
	case COMMON(device_status):
		assert_int_equal(width, 1);
		return read_status(stub);
	case COMMON(config_generation):
		assert_int_equal(width, 1);
		return stub->generation;
	case COMMON(queue_size):
		assert_int_equal(width, 2);
		return queue->size ? queue->size : queue->max_size;
	case COMMON(queue_msix_vector):
		assert_int_equal(width, 2);
		return read_back(stub, queue->vector);
	case COMMON(queue_enable):
		assert_int_equal(width, 2);
		return queue->enable;
	case COMMON(queue_notify_off):
		assert_int_equal(width, 2);
		return queue->notify_off;
	default:
		fail_msg("read of register 0x%x", (unsigned int)offset);
		return 0;
	}
}

/* What a reset does to a function. */
static void reset(struct stub_function *stub)
{
	unsigned int i;

	stub->resets++;
	stub->accepted = 0;
	stub->config_vector = 0xffff;
	for (i = 0; i < STUB_QUEUES; i++) {
		stub->queues[i].size = 0;
		stub->queues[i].enable = 0;
		stub->queues[i].vector = 0xffff;
	}
}

static void set_half(uint64_t *value, unsigned int half, uint32_t bits)
{
	*value &= ~(0xffffffffULL << 32 * half);
	*value |= (uint64_t)bits << 32 * half;
}

static void write_queue_address(struct stub_queue *queue, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case COMMON(queue_desc_lo):
	case COMMON(queue_desc_hi):
		set_half(&queue->desc, offset == COMMON(queue_desc_hi), value);
		break;
	case COMMON(queue_avail_lo):
	case COMMON(queue_avail_hi):
		set_half(&queue->avail, offset == COMMON(queue_avail_hi), value);
		break;
	case COMMON(queue_used_lo):
	case COMMON(queue_used_hi):
		set_half(&queue->used, offset == COMMON(queue_used_hi), value);
		break;
	default:
		fail_msg("write of register 0x%x", (unsigned int)offset);
	}
}

static void write_common(struct stub_function *stub, uint64_t offset, size_t width, uint32_t value)
{
	struct stub_queue *queue = selected(stub);

	switch (offset) {
	case COMMON(device_feature_select):
		stub->offered_select = value;
		break;
	case COMMON(guest_feature_select):
		stub->accepted_select = value;
		break;
	case COMMON(guest_feature):
		set_half(&stub->accepted, stub->accepted_select, value);
		break;
	case COMMON(msix_config):
		assert_int_equal(width, 2);
		stub->config_vector = (uint16_t)value;
		break;
	case COMMON(device_status):
		assert_int_equal(width, 1);
		stub->status = (uint8_t)value;
		if (value == 0)
			reset(stub);
		break;
	case COMMON(queue_select):
		assert_int_equal(width, 2);
		stub->queue_select = (uint16_t)value;
		break;
	case COMMON(queue_size):
		assert_int_equal(width, 2);
		assert_false(queue->enable);
		queue->size = (uint16_t)value;
		break;
	case COMMON(queue_msix_vector):
		assert_int_equal(width, 2);
		assert_false(queue->enable);
		queue->vector = (uint16_t)value;
		break;
	case COMMON(queue_enable):
		assert_int_equal(width, 2);
		queue->enable = (uint16_t)value;
		break;
	default:
		assert_int_equal(width, 4);
		assert_false(queue->enable);
		write_queue_address(queue, offset, value);
	}
}

static uint32_t read_device_config(struct stub_function *stub, uint64_t offset, size_t width)
{
	uint32_t raw = 0;

	assert_true(offset + width <= sizeof(stub->device_config));
	memcpy(&raw, stub->device_config + offset, width);
	if (stub->changes) {
		stub->changes--;
		stub->generation++;
		stub->device_config[0]++;
	}
	return le32toh(raw);
}

static uint32_t read_bar4(struct stub_function *stub, uint64_t offset, size_t width)
{
	if (offset < sizeof(struct virtio_pci_common_cfg))
		return read_common(stub, offset, width);
	if (offset >= DEVICE_CONFIG && offset < NOTIFICATION)
		return read_device_config(stub, offset - DEVICE_CONFIG, width);
	fail_msg("read of BAR 4 at 0x%x", (unsigned int)offset);
	return 0;
}

static int stub_read(
	struct vfs_pci *pci, unsigned int region, uint64_t offset, void *buffer, size_t length)
{
	struct stub_function *stub = to_stub(pci);
	uint32_t value;

	if (stub->failing)
		return vfs_error(-EIO, "the stub fails");
	if (stub->gone) {
		memset(buffer, 0xff, length);
	} else if (region == VFS_PCI_CONFIG_REGION) {
		assert_true(offset + length <= VFS_PCI_CONFIG_BYTES);
		memcpy(buffer, stub->config.bytes + offset, length);
	} else {
		assert_int_equal(region, 4);
		value = htole32(read_bar4(stub, offset, length));
		memcpy(buffer, &value, length);
	}
	return 0;
}

static int stub_write(struct vfs_pci *pci, unsigned int region, uint64_t offset, const void *buffer,
	size_t length)
{
	struct stub_function *stub = to_stub(pci);
	uint32_t value = 0;

	if (stub->failing)
		return vfs_error(-EIO, "the stub fails");
	if (stub->gone)
		return 0;
	memcpy(&value, buffer, length);
	value = le32toh(value);
	if (region == VFS_PCI_CONFIG_REGION) {
		assert_int_equal(offset, PCI_COMMAND);
		memcpy(stub->config.bytes + offset, buffer, length);
		return 0;
	}
	assert_int_equal(region, 4);
	if (offset < NOTIFICATION) {
		write_common(stub, offset, length, value);
		return 0;
	}
	assert_int_equal(length, 2);
	stub->notified_offset = offset;
	stub->notified_value = (uint16_t)value;
	stub->notifications++;
	return 0;
}

static int stub_set_irqs(
	struct vfs_pci *pci, enum vfs_pci_irq irq, const int *fds, unsigned int count)
{
	struct stub_function *stub = to_stub(pci);

	if (irq == VFS_PCI_IRQ_ERROR) {
		stub->error_fd = count ? fds[0] : -1;
	} else if (irq == VFS_PCI_IRQ_REQUEST) {
		stub->request_fd = count ? fds[0] : -1;
	} else {
		if (count && stub->msix_error)
			return vfs_error(stub->msix_error, "the stub has no interrupts");
		assert_true(count <= ARRAY_SIZE(stub->msix));
		if (count)
			memcpy(stub->msix, fds, count * sizeof(fds[0]));
		stub->num_msix_set = count;
	}
	return 0;
}

static int stub_dma_map(struct vfs_pci *pci, const struct vfs_dma_map *map)
{
	struct stub_function *stub = to_stub(pci);

	stub->mapped_iova = map->iova;
	stub->mapped_length = map->length;
	return 0;
}

static int stub_dma_unmap(struct vfs_pci *pci, uint64_t iova, uint64_t length)
{
	struct stub_function *stub = to_stub(pci);

	assert_int_equal(iova, stub->mapped_iova);
	assert_int_equal(length, stub->mapped_length);
	stub->mapped_length = 0;
	return 0;
}

static void stub_close(struct vfs_pci *pci)
{
	struct stub_function *stub = to_stub(pci);

	assert_false(stub->closed);
	stub->closed = true;
}

static const struct vfs_pci_ops stub_ops = {
	.region_read = stub_read,
	.region_write = stub_write,
	.set_irqs = stub_set_irqs,
	.dma_map = stub_dma_map,
	.dma_unmap = stub_dma_unmap,
	.close = stub_close,
};

void stub_init(struct stub_function *stub)
{
	unsigned int i;

	*stub = (struct stub_function){
		.pci.ops = &stub_ops,
		.pci.name = "stub 0000:00:05.0",
		.pci.bdf = "0000:00:05.0",
		.pci.num_msix = 3,
		.num_queues = 2,
		.config_vector = 0xffff,
		.error_fd = -1,
		.request_fd = -1,
		.offered = 0x100000000 | 1u << 28 | 1u << 29,
	};
	config_init(&stub->config);
	config_add_qemu(&stub->config);
	for (i = 0; i < 6; i++)
		stub->pci.regions[i].size = stub->config.bar_sizes[i];
	stub->pci.regions[VFS_PCI_CONFIG_REGION].size = VFS_PCI_CONFIG_BYTES;
	for (i = 0; i < STUB_QUEUES; i++)
		stub->queues[i] = (struct stub_queue){
			.max_size = i ? 1024 : 128,
			.vector = 0xffff,
			.notify_off = (uint16_t)i,
		};
	memcpy(stub->device_config, "myfs", 4);
	stub->device_config[36] = 1;
}
