/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/thread.h"
#include "transport/vhost_user.h"
#include "transport/vhost_user_backend.h"

/* Within this time a message that has begun is there. */
#define MESSAGE_MS 10000u

/* More than any message has that exists; one that is not known is passed over. */
#define PAYLOAD_MAX 4096u

#define STACK_SIZE (64u << 10)

struct message {
	struct vfs_vhost_user_header header;
	union {
		struct vfs_vhost_user_mmap mmap;
		uint8_t bytes[PAYLOAD_MAX];
	} payload;
	struct vfs_socket_fds fds;
};

static int check_mmap(const struct message *m, unsigned int num_fds)
{
	const struct vfs_vhost_user_mmap *mmap = &m->payload.mmap;

	if (m->header.size != sizeof(*mmap))
		return vfs_error(-EINVAL, "it has %u bytes", m->header.size);
	if (m->fds.count != num_fds)
		return vfs_error(-EINVAL, "it has %u descriptors", m->fds.count);
	if (mmap->id != 0)
		return vfs_error(-EINVAL, "there is no region %u", mmap->id);
	return 0;
}

static int map(struct vfs_vhost_user_backend *b, const struct message *m)
{
	const struct vfs_vhost_user_mmap *mmap = &m->payload.mmap;
	struct vfs_shm_file file;
	int r = check_mmap(m, 1);

	if (r < 0)
		return r;
	if (mmap->flags & ~(uint64_t)VHOST_USER_MAP_WRITABLE)
		return vfs_error(
			-EINVAL, "the flags 0x%llx are not known", (unsigned long long)mmap->flags);
	file = (struct vfs_shm_file){.offset = mmap->shm_offset,
		.length = mmap->length,
		.fd = m->fds.fds[0],
		.fd_offset = mmap->fd_offset,
		.writable = mmap->flags & VHOST_USER_MAP_WRITABLE};
	return vfs_shm_window_map(&b->window, &file);
}

static int unmap(struct vfs_vhost_user_backend *b, const struct message *m)
{
	int r = check_mmap(m, 0);

	return r < 0 ? r
		     : vfs_shm_window_unmap(
			       &b->window, m->payload.mmap.shm_offset, m->payload.mmap.length);
}

static int handle(struct vfs_vhost_user_backend *b, const struct message *m)
{
	switch (m->header.request) {
	case VHOST_USER_BACKEND_SHMEM_MAP:
		return map(b, m);
	case VHOST_USER_BACKEND_SHMEM_UNMAP:
		return unmap(b, m);
	case VHOST_USER_BACKEND_CONFIG_CHANGE_MSG:
		vfs_eventfd_signal(b->event);
		return 0;
	default:
		/* An IOTLB, notifiers in our memory: nothing that was agreed on. */
		return vfs_error(-ENOTSUP, "it is not known here");
	}
}

static int receive(struct vfs_vhost_user_backend *b, struct message *m)
{
	struct vfs_deadline deadline = vfs_deadline_in(MESSAGE_MS);
	int r = vfs_socket_receive(&b->socket, &m->header, sizeof(m->header), deadline, &m->fds);

	if (r < 0)
		return r;
	if ((m->header.flags & ~(uint32_t)VHOST_USER_FLAG_NEED_REPLY) != VHOST_USER_FLAG_VERSION ||
		m->header.size > sizeof(m->payload))
		return vfs_error(-EPROTO,
			"what the daemon behind %s sends is no request: %u, flags 0x%x, %u bytes",
			b->socket.path, m->header.request, m->header.flags, m->header.size);
	return vfs_socket_receive(&b->socket, &m->payload, m->header.size, deadline, &m->fds);
}

static int reply(struct vfs_vhost_user_backend *b, const struct message *m, int result)
{
	struct vfs_vhost_user_header header = {.request = m->header.request,
		.flags = VHOST_USER_FLAG_VERSION | VHOST_USER_FLAG_REPLY,
		.size = sizeof(uint64_t)};
	uint64_t value = result < 0;
	struct iovec iov[] = {
		{.iov_base = &header, .iov_len = sizeof(header)},
		{.iov_base = &value, .iov_len = sizeof(value)},
	};

	if (!b->reply_ack || !(m->header.flags & VHOST_USER_FLAG_NEED_REPLY))
		return 0;
	return vfs_socket_send(&b->socket, iov, ARRAY_SIZE(iov), NULL, 0);
}

