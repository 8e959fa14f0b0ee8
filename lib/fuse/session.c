/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "core/core.h"
#include "fuse/fuse.h"

#define DEPTH_DEFAULT	   32u
#define DEPTH_MAX	   4096u
#define PAYLOAD_DEFAULT	   (1u << 20)
#define PAYLOAD_MAX	   (16u << 20)
#define RING_SIZE_DEFAULT  1024u
#define TIMEOUT_DEFAULT_MS 10000u

#define HIPRIO_PAYLOAD VFS_PAGE_SIZE

/* Entries of an indirect table: as many as fit a page. */
#define INDIRECT_MAX (VFS_PAGE_SIZE / sizeof(struct vring_desc))

/* A message, in the slot in two pieces at most, and the answer's header. */
#define SLOT_PIECES 3u

#define DESC_BYTES sizeof(struct vring_desc)

#define BIT(n) (1ULL << (n))

static const uint64_t wanted_features = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_ACCESS_PLATFORM) |
					BIT(VIRTIO_F_ORDER_PLATFORM) |
					BIT(VIRTIO_RING_F_INDIRECT_DESC) |
					BIT(VIRTIO_RING_F_EVENT_IDX);

static int set_options(struct vfs_session *session, const struct vfs_session_options *given)
{
	struct vfs_session_options *o = &session->options;

	if (given)
		*o = *given;
	o->num_queues = o->num_queues ? o->num_queues : 1;
	o->depth = o->depth ? o->depth : DEPTH_DEFAULT;
	o->max_payload = o->max_payload ? o->max_payload : PAYLOAD_DEFAULT;
	o->ring_size = o->ring_size ? o->ring_size : RING_SIZE_DEFAULT;
	o->timeout_ms = o->timeout_ms ? o->timeout_ms : TIMEOUT_DEFAULT_MS;
	if (o->depth > DEPTH_MAX)
		return vfs_error(-EINVAL, "a depth of %u is more than %u", o->depth, DEPTH_MAX);
	if (o->max_payload < VFS_PAGE_SIZE || o->max_payload > PAYLOAD_MAX)
		return vfs_error(-EINVAL, "max_payload %zu is not between %u and %u",
			o->max_payload, VFS_PAGE_SIZE, PAYLOAD_MAX);
	if (!is_power_of_2(o->ring_size) || o->ring_size > 32768)
		return vfs_error(-EINVAL, "a ring size of %u is not a power of two up to 32768",
			o->ring_size);
	if (o->poll > VFS_POLL_NEVER)
		return vfs_error(-EINVAL, "poll %u is not known", o->poll);
	if (o->quirks & ~vfs_quirks_known())
		return vfs_error(-EINVAL, "quirks 0x%x are not known", o->quirks);
	if (o->hugepages > VFS_HUGEPAGES_ALWAYS)
		return vfs_error(-EINVAL, "hugepages %u is not known", o->hugepages);
	if (!vfs_session_huge_pages(session) && !vfs_session_small_pages(session))
		return vfs_error(-EINVAL,
			"%s has no IOMMU, so its memory has to be hugepages, and they were ruled "
			"out",
			session->device->info.name);
	if (o->num_queues > session->device->info.num_request_queues)
		return vfs_error(-EINVAL, "%u request queues were asked for, %s has %u",
			o->num_queues, session->device->info.name,
			session->device->info.num_request_queues);
	return 0;
}

static int choose_addressing(struct vfs_session *session)
{
	struct vfs_device *device = session->device;
	struct vfs_addressing_facts facts = {
		.access_platform = device->info.features >> VIRTIO_F_ACCESS_PLATFORM & 1,
		.translation = device->transport->limits.translation,
		.mode = device->options.dma,
		.physical_known = vfs_pagemap_usable(),
	};
	enum vfs_addressing addressing;
	int r = vfs_addressing_choose(device->info.name, &facts, &addressing);

	if (r < 0)
		return r;
	vfs_address_space_init(&session->space, device->transport, addressing);
	return 0;
}

