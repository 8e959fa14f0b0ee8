/* SPDX-License-Identifier: MIT */
/* A virtio device over a PCI function (virtio 1.3 §4.1). */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#include "core/barrier.h"
#include "core/core.h"
#include "transport/pci.h"
#include "transport/pci_caps.h"
#include "transport/pci_events.h"

#define DEVICE_GONE_STATUS 0xff
#define NO_VECTOR	   0xffff
#define QUEUE_SIZE_MAX	   32768u
#define NUM_QUEUES_MAX	   1024u

/* A configuration that changes this often while it is read is not going to stand still. */
#define GENERATION_TRIES 100

/* What a queue's notification is written to. */
struct doorbell {
	uint64_t offset;	   /* in the notification BAR */
	volatile uint16_t *mapped; /* NULL: it is not, so it is written by the function's table */
};

struct virtio_pci {
	struct vfs_transport base;
	struct vfs_pci *pci;
	struct vfs_virtio_caps caps;
	struct doorbell *doorbells; /* of each queue */
	struct vfs_pci_events events;
	int *vectors; /* eventfds; vector 0 is for configuration changes, and is one of the events
		       */
	unsigned int num_vectors;
};

static struct virtio_pci *to_virtio_pci(struct vfs_transport *t)
{
	return container_of(t, struct virtio_pci, base);
}

#define COMMON(field) offsetof(struct virtio_pci_common_cfg, field)

static int common_read(struct virtio_pci *vp, size_t offset, unsigned int width, uint32_t *value)
{
	return vfs_pci_read(
		vp->pci, vp->caps.common.bar, vp->caps.common.offset + offset, width, value);
}

static int common_write(struct virtio_pci *vp, size_t offset, unsigned int width, uint32_t value)
{
	return vfs_pci_write(
		vp->pci, vp->caps.common.bar, vp->caps.common.offset + offset, width, value);
}

static int common_write64(struct virtio_pci *vp, size_t low, size_t high, uint64_t value)
{
	int r = common_write(vp, low, 4, (uint32_t)value);

	return r < 0 ? r : common_write(vp, high, 4, (uint32_t)(value >> 32));
}

static int gone(const struct vfs_transport *t)
{
	return vfs_error(-ENODEV, "%s is gone", t->name);
}

static int virtio_pci_get_status(struct vfs_transport *t)
{
	uint32_t status;
	int r = common_read(to_virtio_pci(t), COMMON(device_status), 1, &status);

	if (r < 0)
		return r;
	return status == DEVICE_GONE_STATUS ? gone(t) : (int)status;
}

static int virtio_pci_set_status(struct vfs_transport *t, uint8_t status)
{
	return common_write(to_virtio_pci(t), COMMON(device_status), 1, status);
}

static int virtio_pci_reset(struct vfs_transport *t, unsigned int timeout_ms)
{
	struct vfs_deadline deadline = vfs_deadline_in(timeout_ms);
	unsigned int tries;
	int r;

	r = virtio_pci_set_status(t, 0);
	if (r < 0)
		return r;
	for (tries = 0;; tries++) {
		r = virtio_pci_get_status(t);
		if (r <= 0)
			return r;
		if (vfs_deadline_passed(deadline))
			return vfs_error(-ETIMEDOUT,
				"%s did not finish its reset within %u ms (status 0x%x)", t->name,
				timeout_ms, (unsigned int)r);
		poll(NULL, 0, tries < 10 ? 0 : 1);
	}
}

static int virtio_pci_get_features(struct vfs_transport *t, uint64_t *features)
{
	struct virtio_pci *vp = to_virtio_pci(t);
	uint32_t half[2];
	uint32_t i;
	int r = 0;

	for (i = 0; i < 2 && r == 0; i++) {
		r = common_write(vp, COMMON(device_feature_select), 4, i);
		if (r == 0)
			r = common_read(vp, COMMON(device_feature), 4, &half[i]);
	}
	if (r == 0)
		*features = half[0] | (uint64_t)half[1] << 32;
	return r;
}

static int virtio_pci_set_features(struct vfs_transport *t, uint64_t features)
{
	struct virtio_pci *vp = to_virtio_pci(t);
	uint32_t i;
	int r = 0;

	for (i = 0; i < 2 && r == 0; i++) {
		r = common_write(vp, COMMON(guest_feature_select), 4, i);
		if (r == 0)
			r = common_write(
				vp, COMMON(guest_feature), 4, (uint32_t)(features >> (32 * i)));
	}
	return r;
}

static int read_config_once(
	struct virtio_pci *vp, uint32_t offset, uint8_t *buffer, uint32_t length)
{
	/* A 32-bit field has to be read as one, anything else here is bytes (virtio 1.3 §4.1.3.1).
	 */
	unsigned int width = length == 4 && offset % 4 == 0 ? 4 : 1;
	uint32_t value;
	uint32_t i;
	int r;

