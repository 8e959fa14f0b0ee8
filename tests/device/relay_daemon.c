/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "relay_daemon.h"
#include "say.h"
#include "vhost_user_message.h"

#define BIT(n) (1ULL << (n))

/* Where the memory is for the daemon; any address but 0 will do. */
#define BASE BIT(32)

uint64_t relay_address(const struct relay_daemon *d, const void *p)
{
	return BASE + (uint64_t)((const char *)p - (const char *)d->memory);
}

static int send_message(
	struct relay_daemon *d, struct message *m, uint32_t request, size_t size, int fd)
{
	m->header = (struct message_header){
		.request = request, .flags = MESSAGE_VERSION, .size = (uint32_t)size};
	return message_send(d->socket, m, fd);
}

static int send_u64(struct relay_daemon *d, uint32_t request, uint64_t value, int fd)
{
	struct message m = {.payload.u64 = value};

	return send_message(d, &m, request, sizeof(m.payload.u64), fd);
}

static int send_state(struct relay_daemon *d, uint32_t request, uint32_t queue, uint32_t num)
{
	struct message m = {.payload.state = {.index = queue, .num = num}};

	return send_message(d, &m, request, sizeof(m.payload.state), -1);
}

static int ask_u64(struct relay_daemon *d, uint32_t request, uint64_t *value)
{
	struct message m = {0};
	int r = send_message(d, &m, request, 0, -1);

	if (r == 0)
		r = message_receive(d->socket, &m) == 1 ? 0 : -EPIPE;
	if (r == 0 && (m.header.request != request || m.header.size != sizeof(*value)))
		r = -EPROTO;
	*value = m.payload.u64;
	return r;
}

static int negotiate(struct relay_daemon *d)
{
	uint64_t wanted = BIT(VIRTIO_F_VERSION_1) | BIT(F_PROTOCOL_FEATURES);
	uint64_t offered;
	int r = ask_u64(d, GET_FEATURES, &offered);

	if (r == 0 && (offered & wanted) != wanted)
		r = -ENOTSUP;
	if (r == 0)
		r = send_u64(d, SET_PROTOCOL_FEATURES, 0, -1);
	if (r == 0) {
		struct message m = {0};

		r = send_message(d, &m, SET_OWNER, 0, -1);
	}
	return r < 0 ? r : send_u64(d, SET_FEATURES, wanted, -1);
}

static int share_memory(struct relay_daemon *d)
{
	struct message m = {
		.payload.table = {.count = 1,
			.regions = {{.bus = BASE, .size = sizeof(*d->memory), .user = BASE}}}};
	int fd = memfd_create("relay", MFD_CLOEXEC), r = 0;
	void *memory;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(*d->memory)) < 0)
		r = -errno;
	memory = mmap(NULL, sizeof(*d->memory), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		r = -errno;
	else
		d->memory = memory;
	if (r == 0)
		r = send_message(d, &m, SET_MEM_TABLE,
			offsetof(struct mem_table, regions) + sizeof(struct region), fd);
	close(fd);
	return r;
}

static int start_queue(
	struct relay_daemon *d, uint32_t queue, const struct relay_ring *ring, int kick, int call)
{
	struct message m = {.payload.addr = {.index = queue,
				    .desc = relay_address(d, ring->desc),
				    .used = relay_address(d, &ring->used),
				    .avail = relay_address(d, &ring->avail)}};
	int r = send_state(d, SET_VRING_NUM, queue, RELAY_RING_SIZE);

	if (r == 0)
		r = send_state(d, SET_VRING_BASE, queue, 0);
	if (r == 0)
		r = send_message(d, &m, SET_VRING_ADDR, sizeof(m.payload.addr), -1);
	if (r == 0)
		r = send_u64(d, SET_VRING_CALL, queue, call);
	if (r == 0)
		r = send_u64(d, SET_VRING_KICK, queue, kick);
	return r < 0 ? r : send_state(d, SET_VRING_ENABLE, queue, 1);
}

static int connect_to(struct relay_daemon *d, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	d->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (d->socket < 0)
		return -errno;
	if (connect(d->socket, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return 0;
}

int relay_daemon_start(struct relay_daemon *d, const char *path)
{
	uint64_t ignored;
	int r;

	*d = (struct relay_daemon){.socket = -1};
	d->kick = eventfd(0, EFD_CLOEXEC);
	d->call = eventfd(0, EFD_CLOEXEC);
	d->idle_kick = eventfd(0, EFD_CLOEXEC);
	d->idle_call = eventfd(0, EFD_CLOEXEC);
	if (d->kick < 0 || d->call < 0 || d->idle_kick < 0 || d->idle_call < 0)
		return -errno;
	r = connect_to(d, path);
	if (r == 0)
		r = negotiate(d);
	if (r == 0)
		r = share_memory(d);
	if (r == 0)
		r = start_queue(d, 0, &d->memory->hiprio, d->idle_kick, d->idle_call);
	if (r == 0)
		r = start_queue(d, 1, &d->memory->requests, d->kick, d->call);
	/* Nothing of that is answered; what is answered shows that it came so far. */
	return r < 0 ? r : ask_u64(d, GET_FEATURES, &ignored);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void relay_daemon_close(struct relay_daemon *d)
{
	close_fd(d->socket);
	close_fd(d->kick);
	close_fd(d->call);
	close_fd(d->idle_kick);
	close_fd(d->idle_call);
	if (d->memory)
		munmap(d->memory, sizeof(*d->memory));
}