static int create_queues(struct vfs_session *session)
{
	struct vfs_device *device = session->device;
	unsigned int i;
	int r;

	session->first_request_queue = 1;
	if (vfs_virtio_has(&session->virtio, VFS_FS_F_NOTIFICATION))
		session->first_request_queue = VFS_NOTIFY_QUEUE + 1;
	session->num_rings = device->transport->num_queues;
	if (session->num_rings <
		1ULL * session->first_request_queue + device->info.num_request_queues)
		return vfs_error(-EPROTO, "%s has %u queues, too few for %u request queues",
			device->info.name, session->num_rings, device->info.num_request_queues);
	r = vfs_observe_create(session);
	if (r < 0)
		return r;
	for (i = 0; i < session->num_rings; i++) {
		session->queues[i].session = session;
		session->queues[i].index = (uint16_t)i;
		vfs_wakeup_init(&session->queues[i].wakeup);
	}
	return vfs_hiprio_init(&session->hiprio, &session->queues[0]);
}

/* The largest size of a split ring that is not above either (virtio 1.3 §2.7). */
static uint16_t largest_ring(size_t a, size_t b)
{
	size_t size = min_size(a, b);

	while (size && !is_power_of_2(size))
		size &= size - 1;
	return (uint16_t)size;
}

/* The size of each ring; 0 where the device has no such queue. */
static int choose_ring_sizes(
	struct vfs_session *session, struct vfs_queue_plan *plans, size_t contiguous)
{
	struct vfs_transport *t = session->device->transport;
	size_t limit = session->options.ring_size;
	unsigned int end = session->first_request_queue + session->device->info.num_request_queues;
	unsigned int i;

	limit = min_size(limit, contiguous / DESC_BYTES);
	for (i = 0; i < session->num_rings; i++) {
		int max = t->ops->queue_max_size(t, (uint16_t)i);

		if (max < 0)
			return max;
		if (max == 0 && i < end)
			return vfs_error(-EPROTO, "%s has no queue %u", t->name, i);
		plans[i].ring_size = largest_ring((size_t)max, limit);
	}
	return 0;
}

static void plan_slots(struct vfs_session *session, struct vfs_queue_plan *plan, unsigned int depth,
	size_t payload, size_t contiguous)
{
	plan->depth = depth + 1; /* and the reserved one */
	plan->payload_size = vfs_slot_payload_size(payload);
	plan->max_segments = vfs_slot_segments_max(plan->payload_size, contiguous);
	plan->indirect = vfs_virtio_has(&session->virtio, VIRTIO_RING_F_INDIRECT_DESC);
}

/* Data in memory of the application may be in more pieces than that of a slot. */
static void plan_data(struct vfs_queue_plan *plan, unsigned int descs)
{
	unsigned int wanted = (unsigned int)min_size(VFS_REQUEST_DATA_MAX + SLOT_PIECES, descs);

	plan->data = true;
	if (plan->max_segments < wanted)
		plan->max_segments = wanted;
}

static int plan_memory(
	struct vfs_session *session, struct vfs_queue_plan *plans, struct vfs_arena_plan *arena)
{
	const struct vfs_session_options *o = &session->options;
	unsigned int first = session->first_request_queue;
	unsigned int descs;
	unsigned int i;
	int r = choose_ring_sizes(session, plans, arena->contiguous);

	if (r < 0)
		return r;
	descs = plans[first].ring_size;
	for (i = first; i < first + o->num_queues; i++)
		descs = (unsigned int)min_size(descs, plans[i].ring_size);
	if (vfs_virtio_has(&session->virtio, VIRTIO_RING_F_INDIRECT_DESC))
		descs = (unsigned int)min_size(descs, INDIRECT_MAX);
	session->max_payload = vfs_payload_limit(o->max_payload, descs, arena->contiguous);
	plan_slots(session, &plans[0], VFS_HIPRIO_DEPTH, HIPRIO_PAYLOAD, arena->contiguous);
	for (i = first; i < first + o->num_queues; i++)
		plan_slots(session, &plans[i], o->depth, session->max_payload, arena->contiguous);
	for (i = first; i < first + o->num_queues; i++)
		plan_data(&plans[i], descs);
	for (i = 0; i < session->num_rings; i++) {
		if (plans[i].depth && plans[i].max_segments > plans[i].ring_size)
			return vfs_error(-ENOTSUP, "%s: a queue of %u entries is too small",
				session->device->info.name, plans[i].ring_size);
		if (plans[i].ring_size)
			vfs_queue_plan_add(&plans[i], arena);
	}
	if (vfs_virtio_has(&session->virtio, VFS_FS_F_NOTIFICATION))
		return vfs_notify_plan(session, &plans[VFS_NOTIFY_QUEUE], arena);
	return 0;
}

