/* SPDX-License-Identifier: MIT */
/*
 * A virtio device that is a daemon on a Unix socket: no PCI, no virtual machine, no privilege.
 * What a VMM does for its guest's driver is done here: status and configuration that the daemon
 * does not keep are kept on this side.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_fs.h>

#include "core/core.h"
#include "transport/vhost_user.h"
#include "transport/vhost_user_backend.h"
#include "transport/vhost_user_memory.h"

/* Messages of the daemon that take long (stopping a queue waits for what is in flight). */
#define ANSWER_MS 10000u

/* The protocol does not say how large a ring may be; every daemon takes this. */
#define QUEUE_SIZE 256

/* VIRTIO_FS_F_NOTIFICATION, which <linux/virtio_fs.h> does not have. */
#define FS_F_NOTIFICATION 0

#define QUEUES_MAX 256u

#define BIT(n) (1ULL << (n))

static const uint64_t wanted_protocol_features = BIT(VHOST_USER_PROTOCOL_F_MQ) |
						 BIT(VHOST_USER_PROTOCOL_F_REPLY_ACK) |
						 BIT(VHOST_USER_PROTOCOL_F_CONFIG) |
						 BIT(VHOST_USER_PROTOCOL_F_RESET_DEVICE) |
						 BIT(VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS) |
						 BIT(VHOST_USER_PROTOCOL_F_STATUS);

/* A window is mapped at the daemon's word, which comes over a socket of its own. */
static const uint64_t window_protocol_features = BIT(VHOST_USER_PROTOCOL_F_BACKEND_REQ) |
						 BIT(VHOST_USER_PROTOCOL_F_SHMEM);

struct queue {
	int kick;
	int call;
	bool enabled;
};

/* What the configuration has with a notification queue, and without all but its last field. */
struct fs_config {
	struct virtio_fs_config base;
	uint32_t notify_buf_size; /* little-endian */
};

struct vhost_user {
	struct vfs_transport base;
	struct vfs_vhost_user_channel channel;
	uint64_t offered; /* by the daemon, VHOST_USER_F_PROTOCOL_FEATURES included */
	uint64_t protocol;
	_Atomic uint8_t status; /* as it was set here */
	struct fs_config config;
	uint32_t config_length;
	struct vfs_vhost_user_memory memory;
	struct queue *queues;
	int error; /* the daemon signals it when a ring is broken */
	int epoll;
	struct vfs_vhost_user_backend backend; /* all zero: the daemon has no window */
};

static struct vhost_user *to_vhost_user(struct vfs_transport *t)
{
	return container_of(t, struct vhost_user, base);
}

static bool has(const struct vhost_user *vu, unsigned int protocol_feature)
{
	return (vu->protocol >> protocol_feature & 1) != 0;
}

static int send_u64(struct vhost_user *vu, uint32_t request, uint64_t value)
{
	struct vfs_vhost_user_message m = {
		.request = request, .payload = &value, .size = sizeof(value)};

	return vfs_vhost_user_send(&vu->channel, &m);
}

static int send_empty(struct vhost_user *vu, uint32_t request)
{
	struct vfs_vhost_user_message m = {.request = request};

	return vfs_vhost_user_send(&vu->channel, &m);
}

static int send_state(struct vhost_user *vu, uint32_t request, uint16_t queue, uint32_t num)
{
	struct vfs_vhost_user_vring_state state = {.index = queue, .num = num};
	struct vfs_vhost_user_message m = {
		.request = request, .payload = &state, .size = sizeof(state)};

	return vfs_vhost_user_send(&vu->channel, &m);
}

static int send_fd(struct vhost_user *vu, uint32_t request, uint16_t queue, int fd)
{
	uint64_t value = queue;
	struct vfs_vhost_user_message m = {.request = request,
		.payload = &value,
		.size = sizeof(value),
		.fds = &fd,
		.num_fds = 1};

	return vfs_vhost_user_send(&vu->channel, &m);
}

static int ask_u64(struct vhost_user *vu, uint32_t request, uint64_t *value)
{
	struct vfs_vhost_user_message m = {.request = request};

	return vfs_vhost_user_ask(&vu->channel, &m, value, sizeof(*value), sizeof(*value));
}

/* A queue stops when its base is asked for. */
static int stop_queue(struct vhost_user *vu, uint16_t queue)
{
	struct vfs_vhost_user_vring_state state = {.index = queue};
	struct vfs_vhost_user_message m = {
		.request = VHOST_USER_GET_VRING_BASE, .payload = &state, .size = sizeof(state)};
	struct vfs_vhost_user_vring_state reply;

	vu->queues[queue].enabled = false;
	return vfs_vhost_user_ask(&vu->channel, &m, &reply, sizeof(reply), sizeof(reply));
}