	for (i = 0; i < length; i += width) {
		r = vfs_pci_read(vp->pci, vp->caps.device.bar, vp->caps.device.offset + offset + i,
			width, &value);
		if (r < 0)
			return r;
		value = htole32(value);
		memcpy(buffer + i, &value, width);
	}
	return 0;
}

static int virtio_pci_read_config(
	struct vfs_transport *t, uint32_t offset, void *buffer, uint32_t length)
{
	struct virtio_pci *vp = to_virtio_pci(t);
	uint32_t before = 0;
	uint32_t after = 0;
	int tries;
	int r;

	if (length > vp->caps.device.length || offset > vp->caps.device.length - length)
		return vfs_error(-EPROTO, "%s: its configuration is too short", t->name);
	for (tries = 0; tries < GENERATION_TRIES; tries++) {
		r = common_read(vp, COMMON(config_generation), 1, &before);
		if (r == 0)
			r = read_config_once(vp, offset, buffer, length);
		if (r == 0)
			r = common_read(vp, COMMON(config_generation), 1, &after);
		if (r < 0)
			return r;
		if (before == after)
			return 0;
	}
	return vfs_error(-EPROTO, "%s: its configuration does not stand still", t->name);
}

static int select_queue(struct virtio_pci *vp, uint16_t queue)
{
	return common_write(vp, COMMON(queue_select), 2, queue);
}

static int virtio_pci_queue_max_size(struct vfs_transport *t, uint16_t queue)
{
	struct virtio_pci *vp = to_virtio_pci(t);
	uint32_t size = 0;
	int r = select_queue(vp, queue);

	if (r == 0)
		r = common_read(vp, COMMON(queue_size), 2, &size);
	if (r < 0)
		return r;
	if (size > QUEUE_SIZE_MAX || (size && !is_power_of_2(size)))
		return vfs_error(-EPROTO, "%s: queue %u has the size %u, which is not allowed",
			t->name, queue, size);
	return (int)size;
}

static unsigned int queue_vector(const struct virtio_pci *vp, uint16_t queue)
{
	return vp->num_vectors == 1 ? 0 : 1 + queue % (vp->num_vectors - 1);
}

static int set_vector(struct virtio_pci *vp, size_t offset, const char *what, uint32_t vector)
{
	uint32_t back;
	int r = common_write(vp, offset, 2, vector);

	if (r == 0)
		r = common_read(vp, offset, 2, &back);
	if (r == 0 && back == NO_VECTOR)
		r = vfs_error(-EIO, "%s refuses the interrupt vector %u for its %s", vp->base.name,
			vector, what);
	return r;
}

static int locate_notify(struct virtio_pci *vp, uint16_t queue)
{
	uint64_t offset;
	uint32_t index;
	int r = common_read(vp, COMMON(queue_notify_off), 2, &index);

	if (r < 0)
		return r;
	offset = (uint64_t)index * vp->caps.notify_multiplier;
	if (offset + 2 > vp->caps.notify.length)
		return vfs_error(-EPROTO, "%s: the doorbell of queue %u is outside its structure",
			vp->base.name, queue);
	if (offset % 2)
		return vfs_error(-EPROTO, "%s: the doorbell of queue %u is misaligned",
			vp->base.name, queue);
	offset += vp->caps.notify.offset;
	vp->doorbells[queue] = (struct doorbell){
		.offset = offset,
		.mapped = (volatile uint16_t *)vfs_pci_mapped(
			vp->pci, vp->caps.notify.bar, offset, sizeof(uint16_t)),
	};
	return 0;
}

static int check_disabled(struct virtio_pci *vp, uint16_t queue)
{
	uint32_t enabled;
	int r = common_read(vp, COMMON(queue_enable), 2, &enabled);

	if (r == 0 && enabled)
		r = vfs_error(-EPROTO, "%s: queue %u is still enabled after the reset",
			vp->base.name, queue);
	return r;
}

static int virtio_pci_enable_queue(
	struct vfs_transport *t, uint16_t queue, const struct vfs_queue_layout *layout)
{
	struct virtio_pci *vp = to_virtio_pci(t);
	int r = select_queue(vp, queue);

	if (r == 0)
		r = check_disabled(vp, queue);
	if (r == 0)
		r = locate_notify(vp, queue);
	if (r == 0)
		r = common_write(vp, COMMON(queue_size), 2, layout->size);
	if (r == 0 && vp->num_vectors)
		r = set_vector(vp, COMMON(queue_msix_vector), "queue", queue_vector(vp, queue));
	if (r == 0)
		r = common_write64(vp, COMMON(queue_desc_lo), COMMON(queue_desc_hi), layout->desc);
	if (r == 0)
		r = common_write64(
			vp, COMMON(queue_avail_lo), COMMON(queue_avail_hi), layout->avail);
	if (r == 0)
		r = common_write64(vp, COMMON(queue_used_lo), COMMON(queue_used_hi), layout->used);
	if (r == 0)
		r = common_write(vp, COMMON(queue_enable), 2, 1);
	return r;
}

