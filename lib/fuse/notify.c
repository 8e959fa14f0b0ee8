/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_fs.h>

#include "core/core.h"
#include "fuse/fuse.h"

#define BUFFER_MAX (1u << 20)

/* Why a device that offers the feature cannot be believed, NULL if it can. */
static const char *contradiction(struct vfs_session *session, uint32_t *size)
{
	const struct vfs_device *device = session->device;
	struct vfs_transport *t = device->transport;

	if (t->num_queues < 2ULL + device->info.num_request_queues)
		return "it has no queue for them";
	if (vfs_fs_config_read_notify(t, size) < 0)
		return "its configuration does not say how large they are";
	if (*size < sizeof(struct fuse_out_header) || *size > BUFFER_MAX)
		return "their size cannot be meant";
	return NULL;
}

bool vfs_notify_wanted(struct vfs_session *session)
{
	const struct vfs_device *device = session->device;
	uint32_t size = 0;
	const char *why;

	if (!session->options.notify_buffers ||
		!(device->info.features & 1u << VFS_FS_F_NOTIFICATION))
		return false;
	why = contradiction(session, &size);
	if (why)
		vfs_log(VFS_LOG_WARNING,
			"%s offers notifications, but %s (queues %u, request queues %u, "
			"notify_buf_size %u): it is used without",
			device->info.name, why, device->transport->num_queues,
			device->info.num_request_queues, size);
	/* It is the least that the device needs; names and nodes want some room. */
	session->notify.size = (uint32_t)align_up(size, VFS_PAGE_SIZE);
	return !why;
}

static unsigned int segments_max(uint32_t size, size_t contiguous)
{
	if (contiguous == SIZE_MAX)
		return 1;
	/* Buffers start on pages, so larger blocks may begin and be divided anywhere. */
	return (unsigned int)((size + contiguous - 1) / contiguous) + (contiguous > VFS_PAGE_SIZE);
}

int vfs_notify_plan(
	struct vfs_session *session, struct vfs_queue_plan *plan, struct vfs_arena_plan *arena)
{
	struct vfs_notify *notify = &session->notify;

	notify->max_segments = segments_max(notify->size, arena->contiguous);
	notify->count = (unsigned int)min_size(
		session->options.notify_buffers, plan->ring_size / notify->max_segments);
	if (!notify->count)
		return vfs_error(-ENOTSUP,
			"%s: a notification queue of %u entries is too small for buffers of %u "
			"bytes",
			session->device->info.name, plan->ring_size, notify->size);
	notify->where = vfs_arena_plan_add(
		arena, VFS_ZONE_WRITABLE, (size_t)notify->count * notify->size, VFS_PAGE_SIZE);
	return 0;
}

int vfs_notify_create(struct vfs_session *session)
{
	struct vfs_notify *notify = &session->notify;
	struct vfs_queue *queue = &session->queues[VFS_NOTIFY_QUEUE];

	notify->buffers = calloc(notify->count, sizeof(*notify->buffers));
	notify->copy = malloc(notify->size);
	queue->tables = calloc(notify->max_segments, sizeof(*queue->tables));
	notify->queue = queue;
	if (!notify->buffers || !notify->copy || !queue->tables)
		return vfs_error(-ENOMEM, "out of memory");
	for (unsigned int i = 0; i < notify->count; i++)
		notify->buffers[i].bytes = vfs_arena_at(&session->arena, VFS_ZONE_WRITABLE,
			notify->where + (size_t)i * notify->size);
	return 0;
}

void vfs_notify_destroy(struct vfs_session *session)
{
	free(session->notify.buffers);
	free(session->notify.copy);
}

static int add_buffer(struct vfs_session *session, struct vfs_notify_buffer *buffer)
{
	struct vfs_notify *notify = &session->notify;
	struct vfs_queue *queue = notify->queue;
	struct vfs_chain chain = {.token = buffer};

	/* A length that is believed (VFS_QUIRK_USED_LEN_ZERO) has to be of this time. */
	memset(buffer->bytes, 0, sizeof(struct fuse_out_header));
	vfs_chain_set_table(&chain, queue->tables, (uint16_t)notify->max_segments);
	if (!vfs_chain_add_memory(
		    &chain, &session->arena.mapping, buffer->bytes, notify->size, true))
		return vfs_chain_too_long(&chain);
	return vfs_ring_add(&queue->ring, &chain);
}