static int vhost_user_reset(struct vfs_transport *t, unsigned int timeout_ms)
{
	struct vhost_user *vu = to_vhost_user(t);
	uint16_t queue;
	int r = 0;

	vfs_vhost_user_set_timeout(&vu->channel, timeout_ms);
	for (queue = 0; queue < t->num_queues && r == 0; queue++)
		if (vu->queues[queue].enabled)
			r = stop_queue(vu, queue);
	if (r == 0 && vu->status && has(vu, VHOST_USER_PROTOCOL_F_STATUS))
		r = send_u64(vu, VHOST_USER_SET_STATUS, 0);
	if (r == 0 && vu->status && has(vu, VHOST_USER_PROTOCOL_F_RESET_DEVICE))
		r = send_empty(vu, VHOST_USER_RESET_DEVICE);
	vfs_vhost_user_set_timeout(&vu->channel, ANSWER_MS);
	vu->status = 0;
	return r;
}

/* A daemon knows more than this side: that it needs a reset. One that says 0 keeps none. */
static int ask_status(struct vhost_user *vu)
{
	uint64_t status;
	int r = ask_u64(vu, VHOST_USER_GET_STATUS, &status);

	if (r < 0)
		return r;
	if (status > UINT8_MAX)
		return vfs_error(-EPROTO, "%s has the status 0x%llx", vu->base.name,
			(unsigned long long)status);
	return status ? (int)status : vu->status;
}

static int vhost_user_get_status(struct vfs_transport *t)
{
	struct vhost_user *vu = to_vhost_user(t);

	if (!vfs_vhost_user_alive(&vu->channel))
		return vfs_error(-ENODEV, "%s: the daemon is gone", t->name);
	if (!vu->status || !has(vu, VHOST_USER_PROTOCOL_F_STATUS))
		return vu->status;
	return ask_status(vu);
}

static int vhost_user_set_status(struct vfs_transport *t, uint8_t status)
{
	struct vhost_user *vu = to_vhost_user(t);

	vu->status = status;
	if (has(vu, VHOST_USER_PROTOCOL_F_STATUS))
		return send_u64(vu, VHOST_USER_SET_STATUS, status);
	return 0;
}

static int vhost_user_get_features(struct vfs_transport *t, uint64_t *features)
{
	/*
	 * ACCESS_PLATFORM would mean that addresses go through an IOTLB that this side has to
	 * feed. Without it they are those of the memory table, which are our own as well.
	 */
	*features = to_vhost_user(t)->offered &
		    ~(BIT(VHOST_USER_F_PROTOCOL_FEATURES) | BIT(VIRTIO_F_ACCESS_PLATFORM));
	return 0;
}

static int vhost_user_set_features(struct vfs_transport *t, uint64_t features)
{
	struct vhost_user *vu = to_vhost_user(t);

	return send_u64(vu, VHOST_USER_SET_FEATURES,
		features | (vu->offered & BIT(VHOST_USER_F_PROTOCOL_FEATURES)));
}

static int vhost_user_read_config(
	struct vfs_transport *t, uint32_t offset, void *buffer, uint32_t length)
{
	const struct vhost_user *vu = to_vhost_user(t);

	if (length > vu->config_length || offset > vu->config_length - length)
		return vfs_error(-EPROTO, "%s: its configuration is too short", t->name);
	memcpy(buffer, (const char *)&vu->config + offset, length);
	return 0;
}

static int vhost_user_queue_max_size(struct vfs_transport *t, uint16_t queue)
{
	return queue < t->num_queues ? QUEUE_SIZE : 0;
}

static int vhost_user_enable_queue(
	struct vfs_transport *t, uint16_t queue, const struct vfs_queue_layout *layout)
{
	struct vhost_user *vu = to_vhost_user(t);
	struct vfs_vhost_user_vring_addr addr = {
		.index = queue,
		.desc = layout->desc,
		.used = layout->used,
		.avail = layout->avail,
	};
	struct vfs_vhost_user_message addr_message = {
		.request = VHOST_USER_SET_VRING_ADDR, .payload = &addr, .size = sizeof(addr)};
	int r = vfs_vhost_user_memory_send(&vu->memory);

