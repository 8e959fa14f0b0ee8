/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "faults.h"
#include "say.h"
#include "vhost_user_backend.h"

#define BIT(n) (1ULL << (n))

#define MEM_SLOTS 32u

static const uint64_t protocol_features = BIT(PROTOCOL_F_MQ) | BIT(PROTOCOL_F_REPLY_ACK) |
					  BIT(PROTOCOL_F_BACKEND_REQ) | BIT(PROTOCOL_F_CONFIG) |
					  BIT(PROTOCOL_F_RESET_DEVICE) |
					  BIT(PROTOCOL_F_CONFIGURE_MEM_SLOTS) |
					  BIT(PROTOCOL_F_STATUS);

static int reply(struct message *m, size_t size)
{
	m->header.size = (uint32_t)size;
	return 1;
}

static int reply_u64(struct message *m, uint64_t value)
{
	m->payload.u64 = value;
	return reply(m, sizeof(m->payload.u64));
}

static struct queue *queue_at(struct backend *b, uint64_t index)
{
	if (index < b->device->num_queues)
		return &b->device->queues[index];
	say("there is no queue %llu", (unsigned long long)index);
	return NULL;
}

static bool translated(const struct backend *b)
{
	return b->features & BIT(VIRTIO_F_ACCESS_PLATFORM);
}

static int get_features(struct backend *b, struct message *m)
{
	return reply_u64(m, b->device->offered | BIT(F_PROTOCOL_FEATURES));
}

/*
 * Comes with every start of the device. What the IOTLB learned before that is no longer true: a
 * front end tells of unmapped addresses only while the device runs.
 */
static int set_features(struct backend *b, struct message *m)
{
	int r;

	if (faults_take(FAULT_AT_FEATURES, 0).kind == FAULT_FEATURES_REFUSED)
		return -EINVAL;
	r = device_negotiate(b->device, m->payload.u64 & ~BIT(F_PROTOCOL_FEATURES));
	if (r < 0)
		return r;
	b->features = m->payload.u64;
	memory_use_iotlb(b->device->memory, translated(b) ? backend_ask_translation : NULL, b);
	return 0;
}

static int set_owner(struct backend *b, struct message *m)
{
	(void)b;
	(void)m;
	return 0;
}

static uint64_t offered_protocol(const struct backend *b)
{
	uint64_t refused = b->device->no_slots ? BIT(PROTOCOL_F_CONFIGURE_MEM_SLOTS) : 0;
	uint64_t window = b->device->dax ? BIT(PROTOCOL_F_SHMEM) | BIT(PROTOCOL_F_HOST_NOTIFIER)
					 : 0;

	return (protocol_features & ~refused) | window;
}

static int get_protocol_features(struct backend *b, struct message *m)
{
	return reply_u64(m, offered_protocol(b));
}

static int set_protocol_features(struct backend *b, struct message *m)
{
	if (m->payload.u64 & ~offered_protocol(b))
		return -EINVAL;
	b->protocol = m->payload.u64;
	return 0;
}

static int get_queue_num(struct backend *b, struct message *m)
{
	return reply_u64(m, b->device->num_queues);
}

static int get_max_mem_slots(struct backend *b, struct message *m)
{
	(void)b;
	return reply_u64(m, MEM_SLOTS);
}

static int add_region(struct backend *b, const struct region *region, int fd)
{
	const struct memory_region r = {
		.bus = region->bus,
		.user = region->user,
		.size = region->size,
		.offset = region->offset,
		.access = ACCESS_READ | ACCESS_WRITE,
	};

	return fd < 0 ? -EINVAL : memory_add(b->device->memory, &r, fd);
}

/* The table replaces what was there; what the IOTLB knows stays true. */
static int set_mem_table(struct backend *b, struct message *m)
{
	uint32_t i, count = m->payload.table.count;
	int r = 0;

	if (count > TABLE_REGIONS || m->fds.count != count ||
		m->header.size < offsetof(struct mem_table, regions) +
					 count * sizeof(m->payload.table.regions[0]))
		return -EINVAL;
	memory_clear_regions(b->device->memory);
	for (i = 0; i < count && r == 0; i++)
		r = add_region(b, &m->payload.table.regions[i], m->fds.fds[i]);
	return r;
}