/* The log is for whoever uses the device: its callback is not called from a thread of ours. */
static void note_refusal(struct vfs_vhost_user_backend *b, uint32_t request)
{
	pthread_mutex_lock(&b->lock);
	b->refused++;
	snprintf(b->refusal, sizeof(b->refusal),
		"request %u of the daemon behind %s is refused: %s", request, b->socket.path,
		vfs_last_error());
	pthread_mutex_unlock(&b->lock);
	vfs_eventfd_signal(b->event);
}

static void note_failure(struct vfs_vhost_user_backend *b, int error)
{
	pthread_mutex_lock(&b->lock);
	b->failed = error;
	snprintf(b->why, sizeof(b->why), "%s", vfs_last_error());
	pthread_mutex_unlock(&b->lock);
	vfs_eventfd_signal(b->event);
}

static int serve_message(struct vfs_vhost_user_backend *b)
{
	struct message m = {.fds.count = 0};
	unsigned int i;
	int result;
	int r = receive(b, &m);

	if (r == 0) {
		result = handle(b, &m);
		if (result < 0)
			note_refusal(b, m.header.request);
		r = reply(b, &m, result);
	}
	for (i = 0; i < m.fds.count; i++)
		close(m.fds.fds[i]);
	return r;
}

static void *serve(void *opaque)
{
	struct vfs_vhost_user_backend *b = opaque;
	struct pollfd p = {.fd = b->socket.fd, .events = POLLIN};
	int r = 0;

	vfs_thread_drop_capabilities();
	while (r == 0)
		if (poll(&p, 1, -1) > 0)
			r = serve_message(b);
	/* So that the daemon does not wait for answers. */
	vfs_socket_give_up(&b->socket);
	note_failure(b, r);
	return NULL;
}

static int start_thread(struct vfs_vhost_user_backend *b)
{
	int r = vfs_thread_start(&b->thread, STACK_SIZE, serve, b);

	b->running = r == 0;
	return r;
}

int vfs_vhost_user_backend_start(struct vfs_vhost_user_backend *b, uint64_t window_length,
	const char *path, bool reply_ack, int *peer)
{
	int fds[2];
	int r = vfs_shm_window_create(&b->window, window_length);

	if (r < 0)
		return r;
	pthread_mutex_init(&b->lock, NULL);
	b->reply_ack = reply_ack;
	b->socket.fd = -1;
	b->event = vfs_eventfd_create();
	r = b->event < 0 ? b->event : 0;
	if (r == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		r = vfs_error(-errno, "cannot create a socket: %s", strerror(errno));
	if (r == 0) {
		*peer = fds[1];
		vfs_socket_adopt(&b->socket, fds[0], path, MESSAGE_MS);
		r = start_thread(b);
		if (r < 0)
			close(*peer);
	}
	if (r < 0)
		vfs_vhost_user_backend_stop(b);
	return r;
}

void vfs_vhost_user_backend_stop(struct vfs_vhost_user_backend *b)
{
	if (!b->window.addr)
		return;
	if (b->running) {
		/* The thread sees the end of the connection. */
		(void)shutdown(b->socket.fd, SHUT_RDWR);
		pthread_join(b->thread, NULL);
	}
	b->running = false;
	vfs_socket_disconnect(&b->socket);
	if (b->event >= 0)
		close(b->event);
	pthread_mutex_destroy(&b->lock);
	vfs_shm_window_destroy(&b->window);
}

int vfs_vhost_user_backend_check(struct vfs_vhost_user_backend *b)
{
	int r = 0;

	if (!b->running)
		return 0;
	vfs_eventfd_clear(b->event);
	pthread_mutex_lock(&b->lock);
	if (b->refused)
		vfs_log(VFS_LOG_WARNING, "%s (%u refused)", b->refusal, b->refused);
	b->refused = 0;
	if (b->failed)
		r = vfs_error(b->failed, "%s", b->why);
	pthread_mutex_unlock(&b->lock);
	return r;
}