	if (r == 0)
		r = send_state(vu, VHOST_USER_SET_VRING_NUM, queue, layout->size);
	if (r == 0)
		r = send_state(vu, VHOST_USER_SET_VRING_BASE, queue, 0);
	if (r == 0)
		r = vfs_vhost_user_send(&vu->channel, &addr_message);
	if (r == 0)
		r = send_fd(vu, VHOST_USER_SET_VRING_ERR, queue, vu->error);
	if (r == 0)
		r = send_fd(vu, VHOST_USER_SET_VRING_CALL, queue, vu->queues[queue].call);
	if (r == 0)
		r = send_fd(vu, VHOST_USER_SET_VRING_KICK, queue, vu->queues[queue].kick);
	vu->queues[queue].enabled = r == 0;
	/* Without protocol features a ring is enabled by its kick descriptor. */
	if (r == 0 && vu->offered & BIT(VHOST_USER_F_PROTOCOL_FEATURES))
		r = send_state(vu, VHOST_USER_SET_VRING_ENABLE, queue, 1);
	return r;
}

static void vhost_user_notify(struct vfs_transport *t, uint16_t queue)
{
	vfs_eventfd_signal(to_vhost_user(t)->queues[queue].kick);
}

static int vhost_user_enable_interrupts(struct vfs_transport *t, unsigned int num_queues)
{
	(void)num_queues;
	(void)t;
	return 0;
}

static void vhost_user_disable_interrupts(struct vfs_transport *t)
{
	(void)t;
}

static int vhost_user_queue_fd(struct vfs_transport *t, uint16_t queue)
{
	return to_vhost_user(t)->queues[queue].call;
}

static int vhost_user_shm_region(struct vfs_transport *t, uint8_t id, struct vfs_shm_region *region)
{
	const struct vfs_shm_window *window = &to_vhost_user(t)->backend.window;

	*region = (struct vfs_shm_region){0};
	if (id != 0 || !window->addr)
		return -ENOENT;
	*region = (struct vfs_shm_region){.length = window->length, .addr = window->addr};
	return 0;
}

static void vhost_user_shm_clear(struct vfs_transport *t)
{
	vfs_shm_window_clear(&to_vhost_user(t)->backend.window);
}

static bool is_running(const struct vhost_user *vu)
{
	unsigned int i;

	for (i = 0; i < vu->base.num_queues; i++)
		if (vu->queues[i].enabled)
			return true;
	return false;
}

static int vhost_user_dma_map(struct vfs_transport *t, const struct vfs_dma_map *map)
{
	struct vhost_user *vu = to_vhost_user(t);

	return vfs_vhost_user_memory_add(&vu->memory, map, is_running(vu));
}

static int vhost_user_dma_unmap(struct vfs_transport *t, uint64_t iova, uint64_t length)
{
	struct vhost_user *vu = to_vhost_user(t);

	return vfs_vhost_user_memory_remove(&vu->memory, iova, length, is_running(vu));
}

static int vhost_user_set_bus_master(struct vfs_transport *t, bool on)
{
	(void)t;
	(void)on;
	return 0;
}

static int vhost_user_event_fd(struct vfs_transport *t)
{
	return to_vhost_user(t)->epoll;
}

static int vhost_user_check_events(struct vfs_transport *t)
{
	struct vhost_user *vu = to_vhost_user(t);

	if (!vfs_vhost_user_alive(&vu->channel))
		return vfs_error(-ENODEV, "%s: the daemon is gone", t->name);
	if (vfs_eventfd_clear(vu->error))
		return vfs_error(-EIO, "%s: the daemon reports a broken ring", t->name);
	return vfs_vhost_user_backend_check(&vu->backend);
}

static void vhost_user_close(struct vfs_transport *t)
{
	struct vhost_user *vu = to_vhost_user(t);
	unsigned int i;

	vfs_vhost_user_backend_stop(&vu->backend);
	vfs_socket_disconnect(&vu->channel.socket);
	pthread_mutex_destroy(&vu->channel.lock);
	for (i = 0; vu->queues && i < t->num_queues; i++) {
		if (vu->queues[i].kick >= 0)
			close(vu->queues[i].kick);
		if (vu->queues[i].call >= 0)
			close(vu->queues[i].call);
	}
	if (vu->error >= 0)
		close(vu->error);
	if (vu->epoll >= 0)
		close(vu->epoll);
	free(vu->queues);
	free(vu);
}

