/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/core.h"
#include "fuse/fuse_device.h"

#define FEATURES_OK 0x08
#define DRIVER_OK   0x04

#define READS VFS_DMA_DEVICE_READS
#define BOTH  (VFS_DMA_DEVICE_READS | VFS_DMA_DEVICE_WRITES)

static struct fuse_device *device_of(struct vfs_transport *t)
{
	return container_of(t, struct fuse_device, stub.transport);
}

static void broke(struct fuse_device *d, const char *what)
{
	if (!d->fault)
		d->fault = what;
}

/* ---- journal ---- */

static void __attribute__((format(printf, 2, 3)))
note(struct fuse_device *d, const char *format, ...)
{
	size_t length = strlen(d->journal);
	char word[64];
	char *last;
	va_list args;

	va_start(args, format);
	vsnprintf(word, sizeof(word), format, args);
	va_end(args);
	last = strrchr(d->journal, ' ');
	/* The same thing several times in a row is noted once. */
	if (length && strcmp(last ? last + 1 : d->journal, word) == 0)
		return;
	snprintf(d->journal + length, sizeof(d->journal) - length, "%s%s", length ? " " : "", word);
}

void fuse_device_did(struct fuse_device *d, const char *expected)
{
	assert_string_equal(d->journal, expected);
	d->journal[0] = '\0';
}

void fuse_device_forget_journal(struct fuse_device *d)
{
	d->journal[0] = '\0';
}

/* ---- transport ---- */

/* Is this call the one that has to fail? */
static bool fails(struct fuse_device *d)
{
	return ++d->calls == d->fail_call;
}

static int failed(void)
{
	return vfs_error(-EIO, "stub: a call that fails");
}

static struct vfs_transport_ops base_ops;

static int device_reset(struct vfs_transport *t, unsigned int timeout_ms)
{
	struct fuse_device *d = device_of(t);
	int r;

	note(d, "reset");
	if (fails(d))
		return failed();
	if (d->fail_reset && d->stub.num_resets + 1 >= d->fail_reset)
		d->stub.reset_error = -ETIMEDOUT;
	r = base_ops.reset(t, timeout_ms);
	pthread_mutex_lock(&d->lock);
	if (r == 0)
		memset(d->rings, 0, sizeof(d->rings));
	pthread_mutex_unlock(&d->lock);
	return r;
}

static int device_get_status(struct vfs_transport *t)
{
	return fails(device_of(t)) ? failed() : base_ops.get_status(t);
}

static int device_set_status(struct vfs_transport *t, uint8_t status)
{
	struct fuse_device *d = device_of(t);

	if (fails(d))
		return failed();
	note(d, "status=%02x", status);
	return base_ops.set_status(t, status);
}

static int device_get_features(struct vfs_transport *t, uint64_t *features)
{
	return fails(device_of(t)) ? failed() : base_ops.get_features(t, features);
}

static int device_set_features(struct vfs_transport *t, uint64_t features)
{
	struct fuse_device *d = device_of(t);

	if (fails(d))
		return failed();
	note(d, "features");
	return base_ops.set_features(t, features);
}

static int device_queue_max_size(struct vfs_transport *t, uint16_t queue)
{
	struct fuse_device *d = device_of(t);

	if (fails(d))
		return failed();
	return queue < FUSE_DEVICE_QUEUES ? d->queue_sizes[queue] : 0;
}

static const uint8_t *reach(void *ctx, uint64_t addr, uint64_t length)
{
	const struct fuse_device *d = ctx;

	return d->bus_master ? stub_iommu_reach(&d->iommu, addr, length, READS) : NULL;
}

static void check_queue(struct fuse_device *d, const struct vfs_queue_layout *layout)
{
	if ((d->stub.status & (FEATURES_OK | DRIVER_OK)) != FEATURES_OK)
		broke(d, "a queue was enabled at the wrong time");
	if (!is_power_of_2(layout->size))
		broke(d, "a queue size that is not a power of two");
	if (layout->desc % 16 || layout->avail % 2 || layout->used % 4)
		broke(d, "a part of a ring that is not aligned");
	if (stub_iommu_reach(&d->iommu, layout->desc, 1, BOTH) ||
		stub_iommu_reach(&d->iommu, layout->avail, 1, BOTH))
		broke(d, "descriptors that the device could write");
}