static void virtio_pci_notify(struct vfs_transport *t, uint16_t queue)
{
	struct virtio_pci *vp = to_virtio_pci(t);
	const struct doorbell *doorbell = &vp->doorbells[queue];

	vfs_barrier_mmio();
	if (doorbell->mapped) {
		*doorbell->mapped = htole16(queue);
		return;
	}
	/* A doorbell that cannot be rung belongs to a device that is going; events tell of it. */
	(void)vfs_pci_post(vp->pci, vp->caps.notify.bar, doorbell->offset, 2, queue);
}

static void virtio_pci_disable_interrupts(struct vfs_transport *t)
{
	struct virtio_pci *vp = to_virtio_pci(t);
	unsigned int i;

	if (!vp->num_vectors)
		return;
	(void)vp->pci->ops->set_irqs(vp->pci, VFS_PCI_IRQ_MSIX, NULL, 0);
	for (i = 1; i < vp->num_vectors; i++)
		close(vp->vectors[i]);
	free(vp->vectors);
	vp->vectors = NULL;
	vp->num_vectors = 0;
}

static int create_vectors(struct virtio_pci *vp, unsigned int count)
{
	unsigned int i;

	vp->vectors = calloc(count, sizeof(*vp->vectors));
	if (!vp->vectors)
		return vfs_error(-ENOMEM, "out of memory");
	vp->vectors[0] = vp->events.fds[VFS_PCI_EVENT_CONFIG];
	for (i = 1; i < count; i++) {
		int fd = vfs_eventfd_create();

		if (fd < 0) {
			while (--i > 0)
				close(vp->vectors[i]);
			free(vp->vectors);
			vp->vectors = NULL;
			return fd;
		}
		vp->vectors[i] = fd;
	}
	vp->num_vectors = count;
	return 0;
}

static int virtio_pci_enable_interrupts(struct vfs_transport *t, unsigned int num_queues)
{
	struct virtio_pci *vp = to_virtio_pci(t);
	unsigned int count = num_queues + 1;
	int r;

	if (!vp->pci->num_msix)
		return vfs_error(-ENOTSUP, "%s has no MSI-X interrupts", t->name);
	if (count > vp->pci->num_msix)
		count = vp->pci->num_msix;
	r = create_vectors(vp, count);
	if (r < 0)
		return r;
	r = vp->pci->ops->set_irqs(vp->pci, VFS_PCI_IRQ_MSIX, vp->vectors, count);
	if (r == 0)
		r = set_vector(vp, COMMON(msix_config), "configuration", 0);
	if (r < 0)
		virtio_pci_disable_interrupts(t);
	return r;
}

static int virtio_pci_queue_fd(struct vfs_transport *t, uint16_t queue)
{
	struct virtio_pci *vp = to_virtio_pci(t);

	return vp->num_vectors ? vp->vectors[queue_vector(vp, queue)] : -ENOTSUP;
}

static int virtio_pci_shm_region(struct vfs_transport *t, uint8_t id, struct vfs_shm_region *region)
{
	const struct virtio_pci *vp = to_virtio_pci(t);
	const struct vfs_virtio_cap *shm = &vp->caps.shm;
	volatile uint8_t *addr;

	*region = (struct vfs_shm_region){0};
	if (id != 0 || !shm->present)
		return -ENOENT;
	addr = vfs_pci_mapped(vp->pci, shm->bar, shm->offset, shm->length);
	if (!addr) {
		vfs_log(VFS_LOG_WARNING,
			"%s: its DAX window cannot be used, as BAR %u cannot be mapped", t->name,
			shm->bar);
		return -ENOTSUP;
	}
	/* Memory, unlike the registers that the rest of BARs holds. */
	*region = (struct vfs_shm_region){.length = shm->length, .addr = (void *)(uintptr_t)addr};
	return 0;
}

static int virtio_pci_dma_map(struct vfs_transport *t, const struct vfs_dma_map *map)
{
	struct vfs_pci *pci = to_virtio_pci(t)->pci;

	return pci->ops->dma_map(pci, map);
}

static int virtio_pci_dma_unmap(struct vfs_transport *t, uint64_t iova, uint64_t length)
{
	struct vfs_pci *pci = to_virtio_pci(t)->pci;

	return pci->ops->dma_unmap(pci, iova, length);
}

