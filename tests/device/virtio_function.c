/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pci_regs.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_pci.h>

#include "say.h"
#include "spoil.h"
#include "virtio_function.h"

#define VENDOR	       0x1af4
#define DEVICE_ID_BASE 0x1040
#define CLASS_STORAGE  0x018000

/* Each queue has a doorbell of its own. */
#define NOTIFY_MULTIPLIER 4u

/* The linked capability's first two bytes are written by whoever adds it. */
#define LINK_BYTES 2u

static const struct structure {
	const struct registers *registers;
	uint8_t type;
	uint32_t offset;
} structures[] = {
	{&common_registers, VIRTIO_PCI_CAP_COMMON_CFG, 0},
	{&isr_registers, VIRTIO_PCI_CAP_ISR_CFG, STRUCTURE_BYTES},
	{&device_registers, VIRTIO_PCI_CAP_DEVICE_CFG, 2 * STRUCTURE_BYTES},
	{&notify_registers, VIRTIO_PCI_CAP_NOTIFY_CFG, 3 * STRUCTURE_BYTES},
};

#define NUM_STRUCTURES (sizeof(structures) / sizeof(structures[0]))

/* One for each queue, and one for the configuration. */
static unsigned int num_vectors(const struct device *device)
{
	return device->num_queues + 1;
}

static unsigned int add_virtio_capability(struct function *f, const void *capability, size_t size)
{
	return pci_config_add_capability(&f->config, PCI_CAP_ID_VNDR,
		(const uint8_t *)capability + LINK_BYTES, size - LINK_BYTES);
}

static struct virtio_pci_cap structure_capability(
	uint8_t type, uint8_t size, uint8_t bar, uint32_t offset, uint32_t length)
{
	return (struct virtio_pci_cap){
		.cap_len = size,
		.cfg_type = type,
		.bar = bar,
		.offset = htole32(offset),
		.length = htole32(length),
	};
}

static void add_structures(struct function *f)
{
	unsigned int i;

	for (i = 0; i < NUM_STRUCTURES; i++) {
		struct virtio_pci_notify_cap cap = {
			.notify_off_multiplier = htole32(NOTIFY_MULTIPLIER)};
		size_t size = structures[i].type == VIRTIO_PCI_CAP_NOTIFY_CFG ? sizeof(cap)
									      : sizeof(cap.cap);

		cap.cap = structure_capability(structures[i].type, (uint8_t)size, BAR_REGISTERS,
			structures[i].offset, STRUCTURE_BYTES);
		add_virtio_capability(f, &cap, size);
	}
}

/* BARs through configuration space, for a driver that has nothing mapped yet. */
static void add_pci_cfg(struct function *f)
{
	struct virtio_pci_cfg_cap cap = {
		.cap = structure_capability(VIRTIO_PCI_CAP_PCI_CFG, sizeof(cap), 0, 0, 0)};
	unsigned int at = add_virtio_capability(f, &cap, sizeof(cap));

	f->pci_cfg = at;
	pci_config_allow(&f->config, at + offsetof(struct virtio_pci_cap, bar), 1, 0xff);
	pci_config_allow(&f->config, at + offsetof(struct virtio_pci_cap, offset), 4, UINT32_MAX);
	pci_config_allow(&f->config, at + offsetof(struct virtio_pci_cap, length), 4, UINT32_MAX);
	pci_config_allow(
		&f->config, at + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data), 4, UINT32_MAX);
}

static void add_window(struct function *f)
{
	struct virtio_pci_cap64 cap = {
		.cap = structure_capability(VIRTIO_PCI_CAP_SHARED_MEMORY_CFG, sizeof(cap),
			BAR_WINDOW, 0, (uint32_t)f->window.size),
		.length_hi = htole32((uint32_t)(f->window.size >> 32)),
	};

	add_virtio_capability(f, &cap, sizeof(cap));
}

