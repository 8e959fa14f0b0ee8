/* SPDX-License-Identifier: MIT */
/*
 * The structures of a virtio PCI function (virtio 1.3, 4.1.4). Registers are little-endian and are
 * accessed in their own width, two halves of 4 bytes each where they have 8.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "faults.h"
#include "say.h"
#include "virtio_function.h"

#define BIT(n) (1ULL << (n))

#define QUEUE_SIZE_MAX 1024u

#define COMMON(field) offsetof(struct virtio_pci_common_cfg, field)

static bool has_status(const struct function *f, uint8_t bit)
{
	return device_status(f->device) & bit;
}

/* NULL: the driver has selected a queue that there is not. */
static struct queue *selected(const struct function *f)
{
	return f->queue_select < f->device->num_queues ? &f->device->queues[f->queue_select] : NULL;
}

/* One that may be set up still. */
static struct queue *selected_for_setup(const struct function *f)
{
	struct queue *queue = selected(f);

	if (!queue || !queue->enabled)
		return queue;
	say("queue %u is enabled and set up again", queue->index);
	return NULL;
}

static uint32_t get_device_feature_select(struct function *f)
{
	return f->device_feature_select;
}

static void set_device_feature_select(struct function *f, uint32_t value)
{
	f->device_feature_select = value;
}

static uint32_t get_device_feature(struct function *f)
{
	if (f->device_feature_select > 1)
		return 0;
	return (uint32_t)(f->device->offered >> (32 * f->device_feature_select));
}

static uint32_t get_driver_feature_select(struct function *f)
{
	return f->driver_feature_select;
}

static void set_driver_feature_select(struct function *f, uint32_t value)
{
	f->driver_feature_select = value;
}

static uint32_t get_driver_feature(struct function *f)
{
	if (f->driver_feature_select > 1)
		return 0;
	return (uint32_t)(f->driver_features >> (32 * f->driver_feature_select));
}

static void set_driver_feature(struct function *f, uint32_t value)
{
	unsigned int shift = 32 * f->driver_feature_select;

	if (has_status(f, VIRTIO_CONFIG_S_FEATURES_OK)) {
		say("features are set after FEATURES_OK");
		return;
	}
	if (shift <= 32)
		f->driver_features = (f->driver_features & ~(0xffffffffULL << shift)) |
				     (uint64_t)value << shift;
}

/* A vector that there is not reads back as none. */
static uint16_t valid_vector(const struct function *f, uint32_t vector)
{
	return vector < f->interrupts.num_msix ? (uint16_t)vector : NO_VECTOR;
}

static uint32_t get_config_vector(struct function *f)
{
	return f->config_vector;
}

static void set_config_vector(struct function *f, uint32_t value)
{
	f->config_vector = valid_vector(f, value);
}

static uint32_t get_num_queues(struct function *f)
{
	struct fault fault = faults_take(FAULT_AT_NUM_QUEUES, 0);

	if (fault.kind == FAULT_NUM_QUEUES)
		return fault.value;
	return f->device->num_queues;
}

/* Not without VERSION_1, nor without the translation that the device depends on. */
static bool accept_features(struct function *f)
{
	uint64_t needed = f->device->offered &
			  (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_ACCESS_PLATFORM));

	if (faults_take(FAULT_AT_FEATURES, 0).kind == FAULT_FEATURES_REFUSED)
		return false;
	if (needed & ~f->driver_features) {
		say("the driver does without features %#llx",
			(unsigned long long)(needed & ~f->driver_features));
		return false;
	}
	return device_negotiate(f->device, f->driver_features) == 0;
}

/* Nobody knows what is in the status of a device that is being reset, but that it is not 0. */
static uint32_t get_status(struct function *f)
{
	return f->reset_stuck ? VIRTIO_CONFIG_S_ACKNOWLEDGE : device_status(f->device);
}

static void set_status(struct function *f, uint32_t value)
{
	uint8_t before = device_status(f->device);

	if (!value) {
		registers_reset(f);
		if (faults_take(FAULT_AT_RESET, 0).kind == FAULT_RESET_STUCK)
			f->reset_stuck = true;
		return;
	}
	if (before & (0xffu ^ VIRTIO_CONFIG_S_NEEDS_RESET) & ~value)
		say("the driver takes back status %#x of %#x", before & ~value, before);
	if (value & ~before & VIRTIO_CONFIG_S_FEATURES_OK && !accept_features(f))
		value &= ~(uint32_t)VIRTIO_CONFIG_S_FEATURES_OK;
	if (value & VIRTIO_CONFIG_S_DRIVER_OK && !(value & VIRTIO_CONFIG_S_FEATURES_OK)) {
		say("DRIVER_OK without FEATURES_OK");
		value &= ~(uint32_t)VIRTIO_CONFIG_S_DRIVER_OK;
	}
	device_set_status(f->device, (uint8_t)value);
	registers_update(f);
}