static int create_arena_of(struct vfs_session *session, struct vfs_queue_plan *plans, bool huge)
{
	struct vfs_arena_plan arena = {.contiguous = huge ? VFS_HUGE_PAGE_SIZE : VFS_PAGE_SIZE};
	char name[sizeof("libvirtiofs ") + sizeof(session->device->info.bdf)];
	int r;

	if (session->space.addressing == VFS_ADDRESSING_IOVA)
		arena.contiguous = SIZE_MAX;
	memset(plans, 0, session->num_rings * sizeof(*plans));
	snprintf(name, sizeof(name), "libvirtiofs %s", session->device->info.bdf);
	r = plan_memory(session, plans, &arena);
	if (r == 0)
		r = vfs_arena_create(&session->space, &arena, name, huge, &session->arena);
	return r;
}

static int create_memory(struct vfs_session *session)
{
	struct vfs_queue_plan *plans = calloc(session->num_rings, sizeof(*plans));
	unsigned int i;
	int r = -ENOMEM;

	if (!plans)
		return vfs_error(-ENOMEM, "out of memory");
	if (vfs_session_huge_pages(session))
		r = create_arena_of(session, plans, true);
	if (r == -ENOMEM && vfs_session_small_pages(session))
		r = create_arena_of(session, plans, false);
	for (i = 0; i < session->num_rings && r == 0; i++)
		if (plans[i].ring_size)
			r = vfs_queue_create(&session->queues[i], &plans[i]);
	if (r == 0 && vfs_virtio_has(&session->virtio, VFS_FS_F_NOTIFICATION))
		r = vfs_notify_create(session);
	free(plans);
	return r;
}

static int enable_queue(struct vfs_session *session, struct vfs_queue *queue)
{
	struct vfs_transport *t = session->device->transport;
	const struct vfs_ring *ring = &queue->ring;
	size_t contiguous;
	struct vfs_queue_layout layout = {
		.size = ring->size,
		.desc = vfs_mapping_address(
			&session->arena.mapping, ring->memory.desc, &contiguous),
		.avail = vfs_mapping_address(
			&session->arena.mapping, ring->memory.avail, &contiguous),
		.used = vfs_mapping_address(
			&session->arena.mapping, ring->memory.used, &contiguous),
	};

	return t->ops->enable_queue(t, queue->index, &layout);
}

/* What wakes the threads that use a queue. */
static int attach_interrupt(struct vfs_session *session, struct vfs_queue *queue)
{
	struct vfs_transport *t = session->device->transport;
	int fd = t->ops->queue_fd(t, queue->index);
	const struct vfs_queue *end = queue;
	struct vfs_queue *other;

	if (fd < 0 && session->options.poll == VFS_POLL_NEVER)
		return vfs_error(-ENOTSUP, "%s has no interrupts, and polling was ruled out",
			session->device->info.name);
	vfs_patience_init(&queue->patience, fd < 0 ? VFS_POLL_ALWAYS : session->options.poll);
	if (fd < 0)
		return 0;
	vfs_wakeup_attach(&queue->wakeup, fd);
	for (other = session->queues; other < end; other++)
		if (other->wakeup.interrupt == fd)
			return vfs_wakeup_share(&queue->wakeup, &other->wakeup);
	return 0;
}

/* It is the same for all of them. */
static void measure_looks(struct vfs_session *session)
{
	uint64_t ps = vfs_queue_look_ps(&session->queues[session->first_request_queue]);

	for (unsigned int i = 0; i < session->num_rings; i++)
		vfs_patience_look_takes(&session->queues[i].patience, ps);
}