static int add_mem_reg(struct backend *b, struct message *m)
{
	return m->fds.count == 1 ? add_region(b, &m->payload.reg.region, m->fds.fds[0]) : -EINVAL;
}

static int rem_mem_reg(struct backend *b, struct message *m)
{
	return memory_remove(
		b->device->memory, m->payload.reg.region.bus, m->payload.reg.region.size);
}

static int set_vring_num(struct backend *b, struct message *m)
{
	struct queue *queue = queue_at(b, m->payload.state.index);

	if (!queue || queue->running || !m->payload.state.num ||
		m->payload.state.num > RING_SIZE_MAX)
		return -EINVAL;
	queue->ring.size = (uint16_t)m->payload.state.num;
	return 0;
}

static int set_vring_base(struct backend *b, struct message *m)
{
	struct queue *queue = queue_at(b, m->payload.state.index);

	if (!queue || queue->running)
		return -EINVAL;
	queue->base = (uint16_t)m->payload.state.num;
	return 0;
}

/* A ring may be moved while it is in use: a front end that starts to log does so. */
static int set_vring_addr(struct backend *b, struct message *m)
{
	const struct vring_addr *addr = &m->payload.addr;
	struct queue *queue = queue_at(b, addr->index);

	if (!queue)
		return -EINVAL;
	queue_stop(queue);
	queue->ring.space = translated(b) ? SPACE_BUS : SPACE_USER;
	queue->ring.desc = addr->desc;
	queue->ring.avail = addr->avail;
	queue->ring.used = addr->used;
	return device_start_queue(b->device, queue);
}

static int get_vring_base(struct backend *b, struct message *m)
{
	struct queue *queue = queue_at(b, m->payload.state.index);

	if (!queue)
		return -EINVAL;
	queue_stop(queue);
	/* It starts again with the next kick descriptor. */
	queue_set_kick(queue, -1);
	m->payload.state.num = queue->base;
	return reply(m, sizeof(m->payload.state));
}

static int set_vring_kick(struct backend *b, struct message *m)
{
	struct queue *queue = queue_at(b, m->payload.u64 & 0xff);

	/* Without a descriptor the device would have to poll. */
	if (!queue || m->payload.u64 & VRING_NO_FD || !m->fds.count)
		return -EINVAL;
	queue_stop(queue);
	queue_set_kick(queue, fd_list_take(&m->fds, 0));
	if (!(b->features & BIT(F_PROTOCOL_FEATURES)))
		queue->enabled = true;
	return device_start_queue(b->device, queue);
}

static int set_vring_call(struct backend *b, struct message *m)
{
	struct queue *queue = queue_at(b, m->payload.u64 & 0xff);

	if (!queue)
		return -EINVAL;
	queue_set_call(queue, fd_list_take(&m->fds, 0));
	return 0;
}

static int set_vring_err(struct backend *b, struct message *m)
{
	struct queue *queue = queue_at(b, m->payload.u64 & 0xff);

	if (!queue)
		return -EINVAL;
	queue_set_error(queue, fd_list_take(&m->fds, 0));
	return 0;
}

static int set_vring_enable(struct backend *b, struct message *m)
{
	struct queue *queue = queue_at(b, m->payload.state.index);

	if (!queue || m->payload.state.num > 1)
		return -EINVAL;
	queue->enabled = m->payload.state.num;
	if (queue->enabled)
		return device_start_queue(b->device, queue);
	queue_stop(queue);
	return 0;
}

static int set_backend_req_fd(struct backend *b, struct message *m)
{
	if (m->fds.count != 1)
		return -EINVAL;
	backend_set_requests(b, fd_list_take(&m->fds, 0));
	if (b->device->dax && backend_has(b, PROTOCOL_F_SHMEM))
		backend_show_window(b);
	return 0;
}

static int iotlb_msg(struct backend *b, struct message *m)
{
	const struct vhost_iotlb_msg *iotlb = &m->payload.iotlb;

	if (!translated(b))
		return -EINVAL;
	switch (iotlb->type) {
	case VHOST_IOTLB_UPDATE:
		return memory_translate(b->device->memory, iotlb->iova, iotlb->uaddr, iotlb->size,
			iotlb->perm & (ACCESS_READ | ACCESS_WRITE));
	case VHOST_IOTLB_INVALIDATE:
		memory_invalidate(b->device->memory, iotlb->iova, iotlb->size);
		return 0;
	default:
		return -EINVAL;
	}
}