static int device_enable_queue(
	struct vfs_transport *t, uint16_t queue, const struct vfs_queue_layout *layout)
{
	struct fuse_device *d = device_of(t);
	bool event_idx = d->stub.accepted & FEATURE_EVENT_IDX;
	size_t size = layout->size;
	uint8_t *desc;
	uint8_t *avail;
	uint8_t *used;

	if (fails(d))
		return failed();
	note(d, "queue%u", queue);
	check_queue(d, layout);
	if (size > d->queue_sizes[queue])
		broke(d, "a queue larger than it may be");
	desc = stub_iommu_reach(&d->iommu, layout->desc, 16 * size, READS);
	avail = stub_iommu_reach(&d->iommu, layout->avail, 6 + 2 * size, READS);
	used = stub_iommu_reach(&d->iommu, layout->used, 6 + 8 * size, BOTH);
	if (!desc || !avail || !used) {
		broke(d, "a ring out of reach");
		return vfs_error(-EINVAL, "stub: ring");
	}
	device_ring_init(&d->rings[queue], layout->size, event_idx, desc, avail, used);
	d->rings[queue].reach = reach;
	d->rings[queue].ctx = d;
	return 0;
}

static bool is_for_notifications(const struct fuse_device *d, unsigned int queue)
{
	return queue == 1 && d->stub.accepted & FEATURE_NOTIFICATION;
}

static void device_notify(struct vfs_transport *t, uint16_t queue)
{
	static struct taken taken;
	struct fuse_device *d = device_of(t);

	d->notified[queue]++;
	if (is_for_notifications(d, queue))
		return;
	if (d->deaf) {
		d->deaf--;
		return;
	}
	while (d->serve && fuse_device_take(d, queue, &taken))
		d->serve(d, &taken);
}

static int device_enable_interrupts(struct vfs_transport *t, unsigned int num_queues)
{
	struct fuse_device *d = device_of(t);

	if (fails(d))
		return failed();
	note(d, "interrupts=%u", num_queues);
	return 0;
}

static void device_disable_interrupts(struct vfs_transport *t)
{
	note(device_of(t), "no-interrupts");
}

static int device_queue_fd(struct vfs_transport *t, uint16_t queue)
{
	const struct fuse_device *d = device_of(t);

	return d->queue_fds[d->shared_fd ? 0 : queue];
}

static int device_map(struct vfs_transport *t, const struct vfs_dma_map *map)
{
	struct fuse_device *d = device_of(t);

	if (fails(d))
		return failed();
	note(d, "map");
	return stub_iommu_map(&d->iommu, &t->limits, map);
}

static int device_unmap(struct vfs_transport *t, uint64_t iova, uint64_t length)
{
	struct fuse_device *d = device_of(t);

	note(d, "unmap");
	if (d->bus_master && !d->unmaps_while_running)
		broke(d, "memory was unmapped that the device could reach");
	return stub_iommu_unmap(&d->iommu, iova, length);
}

static int device_set_bus_master(struct vfs_transport *t, bool on)
{
	struct fuse_device *d = device_of(t);

	if (on && fails(d))
		return failed();
	note(d, "master=%d", on);
	d->bus_master = on;
	return 0;
}

static int device_event_fd(struct vfs_transport *t)
{
	return device_of(t)->event_fd;
}

static int device_check_events(struct vfs_transport *t)
{
	struct fuse_device *d = device_of(t);
	int events;

	vfs_eventfd_clear(d->event_fd);
	events = d->events;
	return events ? vfs_error(events, "stub: event") : 0;
}

static void set_ops(struct fuse_device *d)
{
	base_ops = *d->stub.transport.ops;
	d->ops = base_ops;
	d->ops.reset = device_reset;
	d->ops.get_status = device_get_status;
	d->ops.set_status = device_set_status;
	d->ops.get_features = device_get_features;
	d->ops.set_features = device_set_features;
	d->ops.queue_max_size = device_queue_max_size;
	d->ops.enable_queue = device_enable_queue;
	d->ops.notify = device_notify;
	d->ops.enable_interrupts = device_enable_interrupts;
	d->ops.disable_interrupts = device_disable_interrupts;
	d->ops.queue_fd = device_queue_fd;
	d->ops.dma_map = device_map;
	d->ops.dma_unmap = device_unmap;
	d->ops.set_bus_master = device_set_bus_master;
	d->ops.event_fd = device_event_fd;
	d->ops.check_events = device_check_events;
	d->stub.transport.ops = &d->ops;
}