static int start(struct vfs_session *session)
{
	struct vfs_transport *t = session->device->transport;
	unsigned int i;
	int r;

	r = t->ops->set_bus_master(t, true);
	if (r == 0)
		r = t->ops->enable_interrupts(t, session->num_rings);
	for (i = 0; i < session->num_rings && r == 0; i++)
		if (session->queues[i].depth || &session->queues[i] == session->notify.queue)
			r = attach_interrupt(session, &session->queues[i]);
	if (r == 0)
		measure_looks(session);
	for (i = 0; i < session->num_rings && r == 0; i++)
		if (session->queues[i].ring.size)
			r = enable_queue(session, &session->queues[i]);
	if (r == 0)
		r = vfs_virtio_start(&session->virtio);
	if (r == 0)
		r = vfs_notify_start(session);
	return r;
}

/*
 * Before memory is unmapped the device must not be able to reach it, reset or not. False: it still
 * may.
 */
static bool stop(struct vfs_session *session)
{
	struct vfs_transport *t = session->device->transport;
	int reset = vfs_virtio_stop(&session->virtio);
	int off = t->ops->set_bus_master(t, false);

	t->ops->disable_interrupts(t);
	return reset == 0 || reset == -ENODEV || off == 0 || off == -ENODEV;
}

static void release(struct vfs_session *session)
{
	struct vfs_transport *t = session->device->transport;
	unsigned int i;

	/* Memory that a device may write to cannot be anybody else's. */
	if (stop(session)) {
		vfs_mem_table_end(&session->mems);
		vfs_arena_destroy(&session->arena);
	} else {
		vfs_log(VFS_LOG_ERROR, "%s cannot be stopped: its memory is kept",
			session->device->info.name);
	}
	if (t->ops->shm_clear)
		t->ops->shm_clear(t);
	for (i = 0; session->queues && i < session->num_rings; i++)
		vfs_queue_destroy(&session->queues[i]);
	vfs_hiprio_fini(&session->hiprio);
	vfs_notify_destroy(session);
	vfs_address_space_fini(&session->space);
	session->device->user = NULL;
	vfs_page_destroy(&session->page);
	free(session);
}

static void on_failure(struct vfs_device_user *user, int error)
{
	vfs_session_fail(container_of(user, struct vfs_session, user), error);
}

/* Whoever waits, in whatever thread, finds that his requests have ended. */
static void wake_all(const struct vfs_session *session)
{
	unsigned int i;

	for (i = 0; i < session->num_rings; i++)
		vfs_wakeup_signal(&session->queues[i].wakeup);
}

void vfs_session_fail(struct vfs_session *session, int error)
{
	struct vfs_transport *t = session->device->transport;
	char why[VFS_ERROR_MAX];

	if (atomic_exchange(&session->failing, true))
		return;
	snprintf(why, sizeof(why), "%s", vfs_last_error());
	vfs_observe_failed(session, error);
	vfs_log(VFS_LOG_ERROR, "%s has failed: its requests end with an error",
		session->device->info.name);
	/* Memory may be registered at this moment, by another thread. */
	pthread_mutex_lock(&session->device->check_lock);
	if (vfs_virtio_stop(&session->virtio) < 0)
		(void)t->ops->set_bus_master(t, false);
	pthread_mutex_unlock(&session->device->check_lock);
	/* Only now: requests are ended by whoever sees it, and then their memory is not the
	 * device's. */
	atomic_store(&session->failed, error);
	wake_all(session);
	/* The caller has an error to return, and this belongs to it. */
	vfs_error(error, "%s", why);
}

__attribute__((cold)) int vfs_session_refuse(const struct vfs_session *session)
{
	return vfs_error(session->failed, "%s has failed", session->device->info.name);
}

/* What cleaning up has to say matters less than why it had to be done. */
static int give_up(struct vfs_session *session, int error)
{
	char why[VFS_ERROR_MAX];

	snprintf(why, sizeof(why), "%s", vfs_last_error());
	release(session);
	return vfs_error(error, "%s", why);
}