static const struct vfs_transport_ops vhost_user_ops = {
	.reset = vhost_user_reset,
	.get_status = vhost_user_get_status,
	.set_status = vhost_user_set_status,
	.get_features = vhost_user_get_features,
	.set_features = vhost_user_set_features,
	.read_config = vhost_user_read_config,
	.queue_max_size = vhost_user_queue_max_size,
	.enable_queue = vhost_user_enable_queue,
	.notify = vhost_user_notify,
	.enable_interrupts = vhost_user_enable_interrupts,
	.disable_interrupts = vhost_user_disable_interrupts,
	.queue_fd = vhost_user_queue_fd,
	.shm_region = vhost_user_shm_region,
	.shm_clear = vhost_user_shm_clear,
	.dma_map = vhost_user_dma_map,
	.dma_unmap = vhost_user_dma_unmap,
	.set_bus_master = vhost_user_set_bus_master,
	.event_fd = vhost_user_event_fd,
	.check_events = vhost_user_check_events,
	.close = vhost_user_close,
};

static int negotiate_protocol(struct vhost_user *vu)
{
	uint64_t offered;
	int r;

	r = ask_u64(vu, VHOST_USER_GET_FEATURES, &vu->offered);
	if (r == 0)
		r = send_empty(vu, VHOST_USER_SET_OWNER);
	if (r < 0 || !(vu->offered & BIT(VHOST_USER_F_PROTOCOL_FEATURES)))
		return r;
	r = ask_u64(vu, VHOST_USER_GET_PROTOCOL_FEATURES, &offered);
	if (r < 0)
		return r;
	vu->protocol = offered & wanted_protocol_features;
	if ((offered & window_protocol_features) == window_protocol_features)
		vu->protocol |= window_protocol_features |
				(offered & BIT(VHOST_USER_PROTOCOL_F_BACKEND_SEND_FD));
	r = send_u64(vu, VHOST_USER_SET_PROTOCOL_FEATURES, vu->protocol);
	/* From the next message on. */
	vu->channel.reply_ack = has(vu, VHOST_USER_PROTOCOL_F_REPLY_ACK);
	return r;
}

/* How many queues the daemon has: hiprio and one request queue if it does not tell. */
static int learn_queues(struct vhost_user *vu)
{
	uint64_t count = 2;
	unsigned int i;
	int r = 0;

	if (has(vu, VHOST_USER_PROTOCOL_F_MQ))
		r = ask_u64(vu, VHOST_USER_GET_QUEUE_NUM, &count);
	if (r < 0)
		return r;
	if (count < 2)
		return vfs_error(-EPROTO, "%s has %llu queues, a virtio-fs device has two at least",
			vu->base.name, (unsigned long long)count);
	if (count > QUEUES_MAX)
		count = QUEUES_MAX;
	vu->queues = calloc(count, sizeof(*vu->queues));
	if (!vu->queues)
		return vfs_error(-ENOMEM, "out of memory");
	for (i = 0; i < count; i++)
		vu->queues[i] = (struct queue){.kick = -1, .call = -1};
	vu->base.num_queues = (uint16_t)count;
	for (i = 0; i < count && r == 0; i++) {
		vu->queues[i].kick = vfs_eventfd_create();
		vu->queues[i].call = vfs_eventfd_create();
		r = vu->queues[i].kick < 0 ? vu->queues[i].kick : vu->queues[i].call;
		r = r < 0 ? r : 0;
	}
	return r;
}

static int learn_slots(struct vhost_user *vu)
{
	uint64_t slots = VHOST_USER_REGIONS_MAX;
	int r = 0;

	vu->memory.slots = has(vu, VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS);
	if (vu->memory.slots)
		r = ask_u64(vu, VHOST_USER_GET_MAX_MEM_SLOTS, &slots);
	vu->memory.max_pieces = slots < VHOST_USER_REGIONS_MAX ? (uint32_t)slots
							       : VHOST_USER_REGIONS_MAX;
	vu->base.limits = (struct vfs_dma_limits){
		.translation = VFS_MEMORY_TABLE,
		.ranges = {{.start = 0, .last = (1ULL << 47) - 1}},
		.num_ranges = 1,
		.page_size = (uint64_t)sysconf(_SC_PAGESIZE),
		.max_entries = vu->memory.max_pieces,
	};
	return r;
}

/* A VMM knows the tag from its own options; here the socket's name has to do. */
static void make_config(struct vhost_user *vu)
{
	const char *name = strrchr(vu->channel.socket.path, '/');
	size_t length;

	name = name ? name + 1 : vu->channel.socket.path;
	length = min_size(strlen(name), sizeof(vu->config.base.tag));
	memcpy(vu->config.base.tag, name, length);
	vu->config_length = sizeof(vu->config.base);
	vu->config.base.num_request_queues = htole32(vu->base.num_queues - 1u);
}

