/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/vfio.h>

#include "say.h"
#include "vfio_user_client.h"

#define VERSION_MAJOR 0
#define VERSION_MINOR 1

#define DMA_MAPS_MAX 65535u

#define NUM_REGIONS VFIO_PCI_NUM_REGIONS
#define NUM_IRQS    VFIO_PCI_NUM_IRQS

struct version {
	uint16_t major;
	uint16_t minor;
	char data[];
};

/* Of the fixed part. @m has that many bytes at least. */
static void *payload_of(struct client *c)
{
	return c->message.payload;
}

static int reply(struct client *c, size_t size)
{
	c->message.size = size;
	return 0;
}

/* Nothing that a client may offer changes what we do, so it need only be well-formed at its ends.
 */
static bool capabilities_are_good(const struct vfio_user_message *m)
{
	const struct version *version = m->payload;
	size_t size = m->size - sizeof(*version);

	return !size || (size > 1 && version->data[0] == '{' && !version->data[size - 1]);
}

static int agree(struct client *c)
{
	struct version *version = payload_of(c);
	int n;

	if (c->agreed || c->message.fds.count || !capabilities_are_good(&c->message))
		return -EINVAL;
	if (version->major != VERSION_MAJOR) {
		say("the client speaks version %u.%u", version->major, version->minor);
		return -EINVAL;
	}
	if (version->minor > VERSION_MINOR)
		version->minor = VERSION_MINOR;
	n = snprintf(version->data, 256,
		"{\"capabilities\":{\"max_msg_fds\":%u,\"max_data_xfer_size\":%u,"
		"\"max_dma_maps\":%u}}",
		MESSAGE_FDS, MESSAGE_DATA, DMA_MAPS_MAX);
	c->agreed = true;
	return reply(c, sizeof(*version) + (size_t)n + 1);
}

/*
 * Memory without a descriptor could only be had by asking the client for each piece of it. None of
 * it is meant for a driver's rings; it is known, so that it can be unmapped, and cannot be reached.
 */
static int dma_map(struct client *c)
{
	const struct dma_map *map = payload_of(c);
	struct memory_region region = {
		.bus = map->address,
		.size = map->size,
		.offset = map->offset,
	};
	struct memory *memory = c->function->device->memory;
	int r;

	if (c->message.fds.count > 1 || map->flags & ~(DMA_READABLE | DMA_WRITABLE))
		return -EINVAL;
	if (c->message.fds.count) {
		if (map->flags & DMA_READABLE)
			region.access |= ACCESS_READ;
		if (map->flags & DMA_WRITABLE)
			region.access |= ACCESS_WRITE;
	}
	if (memory_overlaps(memory, map->address, map->size)) {
		say("%#llx bytes at %#llx are mapped over others", (unsigned long long)map->size,
			(unsigned long long)map->address);
		return -EEXIST;
	}
	r = memory_add(memory, &region, c->message.fds.count ? c->message.fds.fds[0] : -1);
	return r < 0 ? r : reply(c, 0);
}

/*
 * A client is to name a mapping as it was made. QEMU takes us for the kernel, which forgets all
 * mappings in a range, be there any or not; what it believes to be gone must not be reached, so
 * that is done, and said. It answers with what it was asked.
 */
static int dma_unmap(struct client *c)
{
	const struct dma_unmap *unmap = payload_of(c);
	struct memory *memory = c->function->device->memory;

	if (unmap->flags == DMA_UNMAP_ALL && !unmap->address && !unmap->size) {
		memory_clear_regions(memory);
		return reply(c, sizeof(*unmap));
	}
	if (unmap->flags)
		return -EINVAL;
	if (memory_remove(memory, unmap->address, unmap->size) < 0) {
		say("%#llx bytes at %#llx are unmapped, and were not mapped like that",
			(unsigned long long)unmap->size, (unsigned long long)unmap->address);
		if (memory_remove_inside(memory, unmap->address, unmap->size) < 0)
			return -EINVAL;
	}
	return reply(c, sizeof(*unmap));
}

static int get_info(struct client *c)
{
	struct device_info *info = payload_of(c);

	if (info->argsz < sizeof(*info))
		return -EINVAL;
	*info = (struct device_info){
		.argsz = sizeof(*info),
		.flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI,
		.num_regions = NUM_REGIONS,
		.num_irqs = NUM_IRQS,
	};
	return reply(c, sizeof(*info));
}

#define SPARSE_BYTES                                       \
	(sizeof(struct vfio_region_info_cap_sparse_mmap) + \
		sizeof(struct vfio_region_sparse_mmap_area))