static uint32_t get_generation(struct function *f)
{
	return f->generation;
}

static uint32_t get_queue_select(struct function *f)
{
	return f->queue_select;
}

static void set_queue_select(struct function *f, uint32_t value)
{
	f->queue_select = (uint16_t)value;
}

static uint32_t get_queue_size(struct function *f)
{
	const struct queue *queue = selected(f);
	struct fault fault = faults_take(FAULT_AT_QUEUE_SIZE, 0);

	if (fault.kind == FAULT_QUEUE_SIZE)
		return fault.value;
	return queue ? queue->ring.size : 0;
}

static void set_queue_size(struct function *f, uint32_t value)
{
	struct queue *queue = selected_for_setup(f);

	if (!queue)
		return;
	if (!value || value > QUEUE_SIZE_MAX || value & (value - 1))
		say("queue %u of size %u", queue->index, value);
	else
		queue->ring.size = (uint16_t)value;
}

static uint32_t get_queue_vector(struct function *f)
{
	return selected(f) ? f->queue_vectors[f->queue_select] : NO_VECTOR;
}

static void set_queue_vector(struct function *f, uint32_t value)
{
	if (!selected(f))
		return;
	f->queue_vectors[f->queue_select] = valid_vector(f, value);
	function_interrupts_changed(f);
}

static uint32_t get_queue_enable(struct function *f)
{
	const struct queue *queue = selected(f);

	return queue && queue->enabled;
}