/* ---- the device and its sessions ---- */

void fuse_device_init(struct fuse_device *d)
{
	memset(d, 0, sizeof(*d));
	pthread_mutex_init(&d->lock, NULL);
	stub_transport_init(&d->stub);
	set_ops(d);
	d->stub.offered = FEATURE_VERSION_1 | FEATURE_ACCESS_PLATFORM | FEATURE_INDIRECT |
			  FEATURE_EVENT_IDX | FEATURE_PACKED;
	d->stub.transport.limits = stub_limits;
	d->device.transport = &d->stub.transport;
	memcpy(d->device.info.name, d->stub.transport.name, sizeof(d->device.info.name));
	for (unsigned int i = 0; i < FUSE_DEVICE_QUEUES; i++)
		d->queue_fds[i] = vfs_eventfd_create();
	d->event_fd = vfs_eventfd_create();
	fuse_device_set_queues(d, 1, 64);
}

void fuse_device_set_queues(struct fuse_device *d, unsigned int num_request_queues, uint16_t size)
{
	d->device.info.num_request_queues = num_request_queues;
	d->stub.transport.num_queues = (uint16_t)(1 + num_request_queues);
	for (unsigned int i = 0; i < FUSE_DEVICE_QUEUES; i++)
		d->queue_sizes[i] = i <= num_request_queues ? size : 0;
}

void fuse_device_offer_notify(struct fuse_device *d, uint32_t notify_buf_size)
{
	uint32_t le = htole32(notify_buf_size);
	unsigned int queue = d->stub.transport.num_queues++;

	d->stub.offered |= FEATURE_NOTIFICATION;
	d->queue_sizes[queue] = d->queue_sizes[queue - 1];
	memcpy(d->stub.config + 40, &le, sizeof(le));
}

void fuse_device_fini(struct fuse_device *d)
{
	for (unsigned int i = 0; i < FUSE_DEVICE_QUEUES; i++)
		close(d->queue_fds[i]);
	close(d->event_fd);
	if (d->fault || d->iommu.fault)
		fail_msg("the driver broke a rule: %s", d->fault ? d->fault : d->iommu.fault);
	assert_int_equal(d->iommu.count, 0);
	assert_false(d->bus_master);
	assert_null(d->device.user);
}

int fuse_device_start(struct fuse_device *d, const struct vfs_session_options *options,
	struct vfs_session **session)
{
	d->device.info.features = d->stub.offered;
	return vfs_session_create(&d->device, options, session);
}

struct vfs_session *fuse_device_connect(
	struct fuse_device *d, const struct vfs_session_options *options)
{
	void (*serve)(struct fuse_device *, const struct taken *) = d->serve;
	struct vfs_session *session = NULL;
	struct vfs_init got;

	if (fuse_device_start(d, options, &session) < 0)
		fail_msg("%s", vfs_last_error());
	d->serve = fuse_device_serve;
	if (vfs_session_init(session, &(struct vfs_init){0}, &got) < 0)
		fail_msg("%s", vfs_last_error());
	d->serve = serve;
	memset(d->notified, 0, sizeof(d->notified));
	memset(d->interrupted, 0, sizeof(d->interrupted));
	return session;
}

void fuse_device_event(struct fuse_device *d, int error)
{
	uint64_t one = 1;

	d->events = error;
	assert_int_equal(write(d->event_fd, &one, sizeof(one)), sizeof(one));
}

/* ---- messages ---- */

static void read_message(struct fuse_device *d, struct taken *taken)
{
	const struct device_chain *chain = &taken->chain;

	taken->length = 0;
	for (unsigned int i = 0; i < chain->num_readable; i++) {
		const struct device_segment *s = &chain->segments[i];
		const uint8_t *from = reach(d, s->addr, s->len);

		if (!from || s->len > TAKEN_BYTES - taken->length)
			fail_msg("segment %u of a message is out of reach", i);
		memcpy(taken->bytes + taken->length, from, s->len);
		taken->length += s->len;
	}
	if (taken->length < sizeof(taken->header) || taken->header.len != taken->length)
		fail_msg("a message of %zu bytes says it has %u", taken->length, taken->header.len);
}

static uint8_t *reach_writable(const struct fuse_device *d, const struct device_segment *s)
{
	uint8_t *to = stub_iommu_reach(&d->iommu, s->addr, s->len, BOTH);

	if (!to)
		fail_msg("0x%llx is not writable", (unsigned long long)s->addr);
	return to;
}