static int learn_config(struct vhost_user *vu)
{
	bool notifies = vu->offered & BIT(FS_F_NOTIFICATION);
	uint32_t length = notifies ? sizeof(vu->config) : sizeof(vu->config.base);
	struct vfs_vhost_user_config config = {.size = length};
	struct vfs_vhost_user_config reply = {0};
	struct vfs_vhost_user_message m = {
		.request = VHOST_USER_GET_CONFIG,
		.payload = &config,
		.size = (uint32_t)offsetof(struct vfs_vhost_user_config, bytes) + length,
	};
	int r;

	make_config(vu);
	if (!has(vu, VHOST_USER_PROTOCOL_F_CONFIG))
		return 0;
	/* An answer without bytes says that the daemon has no configuration after all. */
	r = vfs_vhost_user_ask(&vu->channel, &m, &reply, 0, m.size);
	if (r == 0 && reply.size == length && reply.bytes[0]) {
		memcpy(&vu->config, reply.bytes, length);
		vu->config_length = length;
	}
	return r;
}

static int watch(struct vhost_user *vu, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events};

	if (epoll_ctl(vu->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return vfs_error(-errno, "cannot watch a descriptor: %s", strerror(errno));
	return 0;
}

static int create_events(struct vhost_user *vu)
{
	int r;

	vu->error = vfs_eventfd_create();
	if (vu->error < 0)
		return vu->error;
	vu->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (vu->epoll < 0)
		return vfs_error(-errno, "cannot create an epoll: %s", strerror(errno));
	r = watch(vu, vu->error, EPOLLIN);
	return r < 0 ? r : watch(vu, vu->channel.socket.fd, EPOLLRDHUP);
}

static int send_backend_socket(struct vhost_user *vu, int fd)
{
	struct vfs_vhost_user_message m = {
		.request = VHOST_USER_SET_BACKEND_REQ_FD, .fds = &fd, .num_fds = 1};

	return vfs_vhost_user_send(&vu->channel, &m);
}

static int create_window(struct vhost_user *vu)
{
	struct vfs_vhost_user_shmem_config config = {0};
	struct vfs_vhost_user_message m = {.request = VHOST_USER_GET_SHMEM_CONFIG};
	int peer;
	int r;

	if (!has(vu, VHOST_USER_PROTOCOL_F_SHMEM))
		return 0;
	r = vfs_vhost_user_ask(&vu->channel, &m, &config,
		offsetof(struct vfs_vhost_user_shmem_config, sizes), sizeof(config));
	if (r < 0 || !config.count || !config.sizes[VIRTIO_FS_SHMCAP_ID_CACHE])
		return r;
	r = vfs_vhost_user_backend_start(&vu->backend, config.sizes[VIRTIO_FS_SHMCAP_ID_CACHE],
		vu->channel.socket.path, vu->channel.reply_ack, &peer);
	if (r < 0) {
		vfs_log(VFS_LOG_WARNING, "%s: its DAX window cannot be used: %s", vu->base.name,
			vfs_last_error());
		return 0;
	}
	r = watch(vu, vu->backend.event, EPOLLIN);
	if (r == 0)
		r = send_backend_socket(vu, peer);
	close(peer);
	return r;
}

static int set_up(struct vhost_user *vu, const char *path)
{
	int r = vfs_socket_connect(&vu->channel.socket, path, ANSWER_MS);

	if (r == 0)
		r = negotiate_protocol(vu);
	if (r == 0)
		r = learn_queues(vu);
	if (r == 0)
		r = learn_slots(vu);
	if (r == 0)
		r = learn_config(vu);
	if (r == 0)
		r = create_events(vu);
	if (r == 0)
		r = create_window(vu);
	return r;
}

int vfs_vhost_user_open(const char *path, struct vfs_transport **transport)
{
	struct vhost_user *vu = calloc(1, sizeof(*vu));
	const char *name = strrchr(path, '/');
	int r;

	if (!vu)
		return vfs_error(-ENOMEM, "out of memory");
	vu->base.ops = &vhost_user_ops;
	pthread_mutex_init(&vu->channel.lock, NULL);
	vu->memory.channel = &vu->channel;
	vu->memory.name = vu->base.name;
	vu->channel.socket.fd = vu->error = vu->epoll = -1;
	snprintf(vu->base.name, sizeof(vu->base.name), "vhost-user %.36s", name ? name + 1 : path);
	r = set_up(vu, path);
	if (r < 0) {
		vhost_user_close(&vu->base);
		return r;
	}
	*transport = &vu->base;
	return 0;
}