VFS_EXPORT int vfs_session_create(struct vfs_device *device,
	const struct vfs_session_options *options, struct vfs_session **result)
{
	struct vfs_session *session;
	int r;

	if (device->user)
		return vfs_error(-EBUSY, "%s has a session already", device->info.name);
	session = calloc(1, sizeof(*session));
	if (!session)
		return vfs_error(-ENOMEM, "out of memory");
	session->device = device;
	session->user.failed = on_failure;
	session->page = (struct vfs_page){.fd = -1, .wish_fd = -1};
	r = set_options(session, options);
	if (r < 0) {
		free(session);
		return r;
	}
	device->user = &session->user;
	vfs_mem_table_init(&session->mems);
	vfs_quirks_log(device->info.name, session->options.quirks);
	session->virtio = (struct vfs_virtio){
		.transport = device->transport, .timeout_ms = session->options.timeout_ms};
	r = choose_addressing(session);
	if (r == 0)
		r = vfs_virtio_negotiate(&session->virtio,
			wanted_features |
				(vfs_notify_wanted(session) ? BIT(VFS_FS_F_NOTIFICATION) : 0),
			BIT(VIRTIO_F_VERSION_1));
	if (r == 0)
		r = create_queues(session);
	if (r == 0)
		r = create_memory(session);
	if (r == 0)
		r = start(session);
	if (r == 0)
		r = vfs_observe_started(session);
	if (r < 0)
		return give_up(session, r);
	*result = session;
	return 0;
}

VFS_EXPORT size_t vfs_session_max_payload(const struct vfs_session *session)
{
	return session->max_payload;
}

VFS_EXPORT uint64_t vfs_session_features(const struct vfs_session *session)
{
	return session->virtio.features;
}

VFS_EXPORT unsigned int vfs_session_num_queues(const struct vfs_session *session)
{
	return session->options.num_queues;
}

VFS_EXPORT struct vfs_queue *vfs_session_queue(struct vfs_session *session, unsigned int index)
{
	if (index >= session->options.num_queues)
		return NULL;
	return &session->queues[session->first_request_queue + index];
}

VFS_EXPORT void vfs_session_abort(struct vfs_session *session)
{
	vfs_session_fail(session, -EIO);
}

/* Wait for what is in flight; true: nothing is any more. */
static bool drain(struct vfs_queue *queue, struct vfs_deadline deadline)
{
	while (vfs_queue_owes(queue) > 0) {
		struct vfs_request *done;

		if (vfs_queue_reap(queue, &done, 1))
			continue;
		if (vfs_queue_wait(queue, vfs_deadline_left_ms(deadline)) == -ETIMEDOUT)
			return false;
	}
	return true;
}

/* FORGETs that found no room too. */
static bool drain_hiprio(struct vfs_session *session, struct vfs_deadline deadline)
{
	struct vfs_queue *queue = session->hiprio.queue;

	while (vfs_session_progress(session) > 0 || vfs_queue_owes(queue) > 0)
		if (vfs_queue_wait(queue, vfs_deadline_left_ms(deadline)) == -ETIMEDOUT)
			return false;
	return true;
}

static bool drain_all(struct vfs_session *session)
{
	struct vfs_deadline deadline = vfs_deadline_in(session->options.timeout_ms);
	bool drained = drain_hiprio(session, deadline);
	unsigned int i;

	for (i = 0; i < session->options.num_queues; i++)
		drained = drain(vfs_session_queue(session, i), deadline) && drained;
	return drained;
}

static void send_destroy(struct vfs_session *session)
{
	struct vfs_queue *queue = vfs_session_queue(session, 0);
	struct vfs_request *request = vfs_queue_take_reserved(queue);
	struct fuse_in_header *header;

	if (!request)
		return;
	header = vfs_request_message(request);
	*header = (struct fuse_in_header){.opcode = FUSE_DESTROY};
	if (vfs_request_prepare(request, sizeof(*header)) == 0)
		(void)vfs_queue_call(queue, request, session->options.timeout_ms);
}

VFS_EXPORT void vfs_session_destroy(struct vfs_session *session)
{
	if (!session)
		return;
	if (session->state == VFS_SESSION_CONNECTED && !session->failed) {
		if (drain_all(session))
			send_destroy(session);
		else
			vfs_log(VFS_LOG_WARNING, "%s does not answer; it is reset",
				session->device->info.name);
	}
	release(session);
}