static int get_config(struct backend *b, struct message *m)
{
	struct config_space *config = &m->payload.config;
	size_t size = sizeof(b->device->config);

	/* No bytes: there is no such configuration. */
	if (config->size > CONFIG_BYTES || config->offset > size ||
		config->size > size - config->offset)
		return reply(m, 0);
	device_read_config(b->device, config->offset, config->bytes, config->size);
	return reply(m, offsetof(struct config_space, bytes) + config->size);
}

/* The DAX window is the region 0. */
static int get_shmem_config(struct backend *b, struct message *m)
{
	memset(&m->payload.shmem, 0, sizeof(m->payload.shmem));
	if (b->device->dax) {
		m->payload.shmem.count = 1;
		m->payload.shmem.sizes[0] = dax_size(b->device->dax);
	}
	return reply(m, sizeof(m->payload.shmem));
}

static int reset_device(struct backend *b, struct message *m)
{
	(void)m;
	device_set_status(b->device, 0);
	return 0;
}

static int set_status(struct backend *b, struct message *m)
{
	device_set_status(b->device, (uint8_t)m->payload.u64);
	return 0;
}

static int get_status(struct backend *b, struct message *m)
{
	return reply_u64(m, device_status(b->device));
}

#define U64	  sizeof(uint64_t)
#define STATE	  sizeof(struct vring_state)
#define REGION	  sizeof(struct mem_reg)
#define TABLE	  offsetof(struct mem_table, regions)
#define CONFIG	  offsetof(struct config_space, bytes)
#define IOTLB	  sizeof(struct vhost_iotlb_msg)
#define ADDRESSES sizeof(struct vring_addr)

static const struct handler {
	int (*handle)(struct backend *b, struct message *m);
	size_t size; /* of the payload, at least */
} handlers[FRONT_END_REQUESTS] = {
	[GET_FEATURES] = {get_features, 0},
	[SET_FEATURES] = {set_features, U64},
	[SET_OWNER] = {set_owner, 0},
	[RESET_OWNER] = {reset_device, 0},
	[SET_MEM_TABLE] = {set_mem_table, TABLE},
	[SET_VRING_NUM] = {set_vring_num, STATE},
	[SET_VRING_ADDR] = {set_vring_addr, ADDRESSES},
	[SET_VRING_BASE] = {set_vring_base, STATE},
	[GET_VRING_BASE] = {get_vring_base, STATE},
	[SET_VRING_KICK] = {set_vring_kick, U64},
	[SET_VRING_CALL] = {set_vring_call, U64},
	[SET_VRING_ERR] = {set_vring_err, U64},
	[GET_PROTOCOL_FEATURES] = {get_protocol_features, 0},
	[SET_PROTOCOL_FEATURES] = {set_protocol_features, U64},
	[GET_QUEUE_NUM] = {get_queue_num, 0},
	[SET_VRING_ENABLE] = {set_vring_enable, STATE},
	[SET_BACKEND_REQ_FD] = {set_backend_req_fd, 0},
	[IOTLB_MSG] = {iotlb_msg, IOTLB},
	[GET_CONFIG] = {get_config, CONFIG},
	[RESET_DEVICE] = {reset_device, 0},
	[GET_MAX_MEM_SLOTS] = {get_max_mem_slots, 0},
	[ADD_MEM_REG] = {add_mem_reg, REGION},
	[REM_MEM_REG] = {rem_mem_reg, REGION},
	[SET_STATUS] = {set_status, U64},
	[GET_STATUS] = {get_status, 0},
	[GET_SHMEM_CONFIG] = {get_shmem_config, 0},
};

int backend_handle(struct backend *b, struct message *m)
{
	const struct handler *handler = NULL;

	if (m->header.request < FRONT_END_REQUESTS)
		handler = &handlers[m->header.request];
	if (!handler || !handler->handle) {
		say("message %u is not known", m->header.request);
		return -ENOTSUP;
	}
	if (m->header.size < handler->size) {
		say("message %u has only %u bytes", m->header.request, m->header.size);
		return -EINVAL;
	}
	return handler->handle(b, m);
}