static void add_msix(struct function *f)
{
	struct {
		uint16_t flags;
		uint32_t table;
		uint32_t pending;
	} __attribute__((packed)) body = {
		.flags = htole16((uint16_t)(num_vectors(f->device) - 1)),
		.table = htole32(BAR_MSIX),
		.pending = htole32(BAR_MSIX | MSIX_PENDING),
	};
	unsigned int at = pci_config_add_capability(
		&f->config, PCI_CAP_ID_MSIX, &body, sizeof(body));

	pci_config_allow(
		&f->config, at + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
}

static void make_config(struct function *f)
{
	static const struct pci_identity identity = {
		.vendor = VENDOR,
		.device = DEVICE_ID_BASE + VIRTIO_ID_FS,
		.subsystem_vendor = VENDOR,
		.subsystem = 0x40, /* the least that is not a transitional device's */
		.revision = 1,
		.class_code = CLASS_STORAGE,
	};

	f->notify_multiplier = NOTIFY_MULTIPLIER;
	pci_config_init(&f->config, &identity);
	pci_config_add_bar(&f->config, BAR_MSIX, MSIX_BYTES, PCI_BASE_ADDRESS_MEM_TYPE_32);
	pci_config_add_bar(&f->config, BAR_REGISTERS, NUM_STRUCTURES * STRUCTURE_BYTES,
		PCI_BASE_ADDRESS_MEM_TYPE_32);
	add_msix(f);
	add_structures(f);
	add_pci_cfg(f);
	if (f->window.size) {
		pci_config_add_bar(&f->config, BAR_WINDOW, f->window.size,
			PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
		add_window(f);
	}
}

/* From any of the device's threads. */
static void tell_driver(void *opaque)
{
	struct function *f = opaque;

	atomic_fetch_or(&f->isr, VIRTIO_PCI_ISR_CONFIG);
	interrupts_signal(&f->interrupts, f->config_vector);
}

int function_create(struct function *f, struct device *device)
{
	int r;

	*f = (struct function){.device = device};
	r = dax_memory_create(&f->window, device->dax ? dax_size(device->dax) : 0);
	if (r == 0)
		r = interrupts_create(&f->interrupts, num_vectors(device));
	if (r == 0) {
		f->queue_vectors = calloc(device->num_queues, sizeof(*f->queue_vectors));
		r = f->queue_vectors ? 0 : -ENOMEM;
	}
	if (r < 0) {
		function_destroy(f);
		return r;
	}
	if (device->dax)
		dax_memory_attach(&f->window, device->dax);
	device_on_change(device, tell_driver, f);
	make_config(f);
	pci_config_complete(&f->config);
	function_reset(f);
	return 0;
}

void function_prepare(struct function *f)
{
	make_config(f);
	spoil_capabilities(f);
	pci_config_complete(&f->config);
	f->reset_stuck = false;
	function_reset(f);
}

void function_destroy(struct function *f)
{
	device_on_change(f->device, NULL, NULL);
	if (f->device->dax)
		dax_attach(f->device->dax, NULL);
	free(f->queue_vectors);
	interrupts_destroy(&f->interrupts);
	dax_memory_destroy(&f->window);
}

uint64_t function_region_size(const struct function *f, unsigned int region)
{
	switch (region) {
	case BAR_MSIX:
		return MSIX_BYTES;
	case BAR_REGISTERS:
		return NUM_STRUCTURES * STRUCTURE_BYTES;
	case BAR_WINDOW:
		return f->window.size;
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return PCI_CONFIG_BYTES;
	default:
		return 0;
	}
}

/* What the vectors say does not matter to eventfds; it is kept for whoever reads it. */
static void *bytes_of(struct function *f, unsigned int bar)
{
	return bar == BAR_MSIX ? (char *)f->msix : f->window.host;
}

static bool is_register_access(uint64_t offset, size_t size)
{
	return (size == 1 || size == 2 || size == 4 || size == 8) && offset % size == 0;
}

static int read_bar(
	struct function *f, unsigned int bar, uint64_t offset, void *buffer, size_t size)
{
	/* A bus on which nobody answers. */
	if (!(pci_config_get(&f->config, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY)) {
		memset(buffer, 0xff, size);
		return 0;
	}
	if (bar != BAR_REGISTERS) {
		memcpy(buffer, (char *)bytes_of(f, bar) + offset, size);
		return 0;
	}
	if (!is_register_access(offset, size))
		return -EINVAL;
	structures[offset / STRUCTURE_BYTES].registers->read(
		f, offset % STRUCTURE_BYTES, buffer, size);
	return 0;
}

static int write_bar(
	struct function *f, unsigned int bar, uint64_t offset, const void *buffer, size_t size)
{
	if (!(pci_config_get(&f->config, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY))
		return 0;
	if (bar != BAR_REGISTERS) {
		/* Nothing is ever pending: whoever listens is told at once. */
		if (bar != BAR_MSIX || offset + size <= MSIX_PENDING)
			memcpy((char *)bytes_of(f, bar) + offset, buffer, size);
		return 0;
	}
	if (!is_register_access(offset, size))
		return -EINVAL;
	structures[offset / STRUCTURE_BYTES].registers->write(
		f, offset % STRUCTURE_BYTES, buffer, size);
	return 0;
}

static bool is_inside(const struct function *f, unsigned int region, uint64_t offset, size_t size)
{
	uint64_t length = function_region_size(f, region);

	return size && size <= length && offset <= length - size;
}

/* What the driver has pointed the capability at; false: at nothing that it may. */
static bool pci_cfg_target(struct function *f, unsigned int *bar, uint64_t *offset, uint32_t *width)
{
	unsigned int at = f->pci_cfg;

	*bar = pci_config_get(&f->config, at + offsetof(struct virtio_pci_cap, bar), 1);
	*offset = pci_config_get(&f->config, at + offsetof(struct virtio_pci_cap, offset), 4);
	*width = pci_config_get(&f->config, at + offsetof(struct virtio_pci_cap, length), 4);
	return (*width == 1 || *width == 2 || *width == 4) && *offset % *width == 0 &&
	       *bar < VFIO_PCI_ROM_REGION_INDEX && is_inside(f, *bar, *offset, *width);
}

static bool touches_pci_cfg_data(const struct function *f, uint64_t offset, size_t size)
{
	unsigned int data = f->pci_cfg + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data);

	return offset < data + 4 && offset + size > data;
}

static uint8_t *pci_cfg_data(struct function *f)
{
	return f->config.bytes + f->pci_cfg + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data);
}

static int read_config(struct function *f, uint64_t offset, void *buffer, size_t size)
{
	uint64_t target;
	uint32_t width;
	unsigned int bar;

	if (touches_pci_cfg_data(f, offset, size) && pci_cfg_target(f, &bar, &target, &width))
		read_bar(f, bar, target, pci_cfg_data(f), width);
	return pci_config_read(&f->config, offset, buffer, size) ? 0 : -EINVAL;
}

static int write_config(struct function *f, uint64_t offset, const void *buffer, size_t size)
{
	uint64_t target;
	uint32_t width;
	unsigned int bar;

	if (!pci_config_write(&f->config, offset, buffer, size))
		return -EINVAL;
	if (touches_pci_cfg_data(f, offset, size) && pci_cfg_target(f, &bar, &target, &width))
		write_bar(f, bar, target, pci_cfg_data(f), width);
	if (offset < PCI_COMMAND + 2)
		registers_update(f);
	return 0;
}

int function_read(
	struct function *f, unsigned int region, uint64_t offset, void *buffer, size_t size)
{
	if (!is_inside(f, region, offset, size))
		return -EINVAL;
	if (region == VFIO_PCI_CONFIG_REGION_INDEX)
		return read_config(f, offset, buffer, size);
	return read_bar(f, region, offset, buffer, size);
}

int function_write(
	struct function *f, unsigned int region, uint64_t offset, const void *buffer, size_t size)
{
	if (!is_inside(f, region, offset, size))
		return -EINVAL;
	if (region == VFIO_PCI_CONFIG_REGION_INDEX)
		return write_config(f, offset, buffer, size);
	return write_bar(f, region, offset, buffer, size);
}

/* Vectors are masked at first. */
static void reset_msix(struct function *f)
{
	unsigned int i;

	memset(f->msix, 0, sizeof(f->msix));
	for (i = 0; i < num_vectors(f->device); i++)
		f->msix[i * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL] =
			PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

void function_reset(struct function *f)
{
	registers_reset(f);
	pci_config_reset(&f->config);
	reset_msix(f);
}

/*
 * A call that came while nobody listened is not lost: one too many does no harm, one too few stops
 * the driver.
 */
void function_interrupts_changed(struct function *f)
{
	unsigned int i;

	for (i = 0; i < f->device->num_queues; i++) {
		struct queue *queue = &f->device->queues[i];
		bool heard = queue->call >= 0;

		queue_set_call(queue, interrupts_dup(&f->interrupts, f->queue_vectors[i]));
		if (!heard && queue->running)
			interrupts_signal(&f->interrupts, f->queue_vectors[i]);
	}
}
