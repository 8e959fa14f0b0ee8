/* SPDX-License-Identifier: MIT */
/* A PCI function that is a vfio-user server's: what the kernel does for VFIO goes by messages. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/core.h"
#include "transport/vfio.h"
#include "transport/vfio_user.h"

#define ANSWER_MS 10000u

/* Bytes of one register access. */
#define ACCESS_MAX 8u

/* A server has a table of mappings, the protocol no word for its size. */
#define DMA_ENTRIES 65535u

struct mapping {
	uint64_t iova;
	uint64_t length;
};

struct vfio_user {
	struct vfs_pci base;
	struct vfs_vfio_channel channel;
	struct vfs_vfio_user_channel user;
	struct mapping *mappings; /* what the server has */
	unsigned int num_mappings;
};

static struct vfio_user *to_vfio_user(struct vfs_pci *pci)
{
	return container_of(pci, struct vfio_user, base);
}

static uint16_t command_of(unsigned long request)
{
	switch (request) {
	case VFIO_DEVICE_GET_INFO:
		return VFIO_USER_DEVICE_GET_INFO;
	case VFIO_DEVICE_GET_REGION_INFO:
		return VFIO_USER_DEVICE_GET_REGION_INFO;
	default:
		return VFIO_USER_DEVICE_GET_IRQ_INFO;
	}
}

static uint32_t fixed_size(unsigned long request)
{
	switch (request) {
	case VFIO_DEVICE_GET_INFO:
		return sizeof(struct vfio_device_info);
	case VFIO_DEVICE_GET_REGION_INFO:
		return sizeof(struct vfio_region_info);
	default:
		return sizeof(struct vfio_irq_info);
	}
}

/* The kernel's structure has grown; the protocol's has the size that it was born with. */
#define DEVICE_INFO_SIZE 16u

static int vfio_user_query(
	struct vfs_vfio_channel *channel, unsigned long request, void *arg, int *fd)
{
	struct vfio_user *vu = container_of(channel, struct vfio_user, channel);
	struct vfs_socket_fds fds = {0};
	uint32_t argsz = *(const uint32_t *)arg;
	uint32_t size = request == VFIO_DEVICE_GET_INFO ? DEVICE_INFO_SIZE : fixed_size(request);
	struct iovec iov = {.iov_base = arg, .iov_len = size};
	struct vfs_vfio_user_call call = {
		.command = command_of(request),
		.request = &iov,
		.num_request = 1,
		.reply = arg,
		.reply_min = size,
		.reply_max = argsz,
		.reply_fds = &fds,
	};
	int r = vfs_vfio_user_call(&vu->user, &call);

	while (fds.count > 1)
		close(fds.fds[--fds.count]);
	*fd = fds.count ? fds.fds[0] : -1;
	if (r < 0 && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return r;
}

static int set_some_irqs(struct vfio_user *vu, const struct vfio_irq_set *set, const int *fds)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)set, .iov_len = sizeof(*set)};
	struct vfs_vfio_user_call call = {
		.command = VFIO_USER_DEVICE_SET_IRQS,
		.request = &iov,
		.num_request = 1,
		.fds = fds,
		.num_fds = set->count,
	};

	return vfs_vfio_user_call(&vu->user, &call);
}

/* As many at a time as the server takes descriptors with a message. */
static int vfio_user_channel_set_irqs(
	struct vfs_vfio_channel *channel, const struct vfio_irq_set *set, const int *fds)
{
	struct vfio_user *vu = container_of(channel, struct vfio_user, channel);
	struct vfio_irq_set some = *set;
	uint32_t end = set->start + set->count;
	int r;

	do {
		some.count = end - some.start;
		if (some.count > vu->user.max_fds)
			some.count = vu->user.max_fds;
		r = set_some_irqs(vu, &some, fds ? fds + (some.start - set->start) : NULL);
		some.start += some.count;
	} while (r == 0 && some.start < end);
	return r;
}

static int vfio_user_set_irqs(
	struct vfs_pci *pci, enum vfs_pci_irq irq, const int *fds, unsigned int count)
{
	return vfs_vfio_device_set_irqs(&to_vfio_user(pci)->channel, irq, fds, count);
}