int vfs_notify_start(struct vfs_session *session)
{
	struct vfs_notify *notify = &session->notify;
	int r = 0;

	if (!notify->queue)
		return 0;
	for (unsigned int i = 0; i < notify->count && r == 0; i++)
		r = add_buffer(session, &notify->buffers[i]);
	if (r == 0)
		vfs_queue_publish(notify->queue);
	return r;
}

/* The device can write to a buffer at any time: what is looked at is a copy. */
static uint32_t copy_out(
	struct vfs_session *session, const struct vfs_notify_buffer *buffer, uint32_t length)
{
	struct vfs_notify *notify = &session->notify;
	struct fuse_out_header header;

	if (length == 0 && session->options.quirks & VFS_QUIRK_USED_LEN_ZERO) {
		memcpy(&header, buffer->bytes, sizeof(header));
		length = (uint32_t)min_size(header.len, notify->size);
	}
	memcpy(notify->copy, buffer->bytes, length);
	return length;
}

static void complain(struct vfs_session *session, uint32_t code)
{
	uint64_t bit = 1ULL << (code < 64 ? code : 0);

	session->notify.counters.malformed++;
	if (!(session->notify.complained & bit))
		vfs_log(VFS_LOG_WARNING, "%s: %s; it is dropped", session->device->info.name,
			vfs_last_error());
	session->notify.complained |= bit;
	vfs_observe_error(session, "%s; it is dropped", vfs_last_error());
}

/* 1: one is in @n, 0: it was dropped. */
static int deliver(struct vfs_session *session, uint32_t length, struct vfs_notification *n)
{
	struct vfs_notify *notify = &session->notify;
	int r = vfs_notify_check(notify->copy, length, session->options.quirks, n);

	if (r < 0) {
		complain(session, n->code);
		return 0;
	}
	notify->counters.delivered++;
	notify->counters.unknown += r == 0;
	return 1;
}

/* 1: one is in @n, 0: it was dropped, or -EAGAIN: there is none */
static int next(struct vfs_session *session, struct vfs_notification *n)
{
	struct vfs_notify *notify = &session->notify;
	struct vfs_queue *queue = notify->queue;
	struct vfs_notify_buffer *buffer;
	uint32_t length;
	void *token;
	int r = vfs_ring_pop(&queue->ring, &token, &length);

	if (r == 0)
		return -EAGAIN;
	if (r == 1) {
		buffer = token;
		length = copy_out(session, buffer, length);
		r = add_buffer(session, buffer);
	}
	if (r < 0) {
		vfs_queue_broke_the_protocol(queue);
		return -EIO;
	}
	vfs_queue_publish(queue);
	return deliver(session, length, n);
}

static int no_queue(const struct vfs_session *session)
{
	return vfs_error(-ENOTSUP, "%s has no notification queue", session->device->info.name);
}

VFS_EXPORT int vfs_notify_next(struct vfs_session *session, struct vfs_notification *notification)
{
	struct vfs_queue *queue = session->notify.queue;
	unsigned int left = session->notify.count;
	int r;

	if (!queue)
		return no_queue(session);
	if (queue->interrupts) {
		vfs_ring_disable_interrupts(&queue->ring);
		queue->interrupts = false;
		vfs_queue_clear_wakeup(queue);
	}
	/* A device that sends nothing but garbage does not keep the caller here. */
	do {
		r = vfs_session_check(session);
		if (r == 0)
			r = next(session, notification);
	} while (r == 0 && --left > 0);
	return r == -EAGAIN ? 0 : r;
}

VFS_EXPORT bool vfs_notify_arm(struct vfs_session *session)
{
	struct vfs_queue *queue = session->notify.queue;

	return queue && (session->failed || vfs_queue_arm(queue));
}

VFS_EXPORT int vfs_notify_fd(const struct vfs_session *session)
{
	const struct vfs_queue *queue = session->notify.queue;

	return queue ? vfs_queue_fd(queue) : no_queue(session);
}

VFS_EXPORT const struct vfs_notify_counters *vfs_notify_counters(const struct vfs_session *session)
{
	return &session->notify.counters;
}