/* All of the window, told as the part of its region that can be mapped. */
static size_t describe_window(struct client *c, struct vfio_region_info *info, uint32_t room)
{
	struct vfio_region_info_cap_sparse_mmap *sparse = (void *)(info + 1);

	info->flags |= VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS;
	info->argsz = sizeof(*info) + SPARSE_BYTES;
	/* QEMU wants to know where it would be even if it has left no room for it. */
	info->cap_offset = sizeof(*info);
	c->message.reply_fd = c->function->window.fd;
	if (room < info->argsz)
		return sizeof(*info);
	*sparse = (struct vfio_region_info_cap_sparse_mmap){
		.header = {.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP, .version = 1},
		.nr_areas = 1,
	};
	sparse->areas[0] = (struct vfio_region_sparse_mmap_area){.size = info->size};
	return info->argsz;
}

static int get_region_info(struct client *c)
{
	struct vfio_region_info *info = payload_of(c);
	uint32_t room = info->argsz;
	uint32_t index = info->index;
	size_t size = sizeof(*info);

	if (room < sizeof(*info) || index >= NUM_REGIONS)
		return -EINVAL;
	*info = (struct vfio_region_info){
		.argsz = sizeof(*info),
		.index = index,
		.size = function_region_size(c->function, index),
	};
	if (info->size)
		info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (info->size && index == BAR_WINDOW)
		size = describe_window(c, info, room);
	return reply(c, size);
}

#define IRQ_INFO_BYTES 16u

static int get_irq_info(struct client *c)
{
	struct vfio_irq_info *info = payload_of(c);

	if (info->argsz < IRQ_INFO_BYTES || info->index >= NUM_IRQS)
		return -EINVAL;
	info->argsz = IRQ_INFO_BYTES;
	info->count = interrupts_count(&c->function->interrupts, info->index);
	info->flags = 0;
	if (info->count)
		info->flags = VFIO_IRQ_INFO_EVENTFD;
	if (info->index != VFIO_PCI_MSIX_IRQ_INDEX)
		info->flags |= VFIO_IRQ_INFO_NORESIZE;
	return reply(c, IRQ_INFO_BYTES);
}

static int set_irqs(struct client *c)
{
	const struct vfio_irq_set *set = payload_of(c);
	struct vfio_user_message *m = &c->message;
	int r = interrupts_set(&c->function->interrupts, set, m->fds.fds, m->fds.count, set->data,
		m->size - sizeof(*set));

	if (r < 0)
		return r;
	function_interrupts_changed(c->function);
	return reply(c, 0);
}

static int region_read(struct client *c)
{
	struct region_access *access = payload_of(c);
	int r;

	if (access->count > MESSAGE_DATA)
		return -EINVAL;
	r = function_read(c->function, access->region, access->offset, access->data, access->count);
	return r < 0 ? r : reply(c, sizeof(*access) + access->count);
}

static int region_write(struct client *c)
{
	struct region_access *access = payload_of(c);
	int r;

	if (access->count != c->message.size - sizeof(*access))
		return -EINVAL;
	r = function_write(
		c->function, access->region, access->offset, access->data, access->count);
	return r < 0 ? r : reply(c, sizeof(*access));
}

static int reset(struct client *c)
{
	function_reset(c->function);
	return reply(c, 0);
}

static const struct handler {
	int (*handle)(struct client *c);
	size_t size; /* of the payload, at least */
} handlers[COMMANDS] = {
	[COMMAND_VERSION] = {agree, sizeof(struct version)},
	[COMMAND_DMA_MAP] = {dma_map, sizeof(struct dma_map)},
	[COMMAND_DMA_UNMAP] = {dma_unmap, sizeof(struct dma_unmap)},
	[COMMAND_GET_INFO] = {get_info, sizeof(struct device_info)},
	[COMMAND_GET_REGION_INFO] = {get_region_info, sizeof(struct vfio_region_info)},
	[COMMAND_GET_IRQ_INFO] = {get_irq_info, IRQ_INFO_BYTES},
	[COMMAND_SET_IRQS] = {set_irqs, sizeof(struct vfio_irq_set)},
	[COMMAND_REGION_READ] = {region_read, sizeof(struct region_access)},
	[COMMAND_REGION_WRITE] = {region_write, sizeof(struct region_access)},
	[COMMAND_RESET] = {reset, 0},
};

int client_handle(struct client *c)
{
	const struct vfio_user_message *m = &c->message;
	const struct handler *handler = NULL;

	if (m->header.command < COMMANDS)
		handler = &handlers[m->header.command];
	if (!handler || !handler->handle)
		return -ENOTSUP;
	if (m->size < handler->size || (!c->agreed && m->header.command != COMMAND_VERSION))
		return -EINVAL;
	return handler->handle(c);
}