static void set_queue_enable(struct function *f, uint32_t value)
{
	struct queue *queue = selected_for_setup(f);

	if (!queue)
		return;
	if (value != 1) {
		say("queue_enable is set to %u", value);
		return;
	}
	if (!has_status(f, VIRTIO_CONFIG_S_FEATURES_OK))
		say("queue %u is enabled before FEATURES_OK", queue->index);
	queue_set_kick(queue, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	queue->ring.space = SPACE_BUS;
	queue->enabled = true;
	registers_update(f);
}

static uint32_t get_queue_notify_off(struct function *f)
{
	return selected(f) ? f->queue_select : 0;
}

static const struct common_register {
	uint32_t (*get)(struct function *f);
	void (*set)(struct function *f, uint32_t value);
	uint8_t offset;
	uint8_t size;
} common[] = {
	{get_device_feature_select, set_device_feature_select, COMMON(device_feature_select), 4},
	{get_device_feature, NULL, COMMON(device_feature), 4},
	{get_driver_feature_select, set_driver_feature_select, COMMON(guest_feature_select), 4},
	{get_driver_feature, set_driver_feature, COMMON(guest_feature), 4},
	{get_config_vector, set_config_vector, COMMON(msix_config), 2},
	{get_num_queues, NULL, COMMON(num_queues), 2},
	{get_status, set_status, COMMON(device_status), 1},
	{get_generation, NULL, COMMON(config_generation), 1},
	{get_queue_select, set_queue_select, COMMON(queue_select), 2},
	{get_queue_size, set_queue_size, COMMON(queue_size), 2},
	{get_queue_vector, set_queue_vector, COMMON(queue_msix_vector), 2},
	{get_queue_enable, set_queue_enable, COMMON(queue_enable), 2},
	{get_queue_notify_off, NULL, COMMON(queue_notify_off), 2},
};

#define NUM_COMMON (sizeof(common) / sizeof(common[0]))

static const struct common_register *find_common(uint64_t offset, size_t size)
{
	unsigned int i;

	for (i = 0; i < NUM_COMMON; i++)
		if (common[i].offset == offset && common[i].size == size)
			return &common[i];
	say("the common configuration has no register of %zu bytes at %llu", size,
		(unsigned long long)offset);
	return NULL;
}

static bool is_address(uint64_t offset, size_t size)
{
	return size == 4 && offset >= COMMON(queue_desc_lo) &&
	       offset < COMMON(queue_used_hi) + sizeof(uint32_t);
}

static uint64_t *address_at(struct queue *queue, uint64_t offset)
{
	if (offset < COMMON(queue_avail_lo))
		return &queue->ring.desc;
	return offset < COMMON(queue_used_lo) ? &queue->ring.avail : &queue->ring.used;
}

static uint32_t get_address(struct function *f, uint64_t offset)
{
	struct queue *queue = selected(f);

	return queue ? (uint32_t)(*address_at(queue, offset) >> (offset % 8 * 8)) : 0;
}

static void set_address(struct function *f, uint64_t offset, uint32_t value)
{
	struct queue *queue = selected_for_setup(f);
	unsigned int shift = offset % 8 * 8;
	uint64_t *address;

	if (!queue)
		return;
	address = address_at(queue, offset);
	*address = (*address & ~(0xffffffffULL << shift)) | (uint64_t)value << shift;
}

static void read_common(struct function *f, uint64_t offset, void *buffer, size_t size)
{
	const struct common_register *reg;
	uint32_t value = UINT32_MAX;

	if (size == 8) {
		read_common(f, offset, buffer, 4);
		read_common(f, offset + 4, (char *)buffer + 4, 4);
		return;
	}
	if (is_address(offset, size)) {
		value = get_address(f, offset);
	} else {
		reg = find_common(offset, size);
		if (reg)
			value = reg->get(f);
	}
	value = htole32(value);
	memcpy(buffer, &value, size);
}

static void write_common(struct function *f, uint64_t offset, const void *buffer, size_t size)
{
	const struct common_register *reg;
	uint32_t value = 0;

	if (size == 8) {
		write_common(f, offset, buffer, 4);
		write_common(f, offset + 4, (const char *)buffer + 4, 4);
		return;
	}
	memcpy(&value, buffer, size);
	value = le32toh(value);
	if (is_address(offset, size)) {
		set_address(f, offset, value);
		return;
	}
	reg = find_common(offset, size);
	if (reg && reg->set)
		reg->set(f, value);
}

const struct registers common_registers = {.read = read_common, .write = write_common};

static void ignore_write(struct function *f, uint64_t offset, const void *buffer, size_t size)
{
	(void)f;
	(void)buffer;
	say("%zu bytes are written at %llu, which are only to be read", size,
		(unsigned long long)offset);
}

/* It is cleared by being read. */
static void read_isr(struct function *f, uint64_t offset, void *buffer, size_t size)
{
	memset(buffer, 0, size);
	if (offset == 0)
		*(uint8_t *)buffer = atomic_exchange(&f->isr, 0);
}

const struct registers isr_registers = {.read = read_isr, .write = ignore_write};

static void read_device_config(struct function *f, uint64_t offset, void *buffer, size_t size)
{
	if (device_read_config(f->device, offset, buffer, size))
		f->generation++;
}

const struct registers device_registers = {.read = read_device_config, .write = ignore_write};

static void read_notify(struct function *f, uint64_t offset, void *buffer, size_t size)
{
	(void)f;
	(void)offset;
	memset(buffer, 0, size);
}

static void ring_doorbell(struct function *f, uint64_t offset, const void *buffer, size_t size)
{
	uint64_t one = 1;
	uint16_t index = 0;
	ssize_t n;

	memcpy(&index, buffer, size < sizeof(index) ? size : sizeof(index));
	index = le16toh(index);
	if (size != sizeof(index) || offset != (uint64_t)index * f->notify_multiplier ||
		index >= f->device->num_queues || !f->device->queues[index].enabled) {
		say("the doorbell at %llu is rung with %zu bytes for queue %u",
			(unsigned long long)offset, size, index);
		return;
	}
	n = write(f->device->queues[index].kick, &one, sizeof(one));
	(void)n;
}

const struct registers notify_registers = {.read = read_notify, .write = ring_doorbell};

void registers_reset(struct function *f)
{
	unsigned int i;

	device_reset(f->device);
	f->device_feature_select = 0;
	f->driver_feature_select = 0;
	f->driver_features = 0;
	f->queue_select = 0;
	f->config_vector = NO_VECTOR;
	f->isr = 0;
	for (i = 0; i < f->device->num_queues; i++) {
		f->queue_vectors[i] = NO_VECTOR;
		f->device->queues[i].ring.size = QUEUE_SIZE_MAX;
	}
}

/* The device works on its queues between DRIVER_OK and a reset, and while it may reach memory. */
void registers_update(struct function *f)
{
	bool run = has_status(f, VIRTIO_CONFIG_S_DRIVER_OK) &&
		   pci_config_get(&f->config, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
	unsigned int i;

	for (i = 0; i < f->device->num_queues; i++) {
		struct queue *queue = &f->device->queues[i];

		if (!run)
			queue_stop(queue);
		else if (device_start_queue(f->device, queue) < 0)
			device_needs_reset(f->device);
	}
}