static int take_chain(struct fuse_device *d, unsigned int queue, struct device_chain *chain)
{
	struct device_ring *ring = &d->rings[queue];
	int r = 0;

	pthread_mutex_lock(&d->lock);
	if (ring->desc) {
		r = device_ring_take(ring, chain);
		if (d->silent)
			device_ring_disable_notify(ring);
		else
			device_ring_enable_notify(ring);
	}
	pthread_mutex_unlock(&d->lock);
	if (r < 0)
		fail_msg("queue %u: %s", queue, ring->fault);
	return r;
}

bool fuse_device_take(struct fuse_device *d, unsigned int queue, struct taken *taken)
{
	if (take_chain(d, queue, &taken->chain) == 0)
		return false;
	taken->queue = (uint16_t)queue;
	read_message(d, taken);
	for (unsigned int i = taken->chain.num_readable; i < taken->chain.count; i++)
		reach_writable(d, &taken->chain.segments[i]);
	d->served[taken->header.opcode % ARRAY_SIZE(d->served)]++;
	return true;
}

bool fuse_device_take_buffer(struct fuse_device *d, struct device_chain *chain)
{
	if (take_chain(d, 1, chain) == 0)
		return false;
	if (chain->num_readable)
		broke(d, "a buffer for notifications that is to be read");
	for (unsigned int i = 0; i < chain->count; i++)
		reach_writable(d, &chain->segments[i]);
	return true;
}

bool fuse_device_notify(struct fuse_device *d, const void *bytes, size_t length, uint32_t used_len)
{
	static struct taken buffer = {.queue = 1};

	if (!fuse_device_take_buffer(d, &buffer.chain))
		return false;
	fuse_device_write(d, &buffer, bytes, length, used_len);
	return true;
}

static void interrupt(struct fuse_device *d, unsigned int queue)
{
	uint64_t one = 1;

	if (!device_ring_wants_interrupt(&d->rings[queue]))
		return;
	d->interrupted[queue]++;
	assert_int_equal(
		write(d->queue_fds[d->shared_fd ? 0 : queue], &one, sizeof(one)), sizeof(one));
}

void fuse_device_write(struct fuse_device *d, const struct taken *taken, const void *bytes,
	size_t length, uint32_t used_len)
{
	const struct device_chain *chain = &taken->chain;
	const uint8_t *from = bytes;

	for (unsigned int i = chain->num_readable; i < chain->count && length; i++) {
		size_t piece = min_size(length, chain->segments[i].len);

		memcpy(reach_writable(d, &chain->segments[i]), from, piece);
		from += piece;
		length -= piece;
	}
	pthread_mutex_lock(&d->lock);
	device_ring_complete(&d->rings[taken->queue], chain->head, used_len);
	interrupt(d, taken->queue);
	pthread_mutex_unlock(&d->lock);
}

void fuse_device_answer(struct fuse_device *d, const struct taken *taken, int error,
	const void *body, size_t length)
{
	struct fuse_out_header header = {
		.len = (uint32_t)(sizeof(header) + length),
		.error = error,
		.unique = taken->header.unique,
	};
	uint8_t *bytes;

	if (!taken->chain.writable_bytes) {
		fuse_device_write(d, taken, NULL, 0, 0);
		return;
	}
	bytes = malloc(header.len);
	assert_non_null(bytes);
	memcpy(bytes, &header, sizeof(header));
	if (length)
		memcpy(bytes + sizeof(header), body, length);
	fuse_device_write(d, taken, bytes, header.len, header.len);
	free(bytes);
}

const struct fuse_init_out fuse_device_init_out = {
	.major = 7,
	.minor = 38,
	.max_write = 1 << 20,
	.max_background = 12,
	.time_gran = 1,
};

void fuse_device_serve(struct fuse_device *d, const struct taken *taken)
{
	static const struct fuse_statfs_out statfs;

	switch (taken->header.opcode) {
	case FUSE_INIT:
		fuse_device_answer(
			d, taken, 0, &fuse_device_init_out, sizeof(fuse_device_init_out));
		return;
	case FUSE_STATFS:
		fuse_device_answer(d, taken, 0, &statfs, sizeof(statfs));
		return;
	case FUSE_DESTROY:
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		fuse_device_answer(d, taken, 0, NULL, 0);
		return;
	default:
		fuse_device_answer(d, taken, -ENOSYS, NULL, 0);
	}
}