static int vfio_user_region_read(
	struct vfs_pci *pci, unsigned int region, uint64_t offset, void *buffer, size_t length)
{
	struct {
		struct vfs_vfio_user_region_access access;
		uint8_t data[ACCESS_MAX];
	} reply;
	struct vfs_vfio_user_region_access access = {
		.offset = offset, .region = region, .count = (uint32_t)length};
	struct iovec iov = {.iov_base = &access, .iov_len = sizeof(access)};
	struct vfs_vfio_user_call call = {
		.command = VFIO_USER_REGION_READ,
		.request = &iov,
		.num_request = 1,
		.reply = &reply,
		.reply_min = sizeof(access) + length,
		.reply_max = sizeof(access) + length,
	};
	int r;

	if (length > ACCESS_MAX)
		return vfs_error(-EINVAL, "%s: a register of %zu bytes", pci->name, length);
	r = vfs_vfio_user_call(&to_vfio_user(pci)->user, &call);
	if (r == 0)
		memcpy(buffer, reply.data, length);
	return r;
}

static int write_region(struct vfs_pci *pci, unsigned int region, uint64_t offset,
	const void *buffer, size_t length, bool posted)
{
	struct vfs_vfio_user_region_access access = {
		.offset = offset, .region = region, .count = (uint32_t)length};
	struct vfs_vfio_user_region_access reply;
	struct iovec iov[] = {
		{.iov_base = &access, .iov_len = sizeof(access)},
		{.iov_base = (void *)(uintptr_t)buffer, .iov_len = length},
	};
	struct vfs_vfio_user_call call = {
		.command = VFIO_USER_REGION_WRITE,
		.request = iov,
		.num_request = ARRAY_SIZE(iov),
		.reply = &reply,
		.reply_min = sizeof(reply),
		.reply_max = sizeof(reply),
		.posted = posted,
	};

	return vfs_vfio_user_call(&to_vfio_user(pci)->user, &call);
}

static int vfio_user_region_write(struct vfs_pci *pci, unsigned int region, uint64_t offset,
	const void *buffer, size_t length)
{
	return write_region(pci, region, offset, buffer, length, false);
}

static int vfio_user_region_post(struct vfs_pci *pci, unsigned int region, uint64_t offset,
	const void *buffer, size_t length)
{
	return write_region(pci, region, offset, buffer, length, true);
}

static int remember_mapping(struct vfio_user *vu, const struct vfs_dma_map *map)
{
	struct mapping *mappings;

	if (vu->num_mappings == DMA_ENTRIES)
		return vfs_error(-ENOSPC, "%s: more than %u mappings", vu->base.name, DMA_ENTRIES);
	mappings = realloc(vu->mappings, (vu->num_mappings + 1) * sizeof(*mappings));
	if (!mappings)
		return vfs_error(-ENOMEM, "out of memory");
	vu->mappings = mappings;
	mappings[vu->num_mappings++] = (struct mapping){.iova = map->iova, .length = map->length};
	return 0;
}

static int vfio_user_dma_map(struct vfs_pci *pci, const struct vfs_dma_map *map)
{
	struct vfio_user *vu = to_vfio_user(pci);
	struct vfs_vfio_user_dma_map request = {
		.argsz = sizeof(request),
		/* The flags have the kernel's values: readable 1, writable 2. */
		.flags = map->access,
		.offset = map->fd_offset,
		.address = map->iova,
		.size = map->length,
	};
	struct iovec iov = {.iov_base = &request, .iov_len = sizeof(request)};
	struct vfs_vfio_user_call call = {
		.command = VFIO_USER_DMA_MAP,
		.request = &iov,
		.num_request = 1,
		.fds = &map->fd,
		.num_fds = 1,
	};
	int r;

	if (map->fd < 0)
		return vfs_error(
			-ENOTSUP, "%s: memory without a descriptor cannot be shared", pci->name);
	r = remember_mapping(vu, map);
	if (r < 0)
		return r;
	r = vfs_vfio_user_call(&vu->user, &call);
	if (r < 0)
		vu->num_mappings--;
	return r;
}