static int virtio_pci_set_bus_master(struct vfs_transport *t, bool on)
{
	struct virtio_pci *vp = to_virtio_pci(t);
	uint32_t command;
	int r = vfs_pci_read(vp->pci, VFS_PCI_CONFIG_REGION, PCI_COMMAND, 2, &command);

	if (r < 0)
		return r;
	command |= PCI_COMMAND_MEMORY;
	if (on)
		command |= PCI_COMMAND_MASTER;
	else
		command &= ~(uint32_t)PCI_COMMAND_MASTER;
	return vfs_pci_write(vp->pci, VFS_PCI_CONFIG_REGION, PCI_COMMAND, 2, command);
}

static int virtio_pci_event_fd(struct vfs_transport *t)
{
	return to_virtio_pci(t)->events.epoll;
}

static int virtio_pci_check_events(struct vfs_transport *t)
{
	return vfs_pci_events_check(&to_virtio_pci(t)->events);
}

static void virtio_pci_close(struct vfs_transport *t)
{
	struct virtio_pci *vp = to_virtio_pci(t);

	virtio_pci_disable_interrupts(t);
	vp->pci->ops->close(vp->pci);
	vfs_pci_events_fini(&vp->events);
	free(vp->doorbells);
	free(vp);
}

static const struct vfs_transport_ops virtio_pci_ops = {
	.reset = virtio_pci_reset,
	.get_status = virtio_pci_get_status,
	.set_status = virtio_pci_set_status,
	.get_features = virtio_pci_get_features,
	.set_features = virtio_pci_set_features,
	.read_config = virtio_pci_read_config,
	.queue_max_size = virtio_pci_queue_max_size,
	.enable_queue = virtio_pci_enable_queue,
	.notify = virtio_pci_notify,
	.enable_interrupts = virtio_pci_enable_interrupts,
	.disable_interrupts = virtio_pci_disable_interrupts,
	.queue_fd = virtio_pci_queue_fd,
	.shm_region = virtio_pci_shm_region,
	.dma_map = virtio_pci_dma_map,
	.dma_unmap = virtio_pci_dma_unmap,
	.set_bus_master = virtio_pci_set_bus_master,
	.event_fd = virtio_pci_event_fd,
	.check_events = virtio_pci_check_events,
	.close = virtio_pci_close,
};

static int read_caps(struct virtio_pci *vp)
{
	uint8_t config[VFS_PCI_CONFIG_BYTES];
	uint64_t bar_sizes[VFS_PCI_NUM_BARS];
	unsigned int i;
	int r;

	for (i = 0; i < sizeof(config); i += 4) {
		uint32_t value;

		r = vfs_pci_read(vp->pci, VFS_PCI_CONFIG_REGION, i, 4, &value);
		if (r < 0)
			return r;
		value = htole32(value);
		memcpy(config + i, &value, 4);
	}
	for (i = 0; i < VFS_PCI_NUM_BARS; i++)
		bar_sizes[i] = vp->pci->regions[i].size;
	r = vfs_virtio_caps_parse(config, bar_sizes, &vp->caps);
	if (r < 0)
		vfs_error_prefix("%s", vp->base.name);
	return r;
}

static int read_num_queues(struct virtio_pci *vp)
{
	uint32_t count;
	int r = common_read(vp, COMMON(num_queues), 2, &count);

	if (r < 0)
		return r;
	if (count > NUM_QUEUES_MAX)
		return vfs_error(-EPROTO, "%s has %u queues, more than a virtio-fs device can",
			vp->base.name, count);
	vp->base.num_queues = (uint16_t)count;
	vp->doorbells = calloc(count + 1, sizeof(*vp->doorbells));
	return vp->doorbells ? 0 : vfs_error(-ENOMEM, "out of memory");
}

int vfs_virtio_pci_create(struct vfs_pci *pci, struct vfs_transport **transport)
{
	struct virtio_pci *vp = calloc(1, sizeof(*vp));
	int r;

	if (!vp) {
		pci->ops->close(pci);
		return vfs_error(-ENOMEM, "out of memory");
	}
	vp->base.ops = &virtio_pci_ops;
	vp->base.limits = pci->limits;
	vp->base.num_vectors = pci->num_msix;
	snprintf(vp->base.name, sizeof(vp->base.name), "%s", pci->name);
	snprintf(vp->base.bdf, sizeof(vp->base.bdf), "%s", pci->bdf);
	vp->pci = pci;
	vfs_pci_events_init(&vp->events, pci);
	r = read_caps(vp);
	if (r == 0)
		r = vfs_pci_events_open(&vp->events);
	/* Registers are in memory space; no bus mastering before there is something to reach. */
	if (r == 0)
		r = virtio_pci_set_bus_master(&vp->base, false);
	if (r == 0)
		r = read_num_queues(vp);
	if (r < 0) {
		virtio_pci_close(&vp->base);
		return r;
	}
	*transport = &vp->base;
	return 0;
}