static int unmap_one(struct vfio_user *vu, const struct mapping *mapping)
{
	struct vfs_vfio_user_dma_unmap reply;
	struct vfs_vfio_user_dma_unmap request = {
		.argsz = sizeof(request),
		.address = mapping->iova,
		.size = mapping->length,
	};
	struct iovec iov = {.iov_base = &request, .iov_len = sizeof(request)};
	struct vfs_vfio_user_call call = {
		.command = VFIO_USER_DMA_UNMAP,
		.request = &iov,
		.num_request = 1,
		.reply = &reply,
		.reply_max = sizeof(reply),
	};

	return vfs_vfio_user_call(&vu->user, &call);
}

/* The kernel takes a range with several mappings in it; a server wants each as it was made. */
static int vfio_user_dma_unmap(struct vfs_pci *pci, uint64_t iova, uint64_t length)
{
	struct vfio_user *vu = to_vfio_user(pci);
	unsigned int i = 0;
	int r = 0;

	while (i < vu->num_mappings) {
		struct mapping mapping = vu->mappings[i];
		int error;

		if (mapping.iova < iova || mapping.iova - iova >= length) {
			i++;
			continue;
		}
		vu->mappings[i] = vu->mappings[--vu->num_mappings];
		error = unmap_one(vu, &mapping);
		r = r < 0 ? r : error;
	}
	return r;
}

static int vfio_user_hangup_fd(struct vfs_pci *pci)
{
	return to_vfio_user(pci)->user.socket.fd;
}

static int vfio_user_check(struct vfs_pci *pci)
{
	if (vfs_vfio_user_alive(&to_vfio_user(pci)->user))
		return 0;
	return vfs_error(-ENODEV, "%s: the vfio-user server is gone", pci->name);
}

static void vfio_user_close(struct vfs_pci *pci)
{
	struct vfio_user *vu = to_vfio_user(pci);

	vfs_vfio_device_unmap(pci);
	vfs_socket_disconnect(&vu->user.socket);
	pthread_mutex_destroy(&vu->user.lock);
	free(vu->mappings);
	free(vu);
}

static const struct vfs_pci_ops vfio_user_ops = {
	.region_read = vfio_user_region_read,
	.region_write = vfio_user_region_write,
	.region_post = vfio_user_region_post,
	.set_irqs = vfio_user_set_irqs,
	.dma_map = vfio_user_dma_map,
	.dma_unmap = vfio_user_dma_unmap,
	.hangup_fd = vfio_user_hangup_fd,
	.check = vfio_user_check,
	.close = vfio_user_close,
};

static int set_up(struct vfio_user *vu, const char *path)
{
	int r = vfs_socket_connect(&vu->user.socket, path, ANSWER_MS);

	if (r == 0)
		r = vfs_vfio_user_negotiate(&vu->user);
	if (r == 0)
		r = vfs_vfio_device_probe(&vu->channel, &vu->base);
	return r;
}

int vfs_vfio_user_open(const char *path, struct vfs_pci **pci)
{
	struct vfio_user *vu = calloc(1, sizeof(*vu));
	const char *name = strrchr(path, '/');
	int r;

	if (!vu)
		return vfs_error(-ENOMEM, "out of memory");
	vu->base.ops = &vfio_user_ops;
	vu->base.limits = (struct vfs_dma_limits){
		.translation = VFS_MEMORY_TABLE,
		.ranges = {{.start = 0, .last = (1ULL << 47) - 1}},
		.num_ranges = 1,
		.page_size = (uint64_t)sysconf(_SC_PAGESIZE),
		.max_entries = DMA_ENTRIES,
	};
	vu->channel = (struct vfs_vfio_channel){
		.query = vfio_user_query, .set_irqs = vfio_user_channel_set_irqs, .owned = true};
	pthread_mutex_init(&vu->user.lock, NULL);
	vu->user.socket.fd = -1;
	snprintf(vu->base.name, sizeof(vu->base.name), "vfio-user %.36s", name ? name + 1 : path);
	r = set_up(vu, path);
	if (r < 0) {
		vfio_user_close(&vu->base);
		return r;
	}
	*pci = &vu->base;
	return 0;
}
